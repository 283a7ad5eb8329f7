using System.Text;
using Hyperkube.Oci;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Releases;

public sealed class NetrcTests
{
    [Fact]
    public void A_host_gets_its_own_login()
    {
        var logins = Netrc.Parse("machine a.example login ann password one\nmachine b.example login ben password two\n", "netrc");

        Assert.Equal("ann:one", LoginFor(logins, "a.example"));
        Assert.Equal("ben:two", LoginFor(logins, "b.example"));
        Assert.Null(LoginFor(logins, "c.example"));
    }

    [Theory]
    [InlineData("a.example.evil.example")]
    [InlineData("evil-a.example")]
    [InlineData("sub.a.example")]
    [InlineData("example")]
    public void A_host_with_a_similar_name_gets_none(string host) =>
        Assert.Null(LoginFor(Netrc.Parse("machine a.example login ann password one", "netrc"), host));

    [Theory]
    [InlineData("machine h login u password p")]
    [InlineData("machine h\n  login u\n  password p\n")]
    [InlineData("\tmachine\th\tlogin\tu\tpassword\tp\r\n")]
    [InlineData("# a note\nmachine h login u password p\n# machine h login no password no")]
    [InlineData("machine h login u account x password p")]
    [InlineData("machine h login u password p\nmachine h login later password later")]
    [InlineData("machine other login x password y\nmacdef init\nmachine h login no password no\ncd /pub\n\nmachine h login u password p")]
    [InlineData("machine H login u password p")]
    [InlineData("default login u password p")]
    [InlineData("machine other login x password y default login u password p")]
    [InlineData("machine h password p login u")]
    public void Every_usual_form_is_read(string text) => Assert.Equal("u:p", LoginFor(Netrc.Parse(text, "netrc"), "h"));

    [Theory]
    [InlineData("machine h login u password #p", "u:#p")]
    [InlineData("machine h login u password machine", "u:machine")]
    [InlineData("machine h login u password p:q@r", "u:p:q@r")]
    [InlineData("machine h login \u00fc password \u00e9", "\u00fc:\u00e9")]
    [InlineData("machine h password token", ":token")]
    public void Odd_values_are_taken_as_they_are(string text, string login) =>
        Assert.Equal(login, LoginFor(Netrc.Parse(text, "netrc"), "h"));

    [Theory]
    [InlineData("")]
    [InlineData("\n\n# nothing\n")]
    [InlineData("machine h login u")]
    [InlineData("machine h")]
    public void Without_a_password_there_is_no_login(string text) => Assert.Null(LoginFor(Netrc.Parse(text, "netrc"), "h"));

    [Theory]
    [InlineData("machine")]
    [InlineData("machine h login")]
    [InlineData("machine h login u password")]
    [InlineData("login u password hunter2")]
    [InlineData("machine h login u password hunter2 hunter2")]
    [InlineData("{\"machine\": \"hunter2\"}")]
    public void A_malformed_file_is_refused_by_its_name_and_without_its_secrets(string text)
    {
        var error = Assert.Throws<HyperkubeException>(() => Netrc.Parse(text, "/home/ann/.netrc"));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.StartsWith("/home/ann/.netrc: ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_variable_NETRC_names_the_file()
    {
        using TempDirectory directory = new();
        File.WriteAllText(directory["logins"], "machine h login u password p");

        Assert.Equal("u:p", LoginFor(Netrc.Load(name => name == "NETRC" ? directory["logins"] : null), "h"));
    }

    [Fact]
    public void A_missing_file_holds_no_logins()
    {
        using TempDirectory directory = new();

        Assert.Null(LoginFor(Netrc.Load(name => name == "NETRC" ? directory["none"] : null), "h"));
    }

    [Fact]
    public void A_huge_file_is_somebody_elses()
    {
        using TempDirectory directory = new();
        File.WriteAllBytes(directory["huge"], new byte[(1 << 20) + 1]);

        var error = Assert.Throws<HyperkubeException>(() => Netrc.Load(_ => directory["huge"]));

        Assert.Equal(ErrorKind.Usage, error.Kind);
    }

    private static string? LoginFor(Netrc logins, string host) =>
        logins.BasicFor(host, orDefault: true) is { } basic ? Encoding.UTF8.GetString(Convert.FromBase64String(basic)) : null;
}
