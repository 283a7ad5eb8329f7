using System.Collections.Immutable;

namespace Hyperkube.Oci.Registry;

/// <summary>What a host may be asked for.</summary>
[Flags]
public enum HostCapabilities
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Content by digest.</summary>
    Pull = 1,

    /// <summary>What a tag stands for.</summary>
    Resolve = 2,

    /// <summary>To take content.</summary>
    Push = 4,

    /// <summary>What refers to a manifest.</summary>
    Referrers = 8,

    /// <summary>Everything.</summary>
    All = Pull | Resolve | Push | Referrers,
}

/// <summary>One host that is asked for an image, and how.</summary>
public sealed record RegistryHost
{
    /// <summary>Where repositories begin, without a slash at the end: <c>https://registry-1.docker.io/v2</c>; with one if that is
    /// the host itself.</summary>
    public required Uri Root { get; init; }

    /// <summary>What it may be asked for; everything unless told.</summary>
    /// <remarks>containerd asks who may be pulled from for digests, who may also resolve for tags; and, once it knows the digest,
    /// everybody for content. Source: https://github.com/containerd/containerd/blob/v2.1.9/core/remotes/docker/fetcher.go#L223
    /// </remarks>
    public HostCapabilities Capabilities { get; init; } = HostCapabilities.All;

    /// <summary>The registry that it stands in for, told as <c>?ns=</c>; null when it is that registry itself.</summary>
    public string? Namespace { get; init; }

    /// <summary>Headers of every request, also to its token service; may hold secrets.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>How its certificate is checked and which one is shown to it.</summary>
    public HostTls Tls { get; init; } = HostTls.System;

    /// <summary>How long a dial may take; null for the usual.</summary>
    public TimeSpan? DialTimeout { get; init; }

    /// <summary>Whether plain HTTP is tried after TLS failed, as containerd does for loopback hosts with TLS settings.</summary>
    public bool FallsBackToPlainHttp { get; init; }

    /// <summary>Which file says so, with its line: <c>/etc/containerd/certs.d/_default/hosts.toml:3</c>; the file alone where it
    /// names no server and so means the registry itself; a directory for the certificates in it; null for what is so by itself.
    /// </summary>
    public string? Origin { get; init; }

    /// <summary>The host, with its port if that is not the scheme's own.</summary>
    public string Name => Root.Authority;

    /// <summary>The name under which logins are kept: Docker Hub's are kept under its own, not under that of the host that answers for it.
    /// </summary>
    public string CredentialName => Root.Host == "registry-1.docker.io" ? "docker.io" : Name;
}

/// <summary>TLS towards one host.</summary>
/// <remarks>Two are equal when they name the same files, so that connections can be shared.</remarks>
public sealed record HostTls
{
    /// <summary>The system's authorities, no certificate of our own.</summary>
    public static HostTls System { get; } = new();

    /// <summary>The system's authorities, and those of one more file if there is one.</summary>
    public static HostTls Trusting(string? authorities) => authorities is null ? System : new HostTls { Authorities = [authorities] };

    /// <summary>PEM files of authorities that are trusted beside the system's.</summary>
    public ImmutableArray<string> Authorities { get; init; } = [];

    /// <summary>PEM files of certificate and key; the key may stand in the certificate's file.</summary>
    public ImmutableArray<(string Certificate, string? Key)> ClientCertificates { get; init; } = [];

    /// <summary>Whether any certificate will do. Whoever is on the way can then answer.</summary>
    public bool SkipVerify { get; init; }

    /// <inheritdoc/>
    public bool Equals(HostTls? other) =>
        other is not null && SkipVerify == other.SkipVerify
        && Authorities.AsSpan().SequenceEqual(other.Authorities.AsSpan())
        && ClientCertificates.AsSpan().SequenceEqual(other.ClientCertificates.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.Add(SkipVerify);
        foreach (var authority in Authorities)
        {
            hash.Add(authority, StringComparer.Ordinal);
        }

        foreach (var (certificate, key) in ClientCertificates)
        {
            hash.Add(certificate, StringComparer.Ordinal);
            hash.Add(key, StringComparer.Ordinal);
        }

        return hash.ToHashCode();
    }
}
