using System.Security.Cryptography;
using Hyperkube.Oci;

namespace Hyperkube.Testing;

/// <summary>A directory with the layout of the download site, filled with stand-ins.</summary>
public static class ReleaseTree
{
    public static IReadOnlyList<Platform> Platforms { get; } = [new("linux", "amd64"), new("linux", "arm64")];

    /// <summary>Writes kubelet and kubectl of a version for amd64 and arm64, with their checksums.</summary>
    /// <param name="directory">The root of the tree.</param>
    /// <param name="version">For example <c>v1.36.4</c>.</param>
    /// <param name="padTo">The least length of each file.</param>
    public static void Write(string directory, string version, int padTo = 0)
    {
        foreach (var platform in Platforms)
        {
            WriteFile(directory, version, platform, "kubelet", StandInProgram.Create(platform, $"Kubernetes {version}\n", padTo));
            WriteFile(directory, version, platform, "kubectl", StandInProgram.Create(platform, $"Client Version: {version}\n", padTo));
        }
    }

    /// <summary>Writes one file with its checksums.</summary>
    /// <returns>Its path.</returns>
    public static string WriteFile(string directory, string version, Platform platform, string name, ReadOnlySpan<byte> content)
    {
        var path = PathOf(directory, version, platform, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
        File.WriteAllText($"{path}.sha256", Convert.ToHexStringLower(SHA256.HashData(content)));
        File.WriteAllText($"{path}.sha512", Convert.ToHexStringLower(SHA512.HashData(content)));
        return path;
    }

    public static string PathOf(string directory, string version, Platform platform, string name) =>
        Path.Combine(directory, version, "bin", platform.Os, platform.Architecture, name);
}
