using CsCheck;
using Hyperkube.Oci.Registry;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class ChallengeTests
{
    // Text made of what the parser looks at, which random characters would never put together.
    private static readonly Gen<string> NearlyChallenge = Gen.OneOf(
        "Bearer", "Basic", "bearer ", " ", ",", "=", "\"", "\\", "\\\"", "realm=", "realm=\"", "https://a.io/token", "http://",
        "service=\"x\"", "scope=", "a:pull,push", ";", "\t", "é", "\u0001", "a", "==", "\"\"").Array[0, 12].Select(string.Concat);

    [Theory]
    [InlineData("Bearer realm=\"https://a.io/token\",service=\"a.io\",scope=\"repository:x:pull,push\"", "a.io", "repository:x:pull,push")]
    [InlineData("bearer REALM=\"https://a.io/token\" , Service=a.io", "a.io", null)]
    [InlineData("Bearer realm=https://a.io/token", null, null)]
    [InlineData("Bearer realm=\"https://a.io/token\",service=\"say \\\"hi\\\"\"", "say \"hi\"", null)]
    [InlineData("Bearer realm=\"https://a.io/token\",realm=\"https://evil.net\"", null, null)]
    [InlineData("Basic realm=\"x\", Bearer realm=\"https://a.io/token\",service=\"a.io\"", "a.io", null)]
    [InlineData("Bearer realm=\"https://a.io/token\",service=\"a.io\", Basic realm=\"x\"", "a.io", null)]
    public void A_token_service_is_understood(string header, string? service, string? scope) =>
        Assert.Equal(new Challenge(new Uri("https://a.io/token"), service, scope), Parse(header));

    [Theory]
    [InlineData("Basic realm=\"x\"")]
    [InlineData("BASIC")]
    [InlineData("Bearer service=\"x\", Basic")]
    [InlineData("Bearer realm=\"ftp://a.io\", Basic realm=\"x\"")]
    public void A_login_is_understood(string header) => Assert.Equal(new Challenge(null, null, null), Parse(header));

    [Theory]
    [InlineData("")]
    [InlineData("Negotiate")]
    [InlineData("Bearer")]
    [InlineData("Bearer realm=\"\"")]
    [InlineData("Bearer realm=\"/token\"")]
    [InlineData("Bearer realm=\"https://a.io/token\",scope=\"unended")]
    [InlineData("Bearer realm=\"file:///etc/passwd\"")]
    [InlineData("Bearer realm=\"https://bob:secret@a.io/token\"")]
    public void Anything_else_cannot_be_met(string header) => Assert.Null(Parse(header));

    [Fact]
    public void Nothing_makes_it_throw() => NearlyChallenge.Sample(text => Parse(text), iter: 20_000);

    [Fact]
    public void What_comes_out_is_an_address_of_the_web() =>
        NearlyChallenge.Sample(
            text => Assert.True(Parse(text)?.Realm is null or { IsAbsoluteUri: true, Scheme: "https" or "http", UserInfo: "" }),
            iter: 20_000);

    private static Challenge? Parse(string header)
    {
        using HttpResponseMessage response = new();
        response.Headers.TryAddWithoutValidation("WWW-Authenticate", header);
        return Challenge.From(response.Headers.WwwAuthenticate);
    }
}
