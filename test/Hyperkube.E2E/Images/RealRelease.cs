using System.Security.Cryptography;
using Hyperkube.E2E.Programs;

namespace Hyperkube.E2E.Images;

/// <summary>A release in the layout of the download site, made of Debian's programs.</summary>
/// <remarks>kubectl is the real one. Debian has no kubelet: packer, a Go program of the same size and make, stands in.
/// </remarks>
internal sealed record RealRelease(string Directory, string Version, IReadOnlyList<Original> Originals)
{
    internal static IReadOnlyList<string> Architectures { get; } = ["amd64", "arm64"];

    internal static async Task<RealRelease> CreateAsync(string directory)
    {
        var version = $"v{(await File.ReadAllTextAsync(Machine.Input("kubectl-amd64/.version"))).Trim()}";
        List<Original> originals = [];
        foreach (var architecture in Architectures)
        {
            foreach (var (name, program) in ((string, string)[])[("kubelet", "packer"), ("kubectl", "kubectl")])
            {
                var input = Machine.Input($"{program}-{architecture}/usr/bin/{program}");
                Original original = new(architecture, name, input, await Original.Sha256OfAsync(input));
                await PublishAsync(original, System.IO.Path.Combine(directory, version, "bin/linux", architecture, name));
                originals.Add(original);
            }
        }

        return new RealRelease(directory, version, originals);
    }

    private static async Task PublishAsync(Original original, string path)
    {
        System.IO.Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.CreateSymbolicLink(path, original.Path);
        await File.WriteAllTextAsync($"{path}.sha256", original.Sha256);
        await using var content = File.OpenRead(path);
        await File.WriteAllTextAsync($"{path}.sha512", Convert.ToHexStringLower(await SHA512.HashDataAsync(content)));
    }
}
