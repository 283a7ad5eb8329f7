using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Hyperkube.Oci;

/// <summary>Where an image is, in the spelling of skopeo: a registry, a layout directory, or an archive.</summary>
public abstract record ImageReference : IParsable<ImageReference>
{
    /// <summary>Which image, whatever its tag stands for; null where the tag says which.</summary>
    public virtual Digest? Pin => null;

    private const string Forms = "HOST/REPO:TAG, oci:DIR[:TAG][@DIGEST], oci-archive:FILE[:TAG] or docker-archive:FILE[:NAME:TAG]";

    private protected const string DockerTransport = "docker://";

    private protected const string DigestMark = "@sha256:";

    private static readonly SearchValues<char> TagCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");

    /// <summary>Reads a reference.</summary>
    /// <exception cref="FormatException">It is none; the message quotes it.</exception>
    public static ImageReference Parse(string s, IFormatProvider? provider)
    {
        ArgumentNullException.ThrowIfNull(s);
        return Cut(s, "oci:") is { } layout ? LayoutReference.ParsePath(layout, s)
            : Cut(s, "oci-archive:") is { } oci ? ArchiveReference.ParsePath(Layout.ArchiveFormat.Oci, oci, s)
            : Cut(s, "docker-archive:") is { } docker ? ArchiveReference.ParsePath(Layout.ArchiveFormat.Docker, docker, s)
            : RegistryReference.ParseName(Cut(s, DockerTransport) ?? s, s);
    }

    /// <summary>Reads a place with images: a reference, or one to a repository without tag or digest.</summary>
    /// <exception cref="FormatException">It is none; the message quotes it.</exception>
    public static ImageReference ParsePlace(string s)
    {
        ArgumentNullException.ThrowIfNull(s);
        return IsOtherTransport(s) ? Parse(s) : RegistryReference.ParseParts(Cut(s, DockerTransport) ?? s, s);
    }

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static ImageReference Parse(string s) => Parse(s, provider: null);

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [NotNullWhen(true)] out ImageReference? result)
    {
        try
        {
            result = s is null ? null : Parse(s, provider);
        }
        catch (FormatException)
        {
            result = null;
        }

        return result is not null;
    }

    /// <summary>Whether a text can be a tag: at most 128 letters, digits, <c>_ . -</c>, and no <c>.</c> or <c>-</c> in
    /// front.</summary>
    public static bool IsTag(ReadOnlySpan<char> text) =>
        text.Length is > 0 and <= 128 && text[0] is not ('.' or '-') && !text.ContainsAnyExcept(TagCharacters);

    private protected static FormatException Malformed(string whole, string why) =>
        new($"'{whole}' is not an image reference: {why}; expected {Forms}");

    // PATH[:TAG]: a colon whose right side can be no tag belongs to the path.
    private protected static (string Path, string? Tag) SplitTag(string text, string whole)
    {
        var colon = text.LastIndexOf(':');
        var (path, tag) = colon >= 0 && IsTag(text.AsSpan(colon + 1)) ? (text[..colon], text[(colon + 1)..]) : (text, null);
        return path.Length == 0 || path.EndsWith(':') || path.Contains('\0', StringComparison.Ordinal)
            ? throw Malformed(whole, "the path is missing or the tag is malformed")
            : (path, tag);
    }

    // REST[@sha256:HEX]: a mistake in a digest must not make it a tag.
    private protected static (string Text, Digest? Digest) SplitDigest(string text, string whole)
    {
        var at = text.LastIndexOf(DigestMark, StringComparison.Ordinal);
        Digest? digest = at < 0 || text.AsSpan(at).Contains('/') ? null
            : Oci.Digest.TryParse(text.AsSpan(at + 1), null, out var parsed) ? parsed
            : throw Malformed(whole, $"'{text[(at + 1)..]}' is not a digest");
        return (digest is null ? text : text[..at], digest);
    }

    private protected static bool IsOtherTransport(string text) =>
        Cut(text, "oci:") is not null || Cut(text, "oci-archive:") is not null || Cut(text, "docker-archive:") is not null;

    private static string? Cut(string text, string prefix) =>
        text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : null;
}

/// <summary>An image in an OCI layout directory.</summary>
/// <param name="Directory">The directory, as it was written.</param>
/// <param name="Tag">Which image; null for the only one, or where the digest says which.</param>
/// <param name="Digest">Which image, whatever its tag stands for; null where the tag says which.</param>
public sealed record LayoutReference(string Directory, string? Tag, Digest? Digest = null) : ImageReference
{
    internal static LayoutReference ParsePath(string text, string whole)
    {
        var (rest, digest) = SplitDigest(text, whole);
        var (path, tag) = SplitTag(rest, whole);
        return new LayoutReference(path, tag, digest);
    }

    /// <inheritdoc/>
    public override Digest? Pin => Digest;

    /// <inheritdoc/>
    public override string ToString() => $"oci:{Directory}{(Tag is null ? "" : $":{Tag}")}{(Digest is null ? "" : $"@{Digest}")}";
}

/// <summary>An image in an archive.</summary>
/// <param name="Format">Which kind.</param>
/// <param name="File">The file, as it was written.</param>
/// <param name="Name">A tag, or, for Docker, <c>NAME:TAG</c>; null for the only image.</param>
/// <param name="Digest">Which image, whatever its name stands for; null where the name says which.</param>
public sealed record ArchiveReference(Layout.ArchiveFormat Format, string File, string? Name, Digest? Digest = null) : ImageReference
{
    /// <inheritdoc/>
    public override Digest? Pin => Digest;

    internal static ArchiveReference ParsePath(Layout.ArchiveFormat format, string reference, string whole)
    {
        var (text, digest) = SplitDigest(reference, whole);
        if (format == Layout.ArchiveFormat.Oci)
        {
            var (path, tag) = SplitTag(text, whole);
            return new ArchiveReference(format, path, tag, digest);
        }

        // FILE[:NAME:TAG]: the file ends at the first colon, as with skopeo.
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var (file, name) = colon < 0 ? (text, null) : (text[..colon], text[(colon + 1)..]);
        return file.Length == 0 || file.Contains('\0', StringComparison.Ordinal)
            ? throw Malformed(whole, "the file is missing")
            : name is not null && (RegistryReference.TryParseLocalName(name) is not { Tag: not null })
                ? throw Malformed(whole, $"'{name}' is no NAME:TAG")
                : new ArchiveReference(format, file, name, digest);
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var transport = Format == Layout.ArchiveFormat.Oci ? "oci-archive" : "docker-archive";
        return $"{transport}:{File}{(Name is null ? "" : $":{Name}")}{(Digest is null ? "" : $"@{Digest}")}";
    }
}

/// <summary>An image in a registry.</summary>
/// <remarks>Source: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests</remarks>
/// <param name="Host">With its port; Docker Hub is <c>docker.io</c>.</param>
/// <param name="Repository">The path.</param>
/// <param name="Tag">Null when only a digest was given.</param>
/// <param name="Digest">Null when only a tag was given.</param>
public sealed record RegistryReference(string Host, string Repository, string? Tag, Digest? Digest) : ImageReference
{
    /// <inheritdoc/>
    public override Digest? Pin => Digest;

    private const string DockerHub = "docker.io";
    private const string DockerHubLibrary = $"{DockerHub}/library/";

    internal static RegistryReference ParseName(string text, string whole)
    {
        var reference = ParseParts(text, whole);
        return reference is { Tag: null, Digest: null }
            ? throw Malformed(whole, "it has neither a tag nor a digest")
            : reference;
    }

    /// <summary>The reference without its digest, and null if nothing but the digest says which image.</summary>
    public string? WithoutDigest() => Tag is null ? null : (this with { Digest = null }).ToString();

    /// <summary>Reads <c>[HOST/]REPO[:TAG]</c>, the name of an image inside an archive or an engine; null when it is none.
    /// </summary>
    public static RegistryReference? TryParseLocalName(string text)
    {
        try
        {
            return ParseParts(text, text) is { Digest: null } name ? name : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    internal static RegistryReference ParseParts(string text, string whole)
    {
        var at = text.IndexOf('@', StringComparison.Ordinal);
        Digest? digest = at < 0 ? null
            : Oci.Digest.TryParse(text.AsSpan(at + 1), null, out var parsed) ? parsed
            : throw Malformed(whole, $"'{text[(at + 1)..]}' is not a digest");
        var name = at < 0 ? text : text[..at];

        // A colon after the last slash begins the tag; one before it, a port.
        var colon = name.LastIndexOf(':');
        var hasTag = colon > name.LastIndexOf('/');
        var tag = hasTag ? name[(colon + 1)..] : null;
        if (tag is not null && !IsTag(tag))
        {
            throw Malformed(whole, $"'{tag}' is not a tag");
        }

        var path = hasTag ? name[..colon] : name;
        var slash = path.IndexOf('/', StringComparison.Ordinal);
        var first = slash < 0 ? "" : path[..slash];
        var hasHost = LooksLikeHost(path.Split('/'));
        var host = hasHost ? first : DockerHub;
        var repository = hasHost ? path[(slash + 1)..] : path;
        if (hasHost && !IsHost(host))
        {
            throw Malformed(whole, $"'{host}' is not a host");
        }

        if (!IsRepository(repository))
        {
            throw Malformed(whole, $"'{repository}' is not a repository");
        }

        // Docker Hub keeps its own images under library/.
        var inLibrary = host == DockerHub && !repository.Contains('/', StringComparison.Ordinal);
        return new RegistryReference(host, inLibrary ? $"library/{repository}" : repository, tag, digest);
    }

    // library/kubelet goes by kubelet; library/a/b goes by its whole name, since a/b is another image.
    private bool IsOfficial => Repository.Split('/') is ["library", _];

    /// <summary>As people and <c>docker</c> write it: Docker Hub goes without saying.</summary>
    public string ToFamiliarString()
    {
        var text = ToString();
        return Host != DockerHub || LooksLikeHost(Repository.Split('/')) ? text
            : IsOfficial ? text[DockerHubLibrary.Length..]
            : text[(DockerHub.Length + 1)..];
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = $"{Host}/{Repository}{(Tag is null ? "" : $":{Tag}")}{(Digest is null ? "" : $"@{Digest}")}";
        return IsOtherTransport(text) ? DockerTransport + text : text; // A host named "oci", with a port.
    }

    // Without these signs the first part of a name is a part of Docker Hub's path.
    private static bool LooksLikeHost(string[] parts) =>
        parts.Length > 1 && (parts[0].AsSpan().IndexOfAny('.', ':') >= 0 || parts[0] == "localhost");

    // NAME[:PORT] or [IPV6][:PORT], in the words that a URL can hold.
    private static bool IsHost(string host)
    {
        var end = host.LastIndexOf(']') + 1;
        var colon = host.IndexOf(':', end);
        var name = colon < 0 ? host : host[..colon];
        var port = colon < 0 ? null : host[(colon + 1)..];
        return (end > 0 ? IsIpv6(name) : name.Split('.').All(IsLabel))
            && (port is null || (port.All(char.IsAsciiDigit) && ushort.TryParse(port, out var number) && number > 0));
    }

    private static bool IsIpv6(string name) =>
        name is ['[', .. var inside, ']'] && inside.Contains(':', StringComparison.Ordinal)
        && inside.All(c => char.IsAsciiHexDigit(c) || c is ':' or '.')
        && System.Net.IPAddress.TryParse(inside, out _);

    private static bool IsLabel(string label) =>
        label.Length > 0 && char.IsAsciiLetterOrDigit(label[0]) && char.IsAsciiLetterOrDigit(label[^1])
        && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    // Path parts of lower-case letters and digits, joined inside by '.', '_', '__' or dashes.
    private static bool IsRepository(string repository) =>
        repository.Length <= 255 && repository.Split('/').All(IsPathPart);

    private static bool IsPathPart(string part)
    {
        if (part.Length == 0 || !char.IsAsciiLetterOrDigit(part[0]) || !char.IsAsciiLetterOrDigit(part[^1])
            || !part.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-'))
        {
            return false;
        }

        return !part.Contains("..", StringComparison.Ordinal) && !part.Contains("._", StringComparison.Ordinal)
            && !part.Contains("_.", StringComparison.Ordinal) && !part.Contains("___", StringComparison.Ordinal)
            && !part.Contains(".-", StringComparison.Ordinal) && !part.Contains("-.", StringComparison.Ordinal)
            && !part.Contains("_-", StringComparison.Ordinal) && !part.Contains("-_", StringComparison.Ordinal);
    }
}
