using Hyperkube.E2E.Images;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E;

/// <summary>Real programs, served by a download site on loopback and built into images: once for all tests, and only
/// when the first of them asks.</summary>
public sealed class RealImages : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly Lock _once = new();
    private Task<RealRelease>? _release;
    private Task<RealImage>? _gzip;
    private Task<RealImage>? _zstd;

    /// <summary>As it is built unless told otherwise.</summary>
    internal Task<RealImage> GzipAsync() => OnceAsync(ref _gzip, () => BuildAsync("gzip", ""));

    /// <summary>The same with zstd.</summary>
    internal Task<RealImage> ZstdAsync() => OnceAsync(ref _zstd, () => BuildAsync("zstd", "-zstd"));

    /// <summary>What they are made of, as a directory that serves as a source.</summary>
    internal Task<RealRelease> ReleaseAsync() => OnceAsync(ref _release, () => RealRelease.CreateAsync(_directory["release"]));

    public void Dispose() => _directory.Dispose();

    // Several tests may ask at the same time.
    private Task<T> OnceAsync<T>(ref Task<T>? made, Func<Task<T>> make)
    {
        lock (_once)
        {
            return made ??= make();
        }
    }

    private async Task<RealImage> BuildAsync(string compression, string suffix)
    {
        var release = await ReleaseAsync();
        await using var site = ReleaseSite.Start(release.Directory);
        Layout layout = new(_directory["oci"], $"{release.Version}{suffix}");
        var ociArchive = _directory[$"{compression}.oci.tar"];
        var dockerArchive = _directory[$"{compression}.docker.tar"];

        var result = await Exe.Here.ResultAsync(
        [
            "build", release.Version, "--source", site.Url.ToString(), "--cache", _directory["cache"], "--tag", "local/hyperkube",
            "-o", $"oci:{layout.Directory}", "-o", $"oci-archive:{ociArchive}", "-o", $"docker-archive:{dockerArchive}",
            "--compression", compression,
        ]);

        var digest = result.GetProperty("digest").GetString()!;
        Assert.Equal(layout.Digest, digest);
        return new RealImage(release, $"local/hyperkube:{layout.Tag}", digest, layout, ociArchive, dockerArchive);
    }
}
