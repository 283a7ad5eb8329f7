using System.Security.Cryptography;
using System.Text;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Releases;

namespace Hyperkube.Documents;

/// <summary>A package of an SPDX document.</summary>
/// <remarks>Source: https://spdx.github.io/spdx-spec/v2.3/package-information/</remarks>
internal sealed record SpdxPackage
{
    /// <summary>What nobody has looked into.</summary>
    internal const string NoAssertion = "NOASSERTION";

    private const string Kubernetes = "Organization: The Kubernetes Authors";

    /// <summary>Its name within the document.</summary>
    internal required string Id { get; init; }

    internal required string Name { get; init; }

    internal string? Version { get; init; }

    internal string? FileName { get; init; }

    internal string Supplier { get; init; } = NoAssertion;

    internal string Location { get; init; } = NoAssertion;

    internal string License { get; init; } = NoAssertion;

    internal required string Purpose { get; init; }

    /// <summary>By the names of their algorithms, as SPDX writes them.</summary>
    internal IReadOnlyList<(string Algorithm, string Value)> Checksums { get; init; } = [];

    /// <summary>What else is known of where it comes from.</summary>
    internal string? Origin { get; init; }

    internal string? PackageUrl { get; init; }

    internal string? Cpe { get; init; }

    /// <summary>An image of one platform.</summary>
    internal static SpdxPackage OfImage(Descriptor manifest, KubernetesVersion version) => new()
    {
        Id = "SPDXRef-Image",
        Name = SpdxDocument.ImageName,
        Version = version.ToString(),
        Purpose = "CONTAINER",
        License = "Apache-2.0",
        Checksums = [("SHA256", manifest.Digest.Hex)],
        PackageUrl = Documents.PackageUrl.OfImage(SpdxDocument.ImageName, manifest.Digest, manifest.Platform!, version.ToString()),
    };

    internal static SpdxPackage OfBinary(DocumentedBinary binary) => new()
    {
        Id = $"SPDXRef-Binary-{binary.File.Name}",
        Name = binary.File.Name.Text,
        Version = binary.File.Version.ToString(),
        FileName = $"/{binary.File.Name}",
        Supplier = Kubernetes,
        Location = binary.Address,
        License = "Apache-2.0",
        Purpose = "APPLICATION",
        Checksums = [("SHA256", binary.Sha256), ("SHA512", binary.Sha512)],
        Origin = binary.Commit is { } commit ? $"git commit {commit}" : null,
        PackageUrl = Documents.PackageUrl.OfKubernetes(binary.File),
        Cpe = Documents.PackageUrl.CpeOfKubernetes(binary.File.Version),
    };

    /// <summary>The entrypoint, which is ours.</summary>
    internal static SpdxPackage OfSleep(Platform platform) => new()
    {
        Id = "SPDXRef-Sleep",
        Name = "sleep",
        FileName = "/sleep",
        License = "Apache-2.0",
        Purpose = "APPLICATION",
        Checksums = [("SHA256", Digest.Of(SleepProgram.For(platform)).Hex)],
    };

    /// <summary>A module that a binary was built from: that which was taken in its place, where it is one.</summary>
    /// <remarks>One that was taken from a directory of the same source tree, as Kubernetes' own libraries are, has no version of its own.
    /// </remarks>
    internal static SpdxPackage OfModule(GoModule module)
    {
        var taken = module.Replacement is { } replacement && !IsDirectory(replacement.Path) ? replacement : module;
        var version = module.Replacement is { } other && IsDirectory(other.Path) ? null : Known(taken.Version);
        return new SpdxPackage
        {
            Id = IdOf("Module", version is null ? taken.Path : $"{taken.Path}-{version}"),
            Name = taken.Path,
            Version = version,
            Purpose = "LIBRARY",
            Origin = version is not null && taken.Sum is { } sum ? $"go.sum {sum}" : null,
            PackageUrl = Documents.PackageUrl.OfModule(taken.Path, version),
        };
    }

    /// <summary>What every Go program is built from; null when its version is none of a release.</summary>
    internal static SpdxPackage? OfStandardLibrary(GoBuildInfo build)
    {
        var word = build.GoVersion.Split(' ')[0];
        var version = word.StartsWith("go", StringComparison.Ordinal) ? word[2..] : "";
        return version.Length > 0 && char.IsAsciiDigit(version[0])
            ? new SpdxPackage
            {
                Id = IdOf("Go", version),
                Name = "stdlib",
                Version = word,
                Supplier = "Organization: The Go Authors",
                License = "BSD-3-Clause",
                Purpose = "LIBRARY",
                PackageUrl = Documents.PackageUrl.OfStandardLibrary(version),
                Cpe = Documents.PackageUrl.CpeOfGo(version),
            }
            : null;
    }

    private static bool IsDirectory(string path) => path.StartsWith('.') || path.StartsWith('/');

    private static string? Known(string version) => version is "" or "(devel)" ? null : version;

    // Only letters, digits, dots and dashes are allowed: the end keeps two names apart that differ elsewhere.
    private static string IdOf(string kind, string name)
    {
        var plain = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' ? c : '-'));
        return $"SPDXRef-{kind}-{plain}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 4))}";
    }
}
