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

    [Theory]
    [InlineData("0", 0)]
    [InlineData("1234", 1234)]
    [InlineData("8GiB", 8L << 30)]
    [InlineData("500 MB", 500_000_000)]
    [InlineData("3kB", 3000)]
    [InlineData("2TiB", 2L << 40)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void A_person_writes_a_number_and_a_unit(string text, long bytes)
    {
        Assert.True(Sizes.TryParse(text, out var read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("GiB")]
    [InlineData("-1")]
    [InlineData("1.5GB")]
    [InlineData("8gib")]
    [InlineData("8G")]
    [InlineData("8388608TiB")]
    [InlineData("9223372036854775808")]
    public void What_is_no_size_is_none(string? text) => Assert.False(Sizes.TryParse(text, out _));
}
