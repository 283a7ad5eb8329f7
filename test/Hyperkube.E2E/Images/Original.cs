using System.Security.Cryptography;

namespace Hyperkube.E2E.Images;

/// <summary>A program as it was before it went into an image.</summary>
/// <param name="Architecture">For what.</param>
/// <param name="Name">Its name in the image.</param>
/// <param name="Path">Where it lies.</param>
/// <param name="Sha256">Its digest, 64 hex digits.</param>
internal sealed record Original(string Architecture, string Name, string Path, string Sha256)
{
    internal static async Task<string> Sha256OfAsync(string path)
    {
        await using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file, TestContext.Current.CancellationToken));
    }
}
