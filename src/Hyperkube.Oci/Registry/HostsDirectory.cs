using System.Collections.Immutable;
using Hyperkube.Oci.Configuration;

namespace Hyperkube.Oci.Registry;

/// <summary>Where containerd keeps what it is told of one registry: <c>/etc/containerd/certs.d/registry.example.com</c>.</summary>
/// <remarks>The first directory that exists counts, whether or not there is something in it.
/// Source: https://github.com/containerd/containerd/blob/v2.1.9/core/remotes/docker/config/config_unix.go#L26 (hostPaths)</remarks>
/// <param name="Registry">The host of a reference, with its port.</param>
/// <param name="LookedAt">Which directories were looked at, in this order; the chosen one is the last.</param>
/// <param name="Chosen">The one that counts; null when there is none.</param>
public sealed record HostsDirectory(string Registry, ImmutableArray<string> LookedAt, string? Chosen)
{
    private const string Default = "_default";

    /// <summary>What absolute paths in its files are below: a host that is mounted somewhere; empty for this one.</summary>
    public string Root { get; init; } = "";

    /// <summary>Looks for a registry's directory.</summary>
    /// <param name="root">Where such directories are, or null.</param>
    /// <param name="registry">The host of a reference, with its port.</param>
    /// <exception cref="HyperkubeException">What is there is no directory, or may not be looked at.</exception>
    public static HostsDirectory Find(string? root, string registry)
    {
        var lookedAt = ImmutableArray.CreateBuilder<string>();
        foreach (var name in root is null ? [] : Names(registry))
        {
            var path = Path.Combine(root!, name);
            lookedAt.Add(path);
            if (Exists(path))
            {
                return new HostsDirectory(registry, lookedAt.ToImmutable(), path);
            }
        }

        return new HostsDirectory(registry, lookedAt.ToImmutable(), Chosen: null);
    }

    /// <summary>The hosts that are asked for a registry's images, in this order.</summary>
    /// <inheritdoc cref="Find"/>
    public static IReadOnlyList<RegistryHost> HostsFor(string? root, string registry) => Find(root, registry).Hosts();

    /// <summary>The registry itself, whatever stands in for it: where images are pushed to.</summary>
    /// <param name="registry">The host of a reference, with its port.</param>
    public static RegistryHost Itself(string registry) =>
        HostsFile.Itself(registry, new HostSettings(new TomlErrors(registry)), ".", origin: null);

    /// <summary>The hosts that the directory tells of, in the order in which they are asked.</summary>
    /// <exception cref="HyperkubeException">A file in it, or one that it names, cannot be read.</exception>
    public IReadOnlyList<RegistryHost> Hosts() =>
        Chosen is null ? [Itself(Registry)]
        : HostsFile.TryLoad(Path.Combine(Chosen, HostsFile.Name), Registry, Root) ?? [WithCertificates(Chosen)];

    // Without a hosts.toml, what Docker reads counts: NAME.crt of an authority, NAME.cert and NAME.key to show to the registry.
    // Source: https://docs.docker.com/engine/security/certificates/
    private RegistryHost WithCertificates(string directory)
    {
        HostSettings settings = new(new TomlErrors(directory));
        foreach (var name in FilesIn(directory))
        {
            if (name.EndsWith(".crt", StringComparison.Ordinal))
            {
                settings.AddAuthority(name);
            }
            else if (name.EndsWith(".cert", StringComparison.Ordinal))
            {
                var key = $"{name[..^".cert".Length]}.key";
                settings.AddClient(name, File.Exists(Path.Combine(directory, key)) ? key : null);
            }
        }

        return HostsFile.Itself(Registry, settings, directory, settings.SpeaksOfTls ? directory : null);
    }

    private static bool Exists(string path)
    {
        try
        {
            return File.GetAttributes(path).HasFlag(FileAttributes.Directory)
                ? true
                : throw new HyperkubeException(ErrorKind.Usage, $"{path}: this is a file; expected a directory with {HostsFile.Name}");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, e);
        }
    }

    private static IEnumerable<string> FilesIn(string directory)
    {
        try
        {
            return Directory.GetFiles(directory).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(directory, e);
        }
    }

    private static HyperkubeException Unreadable(string path, Exception e) =>
        new(ErrorKind.Usage, $"{path}: {e.Message}; expected a directory with {HostsFile.Name}", e);

    private static List<string> Names(string registry)
    {
        var colon = registry.LastIndexOf(':');
        return [.. colon > 0 ? [$"{registry[..colon]}_{registry[(colon + 1)..]}_"] : Array.Empty<string>(), registry, Default];
    }
}
