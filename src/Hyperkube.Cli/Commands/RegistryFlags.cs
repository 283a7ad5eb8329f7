using System.CommandLine;
using Hyperkube.Oci;
using Hyperkube.Oci.Http;
using Hyperkube.Oci.Registry;
using Hyperkube.Oci.Registry.Credentials;
using Hyperkube.Publishing;

namespace Hyperkube.Cli.Commands;

/// <summary>How registries are reached, as the command line says.</summary>
internal sealed record RegistryAccess(
    string? AuthFile,
    string? ProviderConfig,
    string? ProviderDirectory,
    IReadOnlyList<string> TokenHosts,
    bool PlainHttp,
    string? Authorities,
    string? HostsDirectory)
{
    /// <summary>The host whose configuration counts.</summary>
    internal string Root { get; init; } = "/";

    /// <summary>Whether only mirrors are asked.</summary>
    internal bool WithoutUpstream { get; init; }

    /// <summary>Makes what talks to registries; nothing is read, and nobody asked, before it is used.</summary>
    internal RegistrySession Open(Session session)
    {
        var chain = CredentialChain.Default(
            session.Host.Variable, home: null, AuthFile, ProviderConfig, ProviderDirectory, session.Log.Warn, session.Host.Time);
        RegistryOptions options = new()
        {
            Credentials = chain,
            Proxy = new EnvironmentProxy(session.Host.Variable),
            Warn = session.Log.Warn,
            Retry = new RetryPolicy { Time = session.Host.Time },
            PlainHttp = PlainHttp,
            TokenHosts = TokenHosts,
        };
        return new RegistrySession(new RegistryClient(options), chain, options, this);
    }

    /// <summary>The hosts that are asked for what a registry has, in order.</summary>
    internal IReadOnlyList<RegistryHost> HostsFor(string registry) => HostsIn(DirectoryOf(registry));

    /// <summary>Where the hosts of a registry are written down.</summary>
    internal HostsDirectory DirectoryOf(string registry) =>
        Root == "/" || HostsDirectory is null
            ? Oci.Registry.HostsDirectory.Find(HostsDirectory, registry)
            : Oci.Registry.HostsDirectory.Find(Root + Path.GetFullPath(HostsDirectory), registry) with { Root = Root };

    /// <summary>The hosts that a directory tells of, in order.</summary>
    internal IReadOnlyList<RegistryHost> HostsIn(HostsDirectory directory)
    {
        var hosts = directory.Hosts();
        return [.. (WithoutUpstream ? Mirrors(hosts, directory) : hosts).Select(Adjust)];
    }

    // The registry itself comes last.
    private static IEnumerable<RegistryHost> Mirrors(IReadOnlyList<RegistryHost> hosts, HostsDirectory directory) =>
        hosts.Count > 1 ? hosts.SkipLast(1)
        : throw new HyperkubeException(
            ErrorKind.Usage, $"--no-upstream: {directory.Registry} has no mirrors in {directory.Chosen ?? "any hosts.toml"}")
        {
            Hint = "add a hosts.toml with mirrors, or leave --no-upstream out",
        };

    /// <summary>The registry itself.</summary>
    internal RegistryHost Itself(string registry) => Adjust(Oci.Registry.HostsDirectory.Itself(registry));

    // A host of which no file speaks: on this machine the first answer tells whether it talks TLS, which is checked like any other.
    private RegistryHost Adjust(RegistryHost host)
    {
        var isPlain = host.Origin is null && (host.Root.IsLoopback ? Authorities is null : PlainHttp);
        var port = host.Root.IsDefaultPort && host.Root.Scheme == Uri.UriSchemeHttps && !host.Root.IsLoopback ? 80 : host.Root.Port;
        var tls = host.Origin is null ? host.Tls with { SkipVerify = false } : host.Tls;
        return host with
        {
            Root = isPlain ? new UriBuilder(host.Root) { Scheme = Uri.UriSchemeHttp, Port = port }.Uri : host.Root,
            Tls = Authorities is null ? tls : tls with { Authorities = [.. tls.Authorities, Authorities] },
        };
    }
}

/// <summary>What talks to registries in one run.</summary>
internal sealed class RegistrySession(
    RegistryClient client, CredentialChain credentials, RegistryOptions options, RegistryAccess access) : IDisposable
{
    internal RegistryClient Client => client;

    internal CredentialChain Credentials => credentials;

    internal RegistryOptions Options => options;

    /// <summary>Opens references; registries are read through their mirrors if those were asked for.</summary>
    internal Transports Transports { get; } = new(client, access.HostsFor, access.Itself);

    /// <summary>A repository in its registry itself: what is published is never a mirror's word.</summary>
    internal RemoteRepository Repository(RegistryReference reference) =>
        client.Repository(reference.Repository, [access.Itself(reference.Host)]);

    public void Dispose() => client.Dispose();
}

/// <summary>The flags of all commands that talk to registries.</summary>
internal sealed class RegistryFlags
{
    private readonly Option<string?> _authFile = new("--authfile")
    {
        Description = "A docker config.json or containers auth.json with logins, before all other places",
        HelpName = "FILE",
        CustomParser = Parsers.Text,
    };

    private readonly Option<string?> _providerConfig = new("--credential-provider-config")
    {
        Description = "The kubelet's CredentialProviderConfig: its plugins are asked for logins last",
        HelpName = "FILE",
        CustomParser = Parsers.Text,
    };

    private readonly Option<string?> _providerDirectory = new("--credential-provider-bin-dir")
    {
        Description = "Where those plugins are",
        HelpName = "DIR",
        CustomParser = Parsers.Text,
    };

    private readonly Option<string[]> _tokenHost = new("--token-host")
    {
        Description = "A token service of another domain that may be given a registry's login; repeat",
        HelpName = "HOST",
        CustomParser = Parsers.Texts,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _hostsDirectory = new("--hosts-dir")
    {
        Description = "Where containerd's hosts.toml files are, or none (default: /etc/containerd/certs.d)",
        HelpName = "DIR|none",
        CustomParser = Parsers.Text,
    };

    /// <summary>Adds the flags that a command has not got yet.</summary>
    /// <param name="command">The command.</param>
    /// <param name="plainHttp">Its own flag of that meaning, or null.</param>
    /// <param name="authorities">Its own flag of that meaning, or null.</param>
    /// <param name="withMirrors">Whether it reads through mirrors.</param>
    internal RegistryFlags(Command command, Option<bool>? plainHttp = null, Option<string?>? authorities = null, bool withMirrors = false)
    {
        PlainHttp = plainHttp ?? new Option<bool>("--plain-http")
        {
            Description = "Let a registry that is not on this machine speak HTTP without TLS",
        };
        Authorities = authorities ?? new Option<string?>("--ca")
        {
            Description = "A PEM file of certificate authorities to trust beside the system's",
            HelpName = "FILE",
            CustomParser = Parsers.Text,
        };
        WithMirrors = withMirrors;
        Option?[] options =
        [
            _authFile,
            _providerConfig,
            _providerDirectory,
            _tokenHost,
            plainHttp is null ? PlainHttp : null,
            authorities is null ? Authorities : null,
            withMirrors ? _hostsDirectory : null,
        ];
        foreach (var option in options.OfType<Option>())
        {
            command.Options.Add(option);
        }
    }

    private Option<bool> PlainHttp { get; }

    private Option<string?> Authorities { get; }

    private bool WithMirrors { get; }

    internal RegistryAccess Read(ParseResult line) => new(
        line.GetValue(_authFile),
        line.GetValue(_providerConfig),
        line.GetValue(_providerDirectory),
        line.GetValue(_tokenHost) ?? [],
        line.GetValue(PlainHttp),
        line.GetValue(Authorities),
        !WithMirrors ? null : line.GetValue(_hostsDirectory) switch
        {
            null => DefaultHostsDirectory,
            "none" => null,
            var directory => directory,
        });

    internal const string DefaultHostsDirectory = "/etc/containerd/certs.d";
}
