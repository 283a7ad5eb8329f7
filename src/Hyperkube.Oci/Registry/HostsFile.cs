using System.Text;
using Hyperkube.Oci.Configuration;

namespace Hyperkube.Oci.Registry;

/// <summary>containerd's hosts.toml: which hosts are asked for a registry's images, in which order, and how.</summary>
/// <remarks>
/// The order is that of the <c>[host."..."]</c> headers in the file, and of <c>[host."...".header]</c> where the table has no
/// header of its own above; the registry itself, or its <c>server</c>, comes last. Hosts that are written as dotted keys or inline
/// tables are read but never asked. Where containerd logs an error and goes on without the file, this fails: a file that
/// is there was meant.
/// Source: https://github.com/containerd/containerd/blob/v2.1.9/core/remotes/docker/config/hosts.go#L379 (parseHostsFile)
/// </remarks>
public static class HostsFile
{
    /// <summary>The file's name in a registry's directory.</summary>
    public const string Name = "hosts.toml";

    /// <summary>Such a file is a few lines for each mirror; 1 MiB is somebody else's file.</summary>
    private const int MaxBytes = 1 << 20;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file; what it names is relative to its directory.</param>
    /// <param name="registry">The host of the reference, with its port, that is asked for.</param>
    /// <param name="root">What absolute paths in it are below: a host that is mounted somewhere; empty for this one.</param>
    /// <returns>Null when the file is not there, or is empty, which counts as much.</returns>
    /// <exception cref="HyperkubeException">The file, or one that it names, cannot be read.</exception>
    public static IReadOnlyList<RegistryHost>? TryLoad(string path, string registry, string root = "")
    {
        byte[] bytes;
        try
        {
            bytes = BoundedFile.Read(path, MaxBytes);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"{path}: {e.Message}; expected a file of hosts", e);
        }

        if (bytes.Length == 0)
        {
            return null;
        }

        try
        {
            return Parse(StrictUtf8.GetString(bytes), path, registry, root);
        }
        catch (DecoderFallbackException e)
        {
            var line = 1 + bytes.AsSpan(0, e.Index).Count((byte)'\n');
            throw new TomlErrors(path).At(line, "this is not UTF-8", "TOML", inner: e);
        }
    }

    /// <summary>Reads the text of such a file.</summary>
    /// <param name="text">What stands in it.</param>
    /// <param name="path">The file; what it names is relative to its directory.</param>
    /// <param name="registry">The host of the reference, with its port, that is asked for.</param>
    /// <param name="root">What absolute paths in it are below: a host that is mounted somewhere; empty for this one.</param>
    /// <exception cref="HyperkubeException">The text is no such file, or names one that cannot be read.</exception>
    public static IReadOnlyList<RegistryHost> Parse(string text, string path, string registry, string root = "")
    {
        TomlErrors errors = new(path);
        HostSettings itself = new(errors) { Root = root };
        Dictionary<string, HostSettings> byHost = new(StringComparer.Ordinal);
        List<(string Text, int Line)> order = [];
        foreach (var line in TomlLine.Read(text, errors))
        {
            if (!line.Path[0].Equals("host", StringComparison.OrdinalIgnoreCase))
            {
                itself.Take(line, depth: 0);
            }
            else if (line.Path.Length < 3 && (line.Kind is TomlLineKind.TableArray || line.Value is not null))
            {
                throw errors.At(line.Number, "this is no host", "a table [host.\"https://HOST\"]");
            }
            else if (line.Path.Length > 1)
            {
                TakeHost(line, byHost, order, errors);
            }
        }

        foreach (var settings in byHost.Values)
        {
            settings.Root = root;
        }

        return [.. order.Select(Mirror), Last()];

        RegistryHost Mirror((string Text, int Line) host) => Host(byHost[host.Text], host.Text, host.Line);

        RegistryHost Last() => itself.Address is var (text, line)
            ? Host(itself, text, line)
            : Itself(registry, itself, FolderOf(path), path);

        RegistryHost Host(HostSettings settings, string text, int line) =>
            HostAddress.TryParse(text, settings.OverridesPath) is { } address
                ? Make(address, settings, FolderOf(path), registry) with { Capabilities = settings.Capabilities, Origin = $"{path}:{line}" }
                : throw errors.At(
                    line, text.Contains('@', StringComparison.Ordinal) ? "this is no host" : $"'{text}' is no host", HostAddress.Forms);
    }

    /// <summary>The registry that a reference names.</summary>
    /// <remarks>On loopback it is asked over plain HTTP, or, where the port does not decide, over TLS first, and no certificate is
    /// verified. The address and the capabilities of the settings are not its own.</remarks>
    internal static RegistryHost Itself(string registry, HostSettings settings, string directory, string? origin)
    {
        var address = HostAddress.Of(registry);
        if (address is { IsLocalhost: true, Port: not "80" })
        {
            settings.SkipVerify = true;
        }

        return Make(address, settings, directory, registry) with { Origin = origin };
    }

    // A name is not taken twice in a row: [host."x"] and [host."x".header] are one. With another host between, they are two.
    private static void TakeHost(
        TomlLine line, Dictionary<string, HostSettings> byHost, List<(string Text, int Line)> order, TomlErrors errors)
    {
        var host = line.Path[1];
        if (!byHost.TryGetValue(host, out var settings))
        {
            byHost.Add(host, settings = new HostSettings(errors));
        }

        if (line.Kind == TomlLineKind.Header && line.Path[0] == "host" && (order.Count == 0 || order[^1].Text != host))
        {
            order.Add((host, line.Number));
        }

        if (line.Path.Length > 2)
        {
            settings.Take(line, depth: 2);
        }
    }

    private static RegistryHost Make(HostAddress address, HostSettings settings, string directory, string registry)
    {
        // containerd prefers TLS where it is told how to do it; port 80 is nothing but HTTP.
        var triesTlsFirst = address is { Scheme: "http", Port: not "80" } && settings.SpeaksOfTls;
        return new RegistryHost
        {
            Root = (triesTlsFirst ? address with { Scheme = "https" } : address).Uri,
            FallsBackToPlainHttp = triesTlsFirst,
            Namespace = address.Authority == registry || address.Authority == HostAddress.Of(registry).Authority ? null : registry,
            Headers = settings.Headers,
            Tls = settings.Tls(directory),
            DialTimeout = settings.DialTimeout,
        };
    }

    private static string FolderOf(string path) => Path.GetDirectoryName(path) is { Length: > 0 } directory ? directory : ".";
}
