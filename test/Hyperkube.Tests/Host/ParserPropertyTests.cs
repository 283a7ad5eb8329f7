using System.Globalization;
using System.Text;
using CsCheck;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layers;
using Hyperkube.Oci.Registry;

namespace Hyperkube.Tests.Host;

/// <summary>What an installer reads from strangers, damaged in every way that comes to mind. <c>HYPERKUBE_ITERATIONS=1000000</c> looks
/// longer.</summary>
public sealed class ParserPropertyTests
{
    private static readonly byte[] Program = Material.Small.Kubelet;

    private static readonly byte[] SomeTar = HostileTar.Concat(
        HostileTar.Pax(("path", "a/long/name"), ("size", "7"), ("GNU.sparse.name", "x")), HostileTar.File("a", "content"u8.ToArray()),
        HostileTar.LongName("../b"), HostileTar.File("b", Program), HostileTar.Link("c", "/etc/passwd"), HostileTar.End);

    private static readonly Gen<string> Name = Gen.OneOf(
        "kubelet", "..", ".", "", "/", "a/../b", "../..", "\0", "a\0..", "/..", "../", "a/", "ü", ".wh.", "x\n..", new string('a', 100))
        .Array[1, 3].Select(string.Concat);

    // Each entry with a header that may lie, with a sum that is right.
    private static readonly Gen<byte[]> SomeEntry = Gen.Select(
        Gen.OneOf(Name.Select(n => n.Length > 90 ? n[..90] : n), Gen.Const("kubelet")),
        Gen.OneOf('0', '1', '2', '3', '5', '6', '7', '\0', 'L', 'K', 'x', 'g', 'S', 'V', 'M', 'X', 'Z'),
        Gen.OneOf(
            Gen.Byte.Array[0, 1200],
            Name.Select(Encoding.UTF8.GetBytes),
            Gen.Select(Gen.OneOf("path", "size", "linkpath", "GNU.sparse.name", "GNU.sparse.map", "mtime"), Gen.OneOf(Name, Gen.Long.Select(l => $"{l}")))
                .Select((key, value) => HostileTar.Pax((key, value))[HostileTar.Block..].TakeWhile(b => b != 0).ToArray())),
        Gen.OneOf(Gen.Const((string?)null), Gen.Long[0, 2000].Select(s => (string?)HostileTar.Octal(s)), Gen.Char.Array[12].Select(c => (string?)new string(c))),
        Gen.Select(Gen.Int[0, HostileTar.Block - 1], Gen.Byte).Array[0, 3])
        .Select((name, type, content, size, changes) => HostileTar.Entry(
            name, type, content, size: size is { Length: 12 } && Encoding.UTF8.GetByteCount(size) == 12 ? size : null, change: header =>
            {
                foreach (var (at, value) in changes)
                {
                    header[at] = value;
                }
            }));

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_tar_of_odd_entries_is_read_or_refused_and_no_path_leads_out() =>
        await Gen.Select(SomeEntry.Array[0, 5], Gen.Bool).SampleAsync(
            (entries, ends) => AssertTarAsync(HostileTar.Concat([.. entries, ends ? HostileTar.End : []])), iter: Iterations(5000));

    [Fact]
    public async Task A_damaged_tar_is_read_or_refused_and_no_path_leads_out() =>
        await Damaged(SomeTar).SampleAsync(AssertTarAsync, iter: Iterations(5000));

    [Fact]
    public async Task Any_bytes_are_read_or_refused_as_a_tar() =>
        await Gen.Byte.Array[0, 2048].SampleAsync(AssertTarAsync, iter: Iterations(2000));

    [Theory]
    [InlineData(MediaTypes.GzipLayer)]
    [InlineData(MediaTypes.ZstdLayer)]
    public async Task A_damaged_stream_is_read_or_refused(string mediaType)
    {
        var blob = mediaType == MediaTypes.GzipLayer ? HostilePack.Gzip(SomeTar)
            : HostileTar.Concat(HostilePack.Skippable(3), HostilePack.Zstd(SomeTar), HostilePack.ZstdRaw(SomeTar, 0));
        await Damaged(blob).SampleAsync(bytes => AssertReadsAsync(mediaType, bytes), iter: Iterations(3000));
    }

    [Theory]
    [InlineData(MediaTypes.GzipLayer, new byte[] { 0x1f, 0x8b, 8 })]
    [InlineData(MediaTypes.ZstdLayer, new byte[] { 0x28, 0xb5, 0x2f, 0xfd })]
    [InlineData(MediaTypes.ZstdLayer, new byte[] { 0x28, 0xb5, 0x2f, 0xfd, 0, 0 })]
    public async Task Any_bytes_behind_a_beginning_are_read_or_refused(string mediaType, byte[] start) =>
        await Gen.Byte.Array[0, 400].SampleAsync(
            bytes => AssertReadsAsync(mediaType, [.. start, .. bytes]), iter: Iterations(3000));

    [Fact]
    public async Task Whatever_comes_in_comes_out_of_a_stream_that_is_read_ahead() =>
        await Gen.Select(Gen.Int[0, 600_000], Gen.Int[1, 200_000], Gen.Int[1, 200_000], Gen.Bool).SampleAsync(async (length, atMost, room, fails) =>
        {
            byte[] content = [.. Enumerable.Range(0, length).Select(i => (byte)((i * 31) + (i >> 8)))];
            var fault = fails ? new InvalidOperationException("the line is gone") : null;
            ChunkedStream source = new(content, atMost, fault);
            await using ReadAheadStream ahead = new(source);
            using MemoryStream read = new();
            var buffer = new byte[room];
            var failure = await Record.ExceptionAsync(async () =>
            {
                for (int count; (count = await ahead.ReadAsync(buffer, Ct)) > 0;)
                {
                    await read.WriteAsync(buffer.AsMemory(0, count), Ct);
                    Assert.Equal(0, await ahead.ReadAsync(Memory<byte>.Empty, Ct)); // Or it fails, and had nothing more to give.
                }
            });

            Assert.Same(fault, failure);
            Assert.True(content.AsSpan().SequenceEqual(read.ToArray()));
            await ahead.DisposeAsync();
            Assert.True(source.IsDisposed);
        }, iter: Iterations(200, most: 20_000));

    [Fact]
    public async Task A_stream_that_is_read_ahead_may_be_left_at_any_time() =>
        await Gen.Select(Gen.Int[0, 1_500_000], Gen.Int[1, 300_000]).SampleAsync(async (length, taken) =>
        {
            ChunkedStream source = new(new byte[length], 70_000, fault: null);
            ReadAheadStream ahead = new(source);
            Assert.Equal(
                Math.Min(taken, length), await ahead.ReadAtLeastAsync(new byte[taken], taken, throwOnEndOfStream: false, Ct));
            await ahead.DisposeAsync();
            Assert.True(source.IsDisposed);
        }, iter: Iterations(200, most: 20_000));

    [Fact]
    public async Task A_layers_tar_ends_only_if_it_is_the_right_one() =>
        await Gen.Select(Gen.Byte.Array[0, 3000], Gen.Int[0, 4000], Gen.Bool).SampleAsync(async (content, most, isRight) =>
        {
            var digest = isRight ? Digest.Of(content) : Digest.Of([.. content, 1]);
            await using LayerTar tar = new(new ChunkedStream(content, 700, fault: null), digest, most);
            var failure = await Record.ExceptionAsync(() => tar.CopyToAsync(Stream.Null, Ct));

            Assert.Equal(isRight && content.Length <= most, failure is null);
            Assert.True(failure is null or InvalidDataException);
        }, iter: Iterations(2000, most: 200_000));

    [Theory]
    [InlineData(0, 64L << 20)]
    [InlineData(1 << 20, 200L << 20)]
    [InlineData(20 << 20, 2L << 30)]
    [InlineData(80 << 20, 2L << 30)]
    [InlineData(200 << 20, 4000L << 20)]
    [InlineData(long.MaxValue, 16L << 30)]
    public void A_layer_inflates_to_no_more_than_minutes_allow(long compressed, long expected) =>
        Assert.Equal(expected, LayerTar.MaxBytesOf(compressed));

    [Fact]
    public void Damaged_documents_are_read_or_refused()
    {
        Descriptor some = new(MediaTypes.GzipLayer, Digest.Of(Program), 7);
        var manifest = OciJson.Write(new ImageManifest { Config = some, Layers = [some, some], MediaType = MediaTypes.Manifest });
        var index = OciJson.Write(new ImageIndex { Manifests = [some with { Platform = HostileImage.Amd64 }], MediaType = MediaTypes.Index });
        var config = OciJson.Write(new ImageConfig
        {
            Os = "linux",
            Architecture = "amd64",
            RootFileSystem = new RootFileSystem("layers", [some.Digest]),
            Container = new ContainerConfig { Labels = some.Annotations },
        });
        Gen.OneOf(Damaged(manifest), Damaged(index), Damaged(config)).Sample(
            json =>
            {
                AssertRefusal(ErrorKind.BadContent, () => OciJson.ReadManifest(json, "x"));
                AssertRefusal(ErrorKind.BadContent, () => OciJson.ReadIndex(json, "x"));
                AssertRefusal(ErrorKind.BadContent, () => OciJson.ReadConfig(json, "x"));
            }, iter: Iterations(5000));
    }

    [Fact]
    public void A_damaged_reference_is_read_or_refused() =>
        Damaged(Encoding.UTF8.GetBytes($"docker://example.com:5000/team/app:v1.2.3@{Digest.Of(Program)}")).Sample(
            bytes => Assert.True(Record.Exception(() => ImageReference.Parse(Encoding.UTF8.GetString(bytes))) is null or FormatException),
            iter: Iterations(10_000));

    [Fact]
    public void A_damaged_file_of_hosts_is_read_or_refused()
    {
        var file = """
            server = "https://registry.example.com"
            [host."https://mirror.example.com:5000/v2/team"]
              capabilities = ["pull", "resolve"]
              override_path = true
              skip_verify = true
              dial_timeout = "3s"
              [host."https://mirror.example.com:5000/v2/team".header]
                x-custom = ["a", "b"]
            [host."http://10.0.0.1"]
            """u8.ToArray();
        Damaged(file).Sample(
            bytes => AssertRefusal(
                ErrorKind.Usage, () => HostsFile.Parse(Encoding.UTF8.GetString(bytes), "/hosts.toml", "registry.example.com")),
            iter: Iterations(5000, most: 200_000));
    }

    internal static int Iterations(int usual, int most = int.MaxValue) =>
        int.TryParse(Environment.GetEnvironmentVariable("HYPERKUBE_ITERATIONS"), CultureInfo.InvariantCulture, out var asked)
            ? Math.Min(asked, most) : usual;

    /// <summary>A few changes, cuts, insertions and repetitions.</summary>
    internal static Gen<byte[]> Damaged(byte[] content) => Gen.Select(Gen.Int[0, 4], Gen.Int[0, content.Length - 1], Gen.Byte, Gen.Int[1, 40])
        .Array[1, 6].Select(damages =>
        {
            List<byte> bytes = [.. content];
            foreach (var (how, place, value, count) in damages)
            {
                var at = Math.Min(place, bytes.Count);
                var some = Math.Min(count, bytes.Count - at);
                switch (how)
                {
                    case 0 when some > 0:
                        bytes[at] = value;
                        break;
                    case 1 when some > 0:
                        bytes[at] ^= (byte)(1 << (value & 7));
                        break;
                    case 2:
                        bytes.RemoveRange(at, some);
                        break;
                    case 3:
                        bytes.InsertRange(at, Enumerable.Repeat(value, count));
                        break;
                    default:
                        bytes.InsertRange(at, bytes.GetRange(at, some));
                        break;
                }
            }

            return bytes.ToArray();
        });

    private static void AssertRefusal(ErrorKind kind, Action read)
    {
        var error = Record.Exception(read);
        Assert.True(error is null || (error as HyperkubeException)?.Kind == kind, error?.ToString());
    }

    private static async Task AssertTarAsync(byte[] tar)
    {
        UstarReader reader = new(new ChunkedStream(tar, 700, fault: null));
        var buffer = new byte[300];
        try
        {
            while (await reader.NextAsync(Ct) is { } entry)
            {
                Assert.True(entry.Size >= 0);
                Assert.DoesNotContain(entry.Path.Split('/'), part => part is ".." or ".");
                Assert.False(entry.Path.StartsWith('/') || entry.Path.EndsWith('/') || entry.Path.Contains('\0', StringComparison.Ordinal));
                var read = 0L;
                for (int count; (entry.Size & 1) == 0 && (count = await reader.ReadAsync(buffer, Ct)) > 0;)
                {
                    read += count;
                }

                Assert.True(read == ((entry.Size & 1) == 0 ? entry.Size : 0));
            }
        }
        catch (InvalidDataException)
        {
            // Refused.
        }
    }

    // A short blob may be a long text: a MiB of it is enough.
    private static async Task AssertReadsAsync(string mediaType, byte[] blob)
    {
        await using var stream = LayerReader.OpenTar(mediaType, new MemoryStream(blob));
        var buffer = new byte[5000];
        try
        {
            for (int count, total = 0; total < 1 << 20 && (count = await stream.ReadAsync(buffer, Ct)) > 0; total += count)
            {
                Assert.InRange(count, 1, buffer.Length);
            }
        }
        catch (InvalidDataException)
        {
            // Refused.
        }
    }

    private sealed class ChunkedStream(byte[] content, int atMost, Exception? fault) : ReadOnlyStream
    {
        private int _position;

        internal bool IsDisposed { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            var count = Math.Min(Math.Min(buffer.Length, atMost), content.Length - _position);
            if (count == 0 && fault is not null && buffer.Length > 0)
            {
                throw fault;
            }

            content.AsSpan(_position, count).CopyTo(buffer);
            _position += count;
            return count;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(Read(buffer.Span));

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }
    }
}
