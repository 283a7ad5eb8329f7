using CsCheck;

namespace Hyperkube.Cli.Tests;

public sealed class ParsersTests
{
    [Theory]
    [InlineData("30s", 30)]
    [InlineData("5m", 300)]
    [InlineData("1h30m", 5400)]
    [InlineData("1h1m1s", 3661)]
    [InlineData("90m", 5400)]
    [InlineData("1h5s", 3605)]
    [InlineData("576h", 2_073_600)]
    public void A_duration_is_hours_minutes_and_seconds(string text, int seconds)
    {
        Assert.True(Parsers.TryParseDuration(text, out var duration));
        Assert.Equal(seconds, duration.TotalSeconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("30")]
    [InlineData("s")]
    [InlineData("0s")]
    [InlineData("0h0m0s")]
    [InlineData("-5s")]
    [InlineData("+5s")]
    [InlineData("1.5h")]
    [InlineData("5 m")]
    [InlineData("5M")]
    [InlineData("30s5m")]
    [InlineData("5m5m")]
    [InlineData("1d")]
    [InlineData("500ms")]
    [InlineData("577h")]
    [InlineData("99999999999999999999s")]
    [InlineData("2147483647h")]
    [InlineData("2147483647h2147483647m2147483647s")]
    public void Anything_else_is_no_duration(string text) => Assert.False(Parsers.TryParseDuration(text, out _));

    [Fact]
    public void Every_duration_reads_back() => Gen.Select(Gen.Int[0, 500], Gen.Int[0, 59], Gen.Int[1, 59]).Sample((h, m, s) =>
        Parsers.TryParseDuration($"{h}h{m}m{s}s", out var duration) && duration == new TimeSpan(h, m, s));
}
