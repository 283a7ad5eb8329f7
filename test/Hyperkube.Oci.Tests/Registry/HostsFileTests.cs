using Hyperkube.Oci.Registry;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class HostsFileTests
{
    private const string Registry = "registry.example.com";
    private const string File = "/etc/certs.d/registry.example.com/hosts.toml";

    /// <summary>A file, and the hosts in their order: root, then !capabilities if not all, ~ if HTTP is tried after TLS, ? if the
    /// registry is told.</summary>
    public static TheoryData<string, string> Files => new()
    {
        { "", "https://registry.example.com/v2" },
        { "# nothing", "https://registry.example.com/v2" },
        { "server = ''", "https://registry.example.com/v2" },
        { "server = 'https://registry.example.com'", "https://registry.example.com/v2" },
        { "server = 'mirror'", "https://mirror/v2?" },
        { "SERVER = 'mirror'", "https://mirror/v2?" },
        { "server = 'https://registry.example.com:443'", "https://registry.example.com/v2?" }, // Another name to containerd.

        // Order.
        { "[host.b]\n[host.a]", "https://b/v2? https://a/v2? https://registry.example.com/v2" },
        { "server = 's'\n[host.b]\n[host.a]", "https://b/v2? https://a/v2? https://s/v2?" },
        { "[host.'http://a:1']\n[host.'http://a:1'.header]\nx = '1'", "http://a:1/v2? https://registry.example.com/v2" },
        { "[host.a.header]\nx = '1'\n[host.b]", "https://a/v2? https://b/v2? https://registry.example.com/v2" },
        { "[host.a.header]\nx = '1'\n[host.a]\nskip_verify = true", "https://a/v2? https://registry.example.com/v2" },
        { "[host.a]\n[host.b]\n[host.a.header]", "https://a/v2? https://b/v2? https://a/v2? https://registry.example.com/v2" },
        { "[ host . \"registry.example.com\" ]", "https://registry.example.com/v2 https://registry.example.com/v2" },

        // Read, never asked.
        { "host.a.capabilities = ['pull']", "https://registry.example.com/v2" },
        { "host.a = { capabilities = ['pull'] }", "https://registry.example.com/v2" },
        { "host = { a = {} }", "https://registry.example.com/v2" },
        { "[host]\na.skip_verify = true\nb = {}", "https://registry.example.com/v2" },
        { "[HOST.a]", "https://registry.example.com/v2" },
        { "[other.a]\n[[list]]", "https://registry.example.com/v2" },

        // What it may be asked for.
        { "[host.a]\ncapabilities = ['pull']", "https://a/v2!Pull? https://registry.example.com/v2" },
        { "[host.a]\ncapabilities = ['Pull', 'RESOLVE']", "https://a/v2!Pull,Resolve? https://registry.example.com/v2" },
        { "[host.a]\ncapabilities = ['push', 'referrers']", "https://a/v2!Push,Referrers? https://registry.example.com/v2" },
        { "[host.a]\ncapabilities = []", "https://a/v2? https://registry.example.com/v2" },
        { "server = 's'\ncapabilities = ['pull']", "https://s/v2!Pull?" },
        { "capabilities = ['pull']", "https://registry.example.com/v2" }, // The registry itself can do everything.

        // Addresses.
        { "[host.'https://a/hub/']", "https://a/hub/v2? https://registry.example.com/v2" },
        { "[host.'https://a/hub/']\noverride_path = true", "https://a/hub? https://registry.example.com/v2" },
        { "[host.a]\noverride_path = true", "https://a/? https://registry.example.com/v2" },
        { "server = 'https://s/x'\noverride_path = true", "https://s/x?" },
        { "override_path = true", "https://registry.example.com/v2" },

        // Plain HTTP.
        { "[host.'http://a']", "http://a/v2? https://registry.example.com/v2" },
        { "[host.'http://a']\nskip_verify = true", "https://a/v2~? https://registry.example.com/v2" },
        { "[host.'http://a:5000']\nskip_verify = false", "https://a:5000/v2~? https://registry.example.com/v2" },
        { "[host.'http://a:80']\nskip_verify = true", "http://a/v2? https://registry.example.com/v2" },
        { "[host.'http://a:5000']\nca = []", "https://a:5000/v2~? https://registry.example.com/v2" },
        { "[host.'http://a:5000']\nclient = []", "http://a:5000/v2? https://registry.example.com/v2" },
        { "[host.'http://a:5000']\ndial_timeout = '1s'\nheader.x = '1'", "http://a:5000/v2? https://registry.example.com/v2" },
        { "[host.'127.0.0.1:5000']", "https://127.0.0.1:5000/v2? https://registry.example.com/v2" }, // Only the registry itself is eased.

        // Unknown settings are passed over.
        { "capabilites = 1\n[host.a]\nserver = 1\nfoo.bar = {}", "https://a/v2? https://registry.example.com/v2" },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void Hosts_are_asked_in_the_order_of_their_headers_and_the_registry_last(string text, string expected) =>
        Assert.Equal(expected, string.Join(' ', HostsFile.Parse(text, File, Registry).Select(Show)));

    [Theory]
    [InlineData("docker.io", "", "https://registry-1.docker.io/v2")]
    [InlineData("docker.io", "server = 'https://registry-1.docker.io'", "https://registry-1.docker.io/v2")]
    [InlineData("docker.io", "server = 'https://docker.io'", "https://docker.io/v2")]
    [InlineData("docker.io", "[host.a]", "https://a/v2? https://registry-1.docker.io/v2")]
    [InlineData("localhost:5000", "", "https://localhost:5000/v2~")]
    [InlineData("localhost:5000", "skip_verify = false", "https://localhost:5000/v2~")]
    [InlineData("localhost:80", "", "http://localhost/v2")]
    [InlineData("localhost:80", "skip_verify = false", "http://localhost/v2")]
    [InlineData("localhost:443", "", "https://localhost/v2")]
    [InlineData("localhost", "", "https://localhost/v2")]
    [InlineData("localhost:5000", "server = 'http://localhost:5000'", "http://localhost:5000/v2")]
    public void The_registry_itself_has_its_own_rules(string registry, string text, string expected) =>
        Assert.Equal(expected, string.Join(' ', HostsFile.Parse(text, File, registry).Select(Show)));

    [Fact]
    public void The_registry_is_told_by_the_name_of_the_reference() =>
        Assert.Equal(
            ["registry.example.com:5000", null],
            HostsFile.Parse("[host.a]", File, "registry.example.com:5000").Select(h => h.Namespace), StringComparer.Ordinal);

    [Fact]
    public void Each_host_tells_where_it_was_written()
    {
        const string Text = """
            # first
            capabilities = ["pull"]
            server = "https://s"

            [host."https://a".header]
              x = "1"
            [host."https://a"]
            [host."https://b"]
            """;

        var hosts = HostsFile.Parse(Text, File, Registry);
        Assert.Equal([$"{File}:5", $"{File}:8", $"{File}:3"], hosts.Select(h => h.Origin), StringComparer.Ordinal);
        Assert.Equal(File, Assert.Single(HostsFile.Parse("", File, Registry)).Origin);
    }

    [Fact]
    public void Headers_are_taken_as_they_are_written()
    {
        const string Text = """
            header.x-root = "r"
            [host.a]
              header = { X-One = "1", "x-more" = ["2", "3"], none = [] }
            [host.b.header]
              Authorization = "Basic c2VjcmV0"
              Host = "other"
            """;

        var hosts = HostsFile.Parse(Text, File, Registry);

        Assert.Equal([new("X-One", "1"), new("x-more", "2"), new("x-more", "3")], hosts[0].Headers);
        Assert.Equal([new("Authorization", "Basic c2VjcmV0")], hosts[1].Headers); // Go writes Host by itself.
        Assert.Equal([new("x-root", "r")], hosts[2].Headers);
    }

    [Theory]
    [InlineData("dial_timeout = '5s'", 5.0)]
    [InlineData("dial_timeout = '1m0.5s'", 60.5)]
    [InlineData("dial_timeout = '9000h'", int.MaxValue / 1000.0)]
    [InlineData("dial_timeout = '0s'", null)]
    [InlineData("dial_timeout = ''", null)]
    [InlineData("", null)]
    public void A_dial_may_take_so_long(string text, double? seconds) =>
        Assert.Equal(seconds, Assert.Single(HostsFile.Parse(text, File, Registry)).DialTimeout?.TotalSeconds);

    [Theory]
    [InlineData("skip_verify = true", true)]
    [InlineData("skip_verify = false", false)]
    [InlineData("", false)]
    public void Certificates_are_verified_unless_told(string text, bool skips) =>
        Assert.Equal(skips, Assert.Single(HostsFile.Parse(text, File, Registry)).Tls.SkipVerify);

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("localhost:5000", true)]
    [InlineData("localhost:443", true)]
    [InlineData("localhost:80", false)]
    public void On_loopback_nothing_is_verified_whatever_is_told(string registry, bool skips) =>
        Assert.Equal(skips, Assert.Single(HostsFile.Parse("skip_verify = false", File, registry)).Tls.SkipVerify);

    [Fact]
    public void Files_are_relative_to_the_files_directory()
    {
        using HostsTree tree = new();
        var text = $"""
            ca = "ca.crt"
            client = "both.pem"
            [host.a]
            ca = ["ca.crt", "sub/ca.crt", "{tree.Directory}/ca.crt"]
            client = ["both.pem"]
            [host.b]
            client = [["client.cert", "client.key"], "both.pem"]
            """;

        var hosts = HostsFile.Parse(text, $"{tree.Directory}/hosts.toml", Registry);

        var ca = $"{tree.Directory}/ca.crt";
        Assert.Equal([ca, $"{tree.Directory}/sub/ca.crt", ca], hosts[0].Tls.Authorities, StringComparer.Ordinal);
        Assert.Equal([($"{tree.Directory}/both.pem", null)], hosts[0].Tls.ClientCertificates);
        Assert.Equal(
            [($"{tree.Directory}/client.cert", $"{tree.Directory}/client.key"), ($"{tree.Directory}/both.pem", null)],
            hosts[1].Tls.ClientCertificates);
        Assert.Equal(ca, Assert.Single(hosts[2].Tls.Authorities));
        Assert.Equal([($"{tree.Directory}/both.pem", null)], hosts[2].Tls.ClientCertificates);
        Assert.Equal(HostsFile.Parse(text, $"{tree.Directory}/hosts.toml", Registry).Select(h => h.Tls), hosts.Select(h => h.Tls));
    }

    private static string Show(RegistryHost host) =>
        host.Root.AbsoluteUri
        + (host.Capabilities == HostCapabilities.All ? "" : $"!{host.Capabilities.ToString().Replace(" ", "", StringComparison.Ordinal)}")
        + (host.FallsBackToPlainHttp ? "~" : "")
        + (host.Namespace is null ? "" : "?");
}
