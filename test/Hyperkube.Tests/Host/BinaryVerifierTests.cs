using Hyperkube.Host;
using Hyperkube.Oci;
using Hyperkube.Oci.Layout;
using Hyperkube.Publishing;
using Hyperkube.Releases;
using Hyperkube.Testing;
using static Hyperkube.Tests.Host.SignedImage;

namespace Hyperkube.Tests.Host;

/// <summary>What verify sees of an image: what whoever unpacks it would see, judged as it passes.</summary>
public sealed class BinaryVerifierTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly RecordingLog _log = new();

    private static HostileLayer Both => Evidence(("kubelet", Bundle(Kubelet)), ("kubectl", Bundle(Kubectl)));

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task All_programs_are_judged_and_nothing_else_is()
    {
        var seen = await CheckAsync(HostileImage.Of(
            Both, Layer("kubelet", Kubelet), Layer("kubectl", Kubectl), HostileLayer.Of(Data("etc/motd"), HostileTar.Link("bin/sh", "busybox"))));

        Assert.Equal("/kubectl Signature, /kubelet Signature", seen);
        Assert.DoesNotContain(_directory.Files(), f => f.StartsWith("scratch", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_program_that_nobody_signed_is_seen_wherever_it_lies() => Assert.Equal(
        "/kubelet Signature, /usr/bin/extra Unsigned",
        await CheckAsync(HostileImage.Of(Both, Layer("kubelet", Kubelet), Plain("usr/bin/extra", Kubelet))));

    [Fact]
    public async Task What_the_annotations_call_a_binary_is_one_whatever_its_mode()
    {
        var layer = HostileLayer.Of(Data("kubelet", Kubectl)).Claiming("/kubelet", Kubectl);

        Assert.Equal("/kubelet BadSignature", await CheckAsync(HostileImage.Of(Both, layer)));
    }

    [Theory]
    [InlineData(".wh.kubelet", "/kubectl Signature")]
    [InlineData(".wh..wh..opq", "")]
    [InlineData("usr/.wh.bin", "/kubectl Signature, /kubelet Signature")]
    public async Task What_a_layer_above_removes_is_not_seen(string whiteout, string expected)
    {
        var image = HostileImage.Of(
            Both, Plain("kubelet", Kubelet), Plain("kubectl", Kubectl), Plain("usr/bin/extra", Kubelet),
            HostileLayer.Of(HostileTar.File(".wh.usr", [])), HostileLayer.Of(HostileTar.File(whiteout, [])));

        Assert.Equal(expected, expected.Length == 0 ? await NothingAsync(image) : await CheckAsync(image));
    }

    // Who unpacks it runs the one on top, or finds a link there.
    [Fact]
    public async Task What_is_on_top_counts()
    {
        Assert.Equal(
            "/kubelet BadSignature",
            await CheckAsync(HostileImage.Of(Both, Plain("kubelet", Kubelet), Plain("kubelet", Binary("kubelet", "v1.29.0")))));
        Assert.Equal(
            "/kubectl Signature",
            await CheckAsync(HostileImage.Of(
                Both, Plain("kubelet", Kubelet), Plain("kubectl", Kubectl), HostileLayer.Of(HostileTar.Link("kubelet", "/kubectl")))));
    }

    [Fact]
    public async Task Signed_bytes_in_another_place_are_called_what_they_are()
    {
        var image = HostileImage.Of(Evidence(("kubelet", Bundle(Kubectl))), Layer("kubelet", Kubectl));

        Assert.Equal("/kubelet BadContent", await CheckAsync(image));
    }

    [Fact]
    public async Task Annotations_that_lie_are_an_error_of_their_binary()
    {
        var image = HostileImage.Of(Both, Plain("kubelet", Kubelet).Claiming("/kubelet", Kubectl), Layer("kubectl", Kubectl));

        Assert.Equal("/kubectl Signature, /kubelet BadContent", await CheckAsync(image));
    }

    [Fact]
    public async Task Only_some_names_may_be_asked_for()
    {
        var image = HostileImage.Of(Both, Layer("kubelet", Kubelet), Layer("kubectl", Kubectl), Plain("extra", Kubelet));

        Assert.Equal("/kubelet Signature", await CheckAsync(image, "kubelet"));
        Assert.Equal(ErrorKind.NotFound, (await Assert.ThrowsAsync<HyperkubeException>(() => CheckAsync(image, "kubeadm"))).Kind);
    }

    [Fact]
    public async Task A_layer_that_was_changed_is_no_answer_but_a_failure()
    {
        var layer = Layer("kubelet", Kubelet);
        var image = HostileImage.Of(Both, layer with { DiffId = Digest.Of(Kubectl) });

        Assert.Equal(ErrorKind.BadContent, (await Assert.ThrowsAsync<HyperkubeException>(() => CheckAsync(image))).Kind);
    }

    [Fact]
    public async Task Without_a_place_for_one_binary_the_host_is_to_blame()
    {
        var error = await Assert.ThrowsAsync<HyperkubeException>(
            () => CheckInAsync(_directory["nowhere"], HostileImage.Of(Both, Layer("kubelet", Kubelet)), []));

        Assert.Equal(ErrorKind.HostFailed, error.Kind);
        Assert.Contains("TMPDIR", error.Hint, StringComparison.Ordinal);
    }

    private static byte[] Data(string path, byte[]? content = null) => HostileTar.Entry(
        path, '0', content ?? [1], change: header => "0000644"u8.CopyTo(header.AsSpan(100)));

    private async Task<string> NothingAsync(HostileImage image)
    {
        Assert.Equal(ErrorKind.NotFound, (await Assert.ThrowsAsync<HyperkubeException>(() => CheckAsync(image))).Kind);
        return "";
    }

    private Task<string> CheckAsync(HostileImage image, params IReadOnlyList<string> names) =>
        CheckInAsync(Directory.CreateDirectory(_directory["scratch"]).FullName, image, names);

    private async Task<string> CheckInAsync(string scratch, HostileImage image, IReadOnlyList<string> names)
    {
        var layout = _directory[Guid.NewGuid().ToString("N")];
        image.WriteTo(layout);
        using ImageSource source = new(new LayoutReference(layout, HostileImage.Tag), ImageLayout.Open(layout));
        BinaryVerifier verifier = new(Trust, ExemptBinaries.None, _log, scratch);

        var root = await source.FindAsync(TestContext.Current.CancellationToken);
        var result = await verifier.CheckImageAsync(source, root, platform: null, names, TestContext.Current.CancellationToken);

        return string.Join(
            ", ", Assert.Single(result.Platforms).Binaries.Select(b => $"{b.Path} {b.Failure?.Kind.ToString() ?? b.Verified.ToString()}"));
    }
}
