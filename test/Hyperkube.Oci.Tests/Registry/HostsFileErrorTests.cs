using CsCheck;
using Hyperkube.Oci.Registry;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class HostsFileErrorTests
{
    private const string Registry = "registry.example.com";

    // Text made of what the parser looks at, which random characters would never put together.
    private static readonly Gen<string> NearlyHostsFile = Gen.OneOf(
        "server", "host", "header", "ca", "client", "capabilities", "skip_verify", "override_path", "dial_timeout", "[", "]", "[[", "]]",
        "{", "}", "=", " = ", ".", ",", "\n", "\r\n", "#", "\"", "'", "\"\"\"", "'''", "\\", "\\u0041", "\\ud800", "\"a\"", "'http://a'",
        "\"https://[::1]:5000/v2\"", "['pull']", "[['a', 'b']]", "['\\0', 1]", "true", "false", "1", "-1.5e9", "0x", "inf", "nan",
        "1979-05-27T07:32:00Z", "'5s'", "\0", "\ufeff", "\ud800", "é", "[host.a]\n", "[host.\"\"]\n", "x = 1\n", "= 'ca.crt'\n", "{a = ",
        new string('[', 70), string.Concat(Enumerable.Repeat("{a=", 70)), "\u2028", "\t", "docker.io", "%zz", "a=[[[[", "\x7f")
        .Array[0, 24].Select(string.Concat);

    [Theory]
    [InlineData("a = 1\nserver =", 2)]
    [InlineData("a = 1 b = 2", 1)]
    [InlineData("\n\n[host.\"x\n", 3)]
    [InlineData("server = 's'\nserver = 't'", 2)]
    [InlineData("[host.a]\n[host.a]", 2)]
    [InlineData("x = 'a\0b'", 1)]
    [InlineData("\nserver = 1", 2)]
    [InlineData("server = ['s']", 1)]
    [InlineData("[server]", 1)]
    [InlineData("server.x = 's'", 1)]
    [InlineData("[[host]]", 1)]
    [InlineData("[[host.a]]", 1)]
    [InlineData("host = 'a'", 1)]
    [InlineData("host.a = 1", 1)]
    [InlineData("[host.a]\n\ncapabilities = 'pull'", 3)]
    [InlineData("[host.a]\ncapabilities = ['pull', 1]", 2)]
    [InlineData("[host.a]\ncapabilities = ['pul']", 2)]
    [InlineData("[host.a.capabilities]", 1)]
    [InlineData("[host.a]\nskip_verify = 'true'", 2)]
    [InlineData("[host.a]\noverride_path = 1", 2)]
    [InlineData("[host.a]\ndial_timeout = 5", 2)]
    [InlineData("[host.a]\ndial_timeout = '5'", 2)]
    [InlineData("[host.a]\ndial_timeout = '-5s'", 2)]
    [InlineData("[host.a]\nca = 1", 2)]
    [InlineData("[host.a]\nca = [['x']]", 2)]
    [InlineData("[host.a]\nca.x = 'x'", 2)]
    [InlineData("[host.a]\nclient = true", 2)]
    [InlineData("[host.a]\nclient = [1]", 2)]
    [InlineData("[host.a]\nclient = [['a']]", 2)]
    [InlineData("[host.a]\nclient = [['a', 'b', 'c']]", 2)]
    [InlineData("[host.a]\nclient = [['a', 1]]", 2)]
    [InlineData("[host.a]\nheader = 'x'", 2)]
    [InlineData("[[host.a.header]]", 1)]
    [InlineData("[host.a]\nheader.x = 1", 2)]
    [InlineData("[host.a]\nheader.x = [1]", 2)]
    [InlineData("[host.a]\nheader.x.y = 'z'", 2)]
    [InlineData("[host.a]\nheader.'x y' = 'z'", 2)]
    [InlineData("[host.a]\nheader.'' = 'z'", 2)]
    [InlineData("[host.a]\nheader.x = \"a\\nb\"", 2)]
    [InlineData("server = 'ftp://x'", 1)]
    [InlineData("\n[host.httpbin]", 2)]
    [InlineData("[host.'']", 1)]
    [InlineData("[host.a]\nca = 'missing.crt'", 2)]
    [InlineData("[host.a]\nca = ''", 2)]
    [InlineData("[host.a]\nca = ['ca.crt', '.']", 2)]
    [InlineData("[host.a]\nca = \"a\\u0000b\"", 2)]
    [InlineData("[host.a]\nca = 'client.key'", 2)]
    [InlineData("[host.a]\nca = '/dev/zero'", 2)]
    [InlineData("[host.a]\nclient = 'client.cert'", 2)]
    [InlineData("[host.a]\nclient = [['client.cert', 'missing']]", 2)]
    [InlineData("[host.a]\nclient = [['client.key', 'client.key']]", 2)]
    [InlineData("[host.a]\n[host.b]\n[host.c]\nca = 'missing.crt'", 4)]
    [InlineData("\n\nca = 'missing.crt'", 3)]
    public void What_is_wrong_is_told_with_its_line(string text, int line)
    {
        using HostsTree tree = new();
        var file = $"{tree.Directory}/hosts.toml";

        var error = Assert.Throws<HyperkubeException>(() => HostsFile.Parse(text, file, Registry));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.StartsWith($"{file}:{line}: ", error.Message, StringComparison.Ordinal);
        Assert.Contains("; expected ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void What_is_too_deep_is_told_with_the_file()
    {
        var error = Assert.Throws<HyperkubeException>(() => HostsFile.Parse($"x = {new string('[', 70)}", "hosts.toml", Registry));

        Assert.StartsWith("hosts.toml: ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[host.a.header]\nAuthorization = 'SECRET'\nAuthorization = 'SECRET'")]
    [InlineData("[host.a.header]\nAuthorization = SECRET")]
    [InlineData("[host.a.header]\nAuthorization = ['SECRET', 1]")]
    [InlineData("[host.a.header]\nAuthorization = \"SECRET\\n\"")]
    [InlineData("[host.a.header]\nAuthorization = { basic = 'SECRET' }")]
    [InlineData("[host.a.header]\nAuthorization = 'SECRET' SECRET")]
    [InlineData("[host.'https://user:SECRET@']")]
    [InlineData("server = 'ftp://user:SECRET@host'")]
    public void No_secret_is_told(string text)
    {
        Exception? error = Assert.Throws<HyperkubeException>(() => HostsFile.Parse(text, "hosts.toml", Registry));
        for (; error is not null; error = error.InnerException)
        {
            Assert.DoesNotContain("SECRET", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void No_text_makes_the_reader_throw_anything_else() =>
        Gen.OneOf(NearlyHostsFile, Gen.String[0, 60]).Sample(
            text =>
            {
                try
                {
                    Assert.NotEmpty(HostsFile.Parse(text, "hosts.toml", Registry));
                }
                catch (HyperkubeException e)
                {
                    Assert.Equal(ErrorKind.Usage, e.Kind);
                }
            }, iter: 20_000);
}
