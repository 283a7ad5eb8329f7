using System.Text;
using Hyperkube.Oci.Registry;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class HostsDirectoryTests
{
    [Theory]
    [InlineData("registry:5000", "registry_5000_ registry:5000 _default", "registry_5000_", "registry_5000_")]
    [InlineData("registry:5000", "registry:5000 _default registry", "registry_5000_ registry:5000", "registry:5000")]
    [InlineData("registry:5000", "registry _default", "registry_5000_ registry:5000 _default", "_default")]
    [InlineData("registry:5000", "registry", "registry_5000_ registry:5000 _default", null)]
    [InlineData("registry", "registry _default", "registry", "registry")]
    [InlineData("registry", "_default", "registry _default", "_default")]
    [InlineData("registry", "", "registry _default", null)]
    [InlineData("[::1]:5000", "[::1]_5000_", "[::1]_5000_", "[::1]_5000_")]
    public void The_first_directory_that_exists_counts(string registry, string there, string lookedAt, string? chosen)
    {
        using TempDirectory root = new();
        foreach (var name in there.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            Directory.CreateDirectory(root[name]);
        }

        var found = HostsDirectory.Find(root.Path, registry);

        Assert.Equal(chosen is null ? null : root[chosen], found.Chosen);
        Assert.Equal(lookedAt.Split(' ').Select(name => root[name]), found.LookedAt, StringComparer.Ordinal);
        Assert.Equal(registry, found.Registry);
    }

    [Fact]
    public void An_empty_directory_hides_the_default()
    {
        using TempDirectory root = new();
        Directory.CreateDirectory(root["registry"]);
        Directory.CreateDirectory(root["_default"]);
        File.WriteAllText(root["_default/hosts.toml"], "[host.mirror]");

        Assert.Equal(["https://registry/v2"], Roots(root.Path, "registry"), StringComparer.Ordinal);
        Assert.Equal(["https://mirror/v2", "https://other/v2"], Roots(root.Path, "other"), StringComparer.Ordinal);
    }

    [Fact]
    public void A_server_in_the_default_takes_every_registry()
    {
        using TempDirectory root = new();
        Directory.CreateDirectory(root["_default"]);
        File.WriteAllText(root["_default/hosts.toml"], "server = 'cache'");

        var host = Assert.Single(HostsDirectory.HostsFor(root.Path, "docker.io"));

        Assert.Equal(("https://cache/v2", "docker.io"), (host.Root.AbsoluteUri, host.Namespace));
    }

    [Theory]
    [InlineData("docker.io", "https://registry-1.docker.io/v2", false, false)]
    [InlineData("registry:5000", "https://registry:5000/v2", false, false)]
    [InlineData("localhost", "https://localhost/v2", false, true)]
    [InlineData("localhost:443", "https://localhost/v2", false, true)]
    [InlineData("localhost:80", "http://localhost/v2", false, false)]
    [InlineData("127.0.0.1:5000", "https://127.0.0.1:5000/v2", true, true)]
    public void Without_directories_there_is_the_registry_itself(string registry, string root, bool fallsBack, bool skips)
    {
        using TempDirectory empty = new();
        foreach (var host in (RegistryHost[])
            [
                Assert.Single(HostsDirectory.HostsFor(null, registry)),
                Assert.Single(HostsDirectory.HostsFor(empty.Path, registry)),
                Assert.Single(HostsDirectory.HostsFor(empty["missing"], registry)),
                HostsDirectory.Itself(registry),
            ])
        {
            Assert.Empty(host.Headers);
            Assert.Equal(
                new RegistryHost { Root = new Uri(root), FallsBackToPlainHttp = fallsBack, Tls = new HostTls { SkipVerify = skips } },
                host with { Headers = [] });
        }
    }

    [Fact]
    public void Pushes_go_to_the_registry_itself_whatever_stands_in_for_it()
    {
        using HostsTree tree = new();
        tree.Write("hosts.toml", "server = 'mirror'\n[host.other]");

        Assert.Equal("https://registry.example.com/v2", HostsDirectory.Itself("registry.example.com").Root.AbsoluteUri);
        Assert.Equal(["https://other/v2", "https://mirror/v2"], Roots(tree.Root, "registry.example.com"), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Without_a_file_or_with_an_empty_one_certificates_are_read_as_Docker_does(bool isEmpty)
    {
        using HostsTree tree = new();
        tree.Write("another.crt", File.ReadAllText($"{tree.Directory}/ca.crt"));
        tree.Write("both.cert", File.ReadAllText($"{tree.Directory}/both.pem"));
        if (isEmpty)
        {
            tree.Write("hosts.toml", "");
        }

        var host = Assert.Single(HostsDirectory.HostsFor(tree.Root, "registry.example.com"));

        string[] authorities = [$"{tree.Directory}/another.crt", $"{tree.Directory}/ca.crt"];
        Assert.Equal(authorities, host.Tls.Authorities, StringComparer.Ordinal);
        Assert.Equal(
            [($"{tree.Directory}/both.cert", null), ($"{tree.Directory}/client.cert", $"{tree.Directory}/client.key")],
            host.Tls.ClientCertificates);
        Assert.Equal(("https://registry.example.com/v2", tree.Directory), (host.Root.AbsoluteUri, host.Origin));
    }

    [Fact]
    public void With_a_file_certificates_count_only_where_it_names_them()
    {
        using HostsTree tree = new();
        tree.Write("hosts.toml", "# nothing");

        Assert.Equal(HostTls.System, Assert.Single(HostsDirectory.HostsFor(tree.Root, "registry.example.com")).Tls);
    }

    [Fact]
    public void A_certificate_of_no_form_is_told_by_its_name()
    {
        using HostsTree tree = new();
        tree.Write("bad.crt", "not PEM");

        var error = Assert.Throws<HyperkubeException>(() => HostsDirectory.HostsFor(tree.Root, "registry.example.com"));

        Assert.Equal(
            $"{tree.Directory}: ca '{tree.Directory}/bad.crt' holds none; expected a PEM file with a certificate", error.Message);
    }

    [Fact]
    public void A_file_in_a_directorys_place_is_an_error()
    {
        using TempDirectory root = new();
        File.WriteAllText(root["registry"], "");

        Assert.Contains("expected a directory", Error(root.Path).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_in_the_files_place_is_an_error()
    {
        using TempDirectory root = new();
        Directory.CreateDirectory(root["registry/hosts.toml"]);

        Assert.StartsWith(root["registry/hosts.toml"], Error(root.Path).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_UTF_8_is_an_error_with_its_line()
    {
        using TempDirectory root = new();
        Directory.CreateDirectory(root["registry"]);
        File.WriteAllBytes(root["registry/hosts.toml"], [.. "# a\n# b\nserver = '"u8, 0xff, .. "'"u8]);

        Assert.StartsWith($"{root["registry/hosts.toml"]}:3: ", Error(root.Path).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_megabytes_is_an_error()
    {
        using TempDirectory root = new();
        Directory.CreateDirectory(root["registry"]);
        File.WriteAllBytes(root["registry/hosts.toml"], Encoding.ASCII.GetBytes(new string('#', (1 << 20) + 1)));

        Assert.Contains("longer than", Error(root.Path).Message, StringComparison.Ordinal);
    }

    private static HyperkubeException Error(string root)
    {
        var error = Assert.Throws<HyperkubeException>(() => HostsDirectory.HostsFor(root, "registry"));
        Assert.Equal(ErrorKind.Usage, error.Kind);
        return error;
    }

    private static IEnumerable<string> Roots(string root, string registry) =>
        HostsDirectory.HostsFor(root, registry).Select(h => h.Root.AbsoluteUri);
}
