using Hyperkube.Oci.Registry;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class GoDurationTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("-0", 0)]
    [InlineData("300ms", 300)]
    [InlineData("5s", 5_000)]
    [InlineData("+5s", 5_000)]
    [InlineData("1.5s", 1_500)]
    [InlineData(".5s", 500)]
    [InlineData("1.s", 1_000)]
    [InlineData("1m30s", 90_000)]
    [InlineData("1h0m0.5s", 3_600_500)]
    [InlineData("2000us", 2)]
    [InlineData("2000µs", 2)]
    [InlineData("2000μs", 2)]
    [InlineData("3000000ns", 3)]
    [InlineData("007s", 7_000)]
    public void Lengths_of_time(string text, int milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), GoDuration.TryParse(text));

    [Fact]
    public void Less_than_a_tick_is_a_tick() => Assert.Equal(TimeSpan.FromTicks(1), GoDuration.TryParse("1ns"));

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("s")]
    [InlineData(".s")]
    [InlineData("1..5s")]
    [InlineData("5 s")]
    [InlineData("5S")]
    [InlineData("5d")]
    [InlineData("1s5")]
    [InlineData("-5s")]
    [InlineData("+-5s")]
    [InlineData("1e3s")]
    [InlineData("3000000h")]
    [InlineData("99999999999999999999999999999999999999h")]
    [InlineData("2562047h47m16.854775808s")]
    public void What_is_none(string text) => Assert.Null(GoDuration.TryParse(text));
}
