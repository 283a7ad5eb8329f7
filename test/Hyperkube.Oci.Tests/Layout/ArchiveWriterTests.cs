using System.Formats.Tar;
using CsCheck;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layout;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Layout;

public sealed class ArchiveWriterTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly MemoryStore _store = new();
    private readonly SampleImage _image;

    public ArchiveWriterTests() => _image = new SampleImage(_store);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Target => _directory["out/image.tar"];

    public void Dispose() => _directory.Dispose();

    // Golden: skopeo reads it; whoever pins an archive's checksum pins these bytes.
    [Fact]
    public async Task The_same_image_makes_the_same_archive_for_ever() =>
        Assert.Equal(
            Digest.Parse("sha256:575d567a78db12e1c56271f622ad7361c93331b0d3d73ebb461f8b25ece2ec0b"),
            Digest.Of(await WriteAsync(_image.All, (_image.Manifests.First(), "v1", Archives.Name))));

    [Fact]
    public async Task Another_reader_finds_marker_index_documents_and_then_layers()
    {
        var paths = await PathsAsync(await WriteAsync(_image.All));

        Assert.Equal(
            ["oci-layout", "index.json", Archives.PathOf(_image.Root), .. Sorted(_image.Manifests),
                .. Sorted(_image.Images.Select(i => i.Config.Descriptor)), .. Sorted([_image.Shared, .. _image.Own])],
            paths);
    }

    [Fact]
    public async Task The_order_of_the_puts_leaves_no_trace()
    {
        var once = await WriteAsync(_image.All);

        await Gen.Shuffle(_image.All.ToArray()).SampleAsync(
            async order => Assert.Equal(Digest.Of(once), Digest.Of(await WriteAsync(order))), iter: 20);
    }

    [Fact]
    public async Task The_order_of_the_tags_leaves_no_trace()
    {
        var (amd64, arm64) = (_image.Manifests.First(), _image.Manifests.Last());

        var there = await WriteAsync(_image.All, (amd64, "amd64", Archives.Tagged("amd64")), (arm64, "arm64", Archives.Tagged("arm64")));
        var back = await WriteAsync(_image.All, (arm64, "arm64", Archives.Tagged("arm64")), (amd64, "amd64", Archives.Tagged("amd64")));

        Assert.Equal(Digest.Of(there), Digest.Of(back));
    }

    [Fact]
    public async Task The_index_names_the_tag_and_the_name_for_containerd()
    {
        var archive = await FilledAsync();
        await archive.TagAsync(_image.Root, "v1", Archives.Name);
        await archive.CommitAsync(Ct);
        using var reader = await ArchiveReader.OpenAsync(Target, Ct);

        var tagged = Assert.Single(await reader.ListAsync(Ct));

        Assert.Equal(
            (_image.Root.Digest, "v1", "example.com/kubelet:v1"),
            (tagged.Digest, tagged.Annotation(Annotations.RefName), tagged.Annotation(Annotations.ContainerdImageName)));
    }

    [Fact]
    public async Task A_tag_that_is_given_twice_stands_for_the_second()
    {
        var archive = await FilledAsync();
        await archive.TagAsync(_image.Manifests.First(), "v1", move: true, Ct);
        await archive.TagAsync(_image.Root, "v1", move: true, Ct);
        await archive.CommitAsync(Ct);
        using var reader = await ArchiveReader.OpenAsync(Target, Ct);

        Assert.Equal(_image.Root.Digest, Assert.Single(await reader.ListAsync(Ct)).Digest);
    }

    [Fact]
    public async Task A_copy_fills_it_and_a_commit_makes_the_directory_and_the_file()
    {
        ArchiveWriter archive = new(Target, ArchiveFormat.Oci);
        await new ContentCopier(_store, archive).CopyAsync(_image.Root, Ct);
        await archive.TagAsync(_image.Root, "v1", Archives.Name);

        await archive.CommitAsync(Ct);

        Assert.Equal(Digest.Of(await WriteAsync(_image.All)), Digest.Of(await File.ReadAllBytesAsync(Target, Ct)));
        Assert.Equal(FileModes.Plain, File.GetUnixFileMode(Target));
        Assert.Equal(["out/image.tar"], _directory.Files());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("old")]
    public async Task Every_failing_read_leaves_what_was_there_and_the_next_run_succeeds(string? before)
    {
        Directory.CreateDirectory(_directory["out"]);
        if (before is not null)
        {
            await File.WriteAllTextAsync(Target, before, Ct);
        }

        for (var failAt = 1; ; failAt++)
        {
            IOException fault = new("bad sector");
            FaultySource source = new(_store, failAt, fault);

            var error = await Record.ExceptionAsync(async () =>
            {
                ArchiveWriter archive = new(Target, ArchiveFormat.Oci);
                await new ContentCopier(source, archive).CopyAsync(_image.Root, Ct);
                await archive.TagAsync(_image.Root, "v1", move: true, Ct);
                await archive.CommitAsync(Ct);
            });

            Assert.Equal(0, source.Open);
            if (error is null)
            {
                Assert.InRange(failAt, 10, 100);
                using var archive = await ArchiveReader.OpenAsync(Target, Ct);
                return;
            }

            Assert.Same(fault, error);
            Assert.Equal(before is null ? [] : ["out/image.tar"], _directory.Files());
            Assert.Equal(before, before is null ? null : await File.ReadAllTextAsync(Target, Ct));
        }
    }

    [Fact]
    public async Task Content_that_changed_since_it_was_noted_is_refused()
    {
        ArchiveWriter archive = new(Target, ArchiveFormat.Oci);
        await archive.PutAsync(_image.Shared, (_, _) => new ValueTask<Stream>(new MemoryStream(Sample.Bytes(500, seed: 9))), Ct);

        await Assert.ThrowsAsync<DigestMismatchException>(() => archive.CommitAsync(Ct));

        Assert.Empty(_directory.Files());
    }

    [Fact]
    public async Task What_a_killed_process_left_beside_it_is_removed()
    {
        await using (StagedFile.CreateIn(Directory.CreateDirectory(_directory["out"]).FullName))
        {
            var living = Assert.Single(_directory.Files());
            await File.WriteAllTextAsync(_directory[$"{living[..^4]}dead"], "half", Ct);

            await new ArchiveWriter(Target, ArchiveFormat.Oci).CommitAsync(Ct);

            Assert.Equal([living, "out/image.tar"], _directory.Files());
        }
    }

    private static IEnumerable<string> Sorted(IEnumerable<Descriptor> contents) =>
        contents.Select(Archives.PathOf).Order(StringComparer.Ordinal);

    private static async Task<List<string>> PathsAsync(byte[] tar)
    {
        List<string> paths = [];
        await using TarReader reader = new(new MemoryStream(tar));
        while (await reader.GetNextEntryAsync(cancellationToken: Ct) is { } entry)
        {
            paths.Add(entry.Name);
        }

        return paths;
    }

    private async Task<ArchiveWriter> FilledAsync()
    {
        ArchiveWriter archive = new(Target, ArchiveFormat.Oci);
        await Archives.PutAsync(archive, _store, _image.All);
        return archive;
    }

    private Task<byte[]> WriteAsync(IEnumerable<Descriptor> contents) => WriteAsync(contents, (_image.Root, "v1", Archives.Name));

    private Task<byte[]> WriteAsync(
        IEnumerable<Descriptor> contents, params (Descriptor Manifest, string Tag, RegistryReference Name)[] tags) =>
        Archives.WriteAsync(ArchiveFormat.Oci, _store, contents, tags);
}
