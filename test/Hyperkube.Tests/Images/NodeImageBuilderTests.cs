using System.Formats.Tar;
using CsCheck;
using Hyperkube.Oci;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layers;
using Hyperkube.Testing;
using TarEntry = System.Formats.Tar.TarEntry;

namespace Hyperkube.Tests.Images;

public sealed class NodeImageBuilderTests : IDisposable
{
    private readonly TinyRelease _release = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _release.Dispose();

    [Fact]
    public async Task Sleep_is_the_first_layer_then_kubelet_kubectl_and_the_others_by_name()
    {
        foreach (var platform in ReleaseTree.Platforms)
        {
            foreach (var name in new[] { "kubeadm", "apiserver" })
            {
                ReleaseTree.WriteFile(_release.Tree, "v1.36.4", platform, name, StandInProgram.Create(platform, name));
            }
        }

        var image = await _release.BuildAsync(await _release.VerifyAsync("kubeadm", "kubectl", "apiserver", "kubelet"));

        foreach (var platform in image.Platforms)
        {
            var entries = new List<string>();
            foreach (var layer in (await _release.ManifestAsync(platform.Manifest)).Layers)
            {
                entries.AddRange((await EntriesAsync(layer)).Select(e => e.Name));
            }

            Assert.Equal("sleep kubelet kubectl apiserver kubeadm", string.Join(' ', entries));
        }
    }

    [Fact]
    public async Task Each_file_is_a_plain_program_of_root_from_1970_alone_in_its_layer()
    {
        var image = await _release.BuildAsync(created: DateTimeOffset.UnixEpoch.AddYears(50));

        foreach (var platform in image.Platforms)
        {
            foreach (var layer in (await _release.ManifestAsync(platform.Manifest)).Layers)
            {
                var entry = Assert.Single(await EntriesAsync(layer));
                Assert.Equal(TarEntryFormat.Ustar, entry.Format);
                Assert.Equal(TarEntryType.RegularFile, entry.EntryType);
                Assert.Equal("0755 0:0", $"0{Convert.ToString((int)entry.Mode, 8)} {entry.Uid}:{entry.Gid}");
                Assert.Equal(DateTimeOffset.UnixEpoch, entry.ModificationTime);
            }
        }
    }

    [Fact]
    public async Task The_bytes_in_the_image_are_those_that_were_checked()
    {
        var image = await _release.BuildAsync();

        foreach (var platform in image.Platforms)
        {
            var layers = (await _release.ManifestAsync(platform.Manifest)).Layers;
            foreach (var (binary, layer) in platform.Binaries.Zip(layers.Skip(1)))
            {
                using MemoryStream content = new();
                await (await EntriesAsync(layer)).Single().DataStream!.CopyToAsync(content, Ct);
                Assert.Equal(binary.Digest, Digest.Of(content.ToArray()));
            }
        }
    }

    [Fact]
    public async Task Each_binarys_layer_says_which_file_is_in_it()
    {
        var image = await _release.BuildAsync();

        foreach (var platform in image.Platforms)
        {
            var layers = (await _release.ManifestAsync(platform.Manifest)).Layers;
            Assert.Null(layers[0].Annotations);
            foreach (var (binary, layer) in platform.Binaries.Zip(layers.Skip(1)))
            {
                Assert.Equal(
                    $"path=/{binary.File.Name} sha256={binary.Digest.Hex} size={binary.Size}",
                    string.Join(' ', layer.Annotations!.Select(a => $"{a.Key}={a.Value}"))
                        .Replace("dev.hyperkube.file.", "", StringComparison.Ordinal));
            }
        }
    }

    [Fact]
    public async Task The_platforms_stand_in_the_index_by_name_and_in_their_configs()
    {
        var image = await _release.BuildAsync();

        var index = OciJson.ReadIndex(await _release.DocumentAsync(image.Index), "index");
        Assert.Equal("linux/amd64 linux/arm64", string.Join(' ', index.Manifests.Select(m => m.Platform)));
        foreach (var manifest in index.Manifests)
        {
            var config = await _release.ConfigAsync(await _release.ManifestAsync(manifest));
            Assert.Equal(manifest.Platform, new Platform(config.Os, config.Architecture, config.Variant));
        }
    }

    [Fact]
    public async Task The_diff_IDs_are_those_of_the_tars()
    {
        var image = await _release.BuildAsync(compression: LayerCompression.Zstd);

        foreach (var platform in image.Platforms)
        {
            var manifest = await _release.ManifestAsync(platform.Manifest);
            List<Digest> actual = [];
            foreach (var layer in manifest.Layers)
            {
                actual.Add(Digest.Of(await _release.TarAsync(layer)));
            }

            Assert.Equal(actual, (await _release.ConfigAsync(manifest)).RootFileSystem.DiffIds);
        }
    }

    [Theory]
    [InlineData("gzip", MediaTypes.GzipLayer)]
    [InlineData("zstd", MediaTypes.ZstdLayer)]
    public async Task The_media_type_is_the_one_of_the_compression(string compression, string mediaType)
    {
        var image = await _release.BuildAsync(compression: LayerCompression.Parse(compression, null));

        foreach (var platform in image.Platforms)
        {
            Assert.All((await _release.ManifestAsync(platform.Manifest)).Layers, layer => Assert.Equal(mediaType, layer.MediaType));
        }
    }

    [Fact]
    public async Task The_sizes_are_those_of_the_blobs()
    {
        var image = await _release.BuildAsync();

        var blobs = _release.LayoutFiles.Where(f => f.Contains("/blobs/", StringComparison.Ordinal))
            .Sum(f => new FileInfo(Path.Combine(Path.GetDirectoryName(_release.LayoutPath)!, f)).Length);
        Assert.Equal(blobs, image.Size);
        Assert.Equal(image.Size, image.Index.Size + image.Platforms.Sum(p => p.Size));
    }

    [Fact]
    public async Task Neither_the_order_of_binaries_nor_the_number_of_jobs_matters()
    {
        var binaries = await _release.VerifyAsync();
        var expected = (await _release.BuildAsync(binaries)).Index.Digest;

        await Gen.Select(Gen.Shuffle(binaries.ToArray()), Gen.Int[1, 5]).SampleAsync(
            async (shuffled, jobs) => (await _release.BuildAsync(shuffled, jobs: jobs)).Index.Digest == expected, iter: 20);
    }

    [Fact]
    public async Task A_second_build_adds_nothing()
    {
        await _release.BuildAsync();
        var before = _release.LayoutFiles.ToList();

        await _release.BuildAsync();

        Assert.Equal(before, _release.LayoutFiles.ToList());
    }

    // With the platform's own reader: it knows nothing of ours.
    private async Task<List<TarEntry>> EntriesAsync(Descriptor layer)
    {
        await using TarReader reader = new(new MemoryStream(await _release.TarAsync(layer)));
        List<TarEntry> entries = [];
        while (await reader.GetNextEntryAsync(copyData: true, Ct) is { } entry)
        {
            entries.Add(entry);
        }

        return entries;
    }
}
