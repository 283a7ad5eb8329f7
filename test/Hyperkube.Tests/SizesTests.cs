namespace Hyperkube.Tests;

public sealed class SizesTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1000, "1.0 kB")]
    [InlineData(57_345_678, "57.3 MB")]
    [InlineData(99_940_000, "99.9 MB")]
    [InlineData(99_960_000, "100 MB")]
    [InlineData(999_400_000, "999 MB")]
    [InlineData(999_500_000, "1.0 GB")]
    [InlineData(8L << 30, "8.6 GB")]
    [InlineData(long.MaxValue, "9223372 TB")]
    public void Bytes_read_as_three_digits_and_a_unit(long bytes, string text) => Assert.Equal(text, Sizes.Text(bytes));
}
