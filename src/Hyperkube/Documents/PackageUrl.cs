using Hyperkube.Oci;
using Hyperkube.Releases;

namespace Hyperkube.Documents;

/// <summary>The names by which scanners know software: package URLs, and the CPEs of the NVD.</summary>
/// <remarks>
/// Source: https://github.com/package-url/purl-spec/blob/master/PURL-TYPES.rst and
/// https://csrc.nist.gov/pubs/ir/7695/final (CPE 2.3 formatted strings)
/// </remarks>
internal static class PackageUrl
{
    /// <summary>An image of one platform, wherever it lies.</summary>
    internal static string OfImage(string name, Digest manifest, Platform platform, string tag) =>
        $"pkg:oci/{name}@sha256%3A{manifest.Hex}?arch={platform.Architecture}&tag={Escape(tag)}";

    /// <summary>A Go module; its version may be unknown.</summary>
    internal static string OfModule(string path, string? version) =>
        $"pkg:golang/{string.Join('/', path.ToLowerInvariant().Split('/').Select(Escape))}{(version is null ? "" : $"@{Escape(version)}")}";

    /// <summary>A command of Kubernetes.</summary>
    internal static string OfKubernetes(ReleaseFile file) => $"{OfModule("k8s.io/kubernetes", file.Version.ToString())}#cmd/{file.Name}";

    /// <summary>Go's standard library, as Syft and Grype name it: <c>1.25.1</c>.</summary>
    internal static string OfStandardLibrary(string version) => $"pkg:golang/stdlib@{Escape(version)}";

    /// <summary>Kubernetes, as the NVD names it.</summary>
    internal static string CpeOfKubernetes(KubernetesVersion version)
    {
        var parts = version.ToString()[1..].Split('-', 2);
        return $"cpe:2.3:a:kubernetes:kubernetes:{parts[0]}:{(parts.Length > 1 ? parts[1] : "*")}:*:*:*:*:*:*";
    }

    /// <summary>Go, as the NVD names it.</summary>
    internal static string CpeOfGo(string version) => $"cpe:2.3:a:golang:go:{version}:-:*:*:*:*:*:*";

    private static string Escape(string text) => Uri.EscapeDataString(text);
}
