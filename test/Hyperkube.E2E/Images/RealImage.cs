using System.Formats.Tar;
using System.Security.Cryptography;
using Hyperkube.E2E.Programs;

namespace Hyperkube.E2E.Images;

/// <summary>An image of a real release in every form that a build writes.</summary>
/// <param name="Release">What is in it.</param>
/// <param name="Name">Its name in engines.</param>
/// <param name="Digest">The index's, as the build told it.</param>
/// <param name="Layout">The layout.</param>
/// <param name="OciArchive">A file with both platforms.</param>
/// <param name="DockerArchive">A file with linux/amd64.</param>
internal sealed record RealImage(
    RealRelease Release, string Name, string Digest, Layout Layout, string OciArchive, string DockerArchive)
{
    private const UnixFileMode Mode0755 = (UnixFileMode)0b111_101_101;

    internal IEnumerable<Original> Originals(string architecture) => Release.Originals.Where(o => o.Architecture == architecture);

    /// <summary>A directory holds both binaries as they were, with the mode and the owner that the image promises.</summary>
    internal async Task IsUnpackedInAsync(string directory, string architecture)
    {
        foreach (var original in Originals(architecture))
        {
            var path = Path.Combine(directory, original.Name);
            Assert.Equal("regular file 755 0:0", (await Run.ProgramAsync("stat", ["-c", "%F %a %u:%g", path])).Text);
            Assert.Equal(original.Sha256, await Original.Sha256OfAsync(path));
        }
    }

    /// <summary>A tar holds one binary as it was, with the mode and the owner that the image promises.</summary>
    internal async Task IsInTarAsync(string path, string architecture, string name)
    {
        await using var file = File.OpenRead(path);
        await using TarReader tar = new(file);
        var entry = await tar.GetNextEntryAsync(cancellationToken: TestContext.Current.CancellationToken);

        Assert.NotNull(entry);
        Assert.Equal((name, Mode0755, 0, 0), (entry.Name, entry.Mode, entry.Uid, entry.Gid));
        Assert.Equal(
            Originals(architecture).Single(o => o.Name == name).Sha256,
            Convert.ToHexStringLower(await SHA256.HashDataAsync(entry.DataStream!, TestContext.Current.CancellationToken)));
        Assert.Null(await tar.GetNextEntryAsync(cancellationToken: TestContext.Current.CancellationToken));
    }
}
