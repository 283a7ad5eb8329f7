using Hyperkube.Documents;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Documents;

/// <summary>An image of stand-ins as documents see it; nothing in it ever changes.</summary>
internal static class Documented
{
    internal static readonly KubernetesVersion Version = KubernetesVersion.Parse("v1.36.4");
    internal static readonly Platform Amd64 = new("linux", "amd64");
    internal static readonly Platform Arm64 = new("linux", "arm64");
    internal static readonly DateTimeOffset Created = new(2026, 8, 12, 9, 30, 15, TimeSpan.Zero);

    internal static NodeImage Image { get; } = new(
        Version, Descriptor.Of(MediaTypes.Index, "index"u8), Size: 0,
        [new NodePlatform(ManifestOf(Amd64), Size: 0, []), new NodePlatform(ManifestOf(Arm64), Size: 0, [])]);

    internal static Descriptor ManifestOf(Platform platform) =>
        Descriptor.Of(MediaTypes.Manifest, System.Text.Encoding.ASCII.GetBytes($"manifest {platform}")) with { Platform = platform };

    /// <summary>A binary with what the linker would have written into it, or with something else.</summary>
    internal static DocumentedBinary Binary(string name, Platform? platform = null, string? modules = null, string goVersion = "go1.25.1")
    {
        var content = StandInProgram.WithBuildInfo(
            StandInProgram.Create(platform ?? Amd64, name),
            modules ?? StandInProgram.BuildInfo($"k8s.io/kubernetes/cmd/{name}", platform ?? Amd64, Version.ToString()), goVersion);
        using MemoryStream program = new(content);
        return new DocumentedBinary
        {
            File = new ReleaseFile(Version, platform ?? Amd64, BinaryName.Parse(name, null)),
            Sha256 = Digest.Of(content).Hex,
            Sha512 = Convert.ToHexStringLower(System.Security.Cryptography.SHA512.HashData(content)),
            Verification = Verification.Signature,
            IsVersionProved = true,
            LogIndex = 123_456_789,
            Log = "https://rekor.sigstore.dev",
            Build = GoBuildInfo.Read(program, name),
        };
    }

    internal static IReadOnlyList<DocumentedBinary> Binaries(Platform? platform = null) =>
        [Binary("kubelet", platform), Binary("kubectl", platform)];
}
