using Hyperkube.Oci;

namespace Hyperkube.Releases;

/// <summary>A file of a release, by what it is; a source knows where that lies.</summary>
/// <param name="Version">Of which release.</param>
/// <param name="Platform">For what.</param>
/// <param name="Name">Which binary.</param>
public sealed record ReleaseFile(KubernetesVersion Version, Platform Platform, BinaryName Name)
{
    /// <summary>Where upstream and every mirror of it keep the file, below the source's root.</summary>
    /// <remarks>Source: https://kubernetes.io/releases/download/#binaries</remarks>
    public string Path => $"{Version}/bin/{Platform.Os}/{Platform.Architecture}/{Name}";

    /// <summary>For a person: <c>kubelet linux/arm64</c>.</summary>
    public override string ToString() => $"{Name} {Platform}";
}
