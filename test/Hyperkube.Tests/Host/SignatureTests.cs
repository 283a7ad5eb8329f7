using Hyperkube.Host;
using Hyperkube.Oci;
using Hyperkube.Releases;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;
using static Hyperkube.Tests.Host.SignedImage;

namespace Hyperkube.Tests.Host;

/// <summary>The release team's signature, checked offline by the installer: what is right comes, what is not leaves the host untouched,
/// and no layer of a binary is fetched for it.</summary>
public sealed class SignatureTests : IAsyncDisposable
{
    private readonly HostileHost _host = new() { Ask = Ask() };
    private readonly TestRegistry _registry = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Wrongs => [.. Wrong.Keys];

    // What is wrong, and what the message must say.
    private static Dictionary<string, (Func<HostileImage> Image, ErrorKind Kind, string Says)> Wrong { get; } = new(StringComparer.Ordinal)
    {
        ["no evidence"] = (() => HostileImage.Of(Evidence(), Layer("kubelet", Kubelet)), ErrorKind.Unsigned, "no evidence"),
        ["no small layer"] = (() => HostileImage.Of(Layer("kubelet", Kubelet)), ErrorKind.Unsigned, "no evidence"),
        ["evidence of another name only"] = (
            () => HostileImage.Of(Evidence(("kubectl", Bundle(Kubelet))), Layer("kubelet", Kubelet)), ErrorKind.Unsigned, "no evidence"),
        ["another identity"] = (
            () => Of(Kubelet, Bundle(Kubelet, new SigningRecipe { Certificate = new() { Subject = "mallory@example.com" } })),
            ErrorKind.BadSignature, "mallory@example.com"),
        ["another identity of the same project"] = (
            () => Of(Kubelet, Bundle(Kubelet, new SigningRecipe
            {
                Certificate = new() { Subject = "krel-trust@k8s-releng-prod.iam.gserviceaccount.com" },
            })),
            ErrorKind.BadSignature, "krel-trust@"),
        ["another issuer"] = (
            () => Of(Kubelet, Bundle(Kubelet, new SigningRecipe
            {
                Certificate = new() { Issuer = "https://github.com/login/oauth", OldIssuer = "https://github.com/login/oauth" },
            })),
            ErrorKind.BadSignature, "https://github.com/login/oauth"),
        ["another root"] = (() => Of(Kubelet, Stranger.Sign(Kubelet).Json), ErrorKind.BadSignature, "kubelet.sigstore.json"),
        ["kubectl's evidence"] = (() => Of(Kubelet, Bundle(Kubectl)), ErrorKind.BadSignature, "kubelet.sigstore.json"),
        ["the evidence of another version"] = (
            () => Of(Kubelet, Bundle(Binary("kubelet", "v1.36.3"))), ErrorKind.BadSignature, "kubelet.sigstore.json"),
        ["the evidence of another platform"] = (
            () => Of(Kubelet, Bundle(Binary("kubelet", platform: new Platform("linux", "arm64")))),
            ErrorKind.BadSignature, "kubelet.sigstore.json"),
        ["in no log"] = (
            () => Of(Kubelet, Bundle(Kubelet, new SigningRecipe { IsLogged = false })), ErrorKind.BadSignature, "kubelet.sigstore.json"),
        ["empty evidence"] = (() => Of(Kubelet, []), ErrorKind.BadSignature, "kubelet.sigstore.json"),
        ["evidence that is no JSON"] = (() => Of(Kubelet, "MEUCIQ"u8.ToArray()), ErrorKind.BadSignature, "kubelet.sigstore.json"),
        ["evidence above 256 KiB"] = (() => Of(Kubelet, new byte[(256 << 10) + 1]), ErrorKind.BadContent, "256 KiB"),
        ["evidence that is a link"] = (
            () => HostileImage.Of(
                HostileLayer.Of(HostileTar.Link("kubelet.sigstore.json", "/etc/evidence")), Layer("kubelet", Kubelet)),
            ErrorKind.BadContent, "expected a regular file"),
        ["evidence that is there twice"] = (
            () => HostileImage.Of(Evidence(("kubelet", Bundle(Kubelet)), ("kubelet", Bundle(Kubelet))), Layer("kubelet", Kubelet)),
            ErrorKind.BadContent, "twice"),
        ["good evidence below wrong"] = (
            () => HostileImage.Of(
                Evidence(("kubelet", Bundle(Kubelet))), Evidence(("kubelet", Bundle(Kubectl))), Layer("kubelet", Kubelet)),
            ErrorKind.BadSignature, "kubelet.sigstore.json"),
        ["evidence that a layer above removes"] = (
            () => HostileImage.Of(
                Evidence(("kubelet", Bundle(Kubelet))), HostileLayer.Of(HostileTar.File(".wh.kubelet.sigstore.json", [])),
                Layer("kubelet", Kubelet)),
            ErrorKind.Unsigned, "no evidence"),
        ["evidence in a directory"] = (
            () => HostileImage.Of(HostileLayer.Of(HostileTar.File("opt/kubelet.sigstore.json", Bundle(Kubelet))), Layer("kubelet", Kubelet)),
            ErrorKind.Unsigned, "no evidence"),
    };

    public async ValueTask DisposeAsync()
    {
        _host.Dispose();
        await _registry.DisposeAsync();
    }

    [Fact]
    public async Task What_is_signed_comes_and_the_receipt_says_by_whom()
    {
        var bundle = Bundle(Kubelet);
        var image = Of(Kubelet, bundle);

        await InstallAsync(image);

        _host.AssertInstalled(Kubelet);
        Assert.Equal(
            [image.Layers[0].ToldDigest, image.Layers[1].ToldDigest],
            Blobs().Where(b => image.Layers.Any(l => l.ToldDigest == b))); // The evidence first.
        var entry = _host.Receipt().At(HostileHost.Destination)!;
        Assert.Equal(VerificationMode.Signature, entry.Verified);
        Assert.Equal(
            (Trust.Fingerprint, ReleaseTrust.KubernetesRelease.Subject, ReleaseTrust.KubernetesRelease.Issuer, SigstoreAuthority.SignedAt),
            (entry.Signature!.Trust, entry.Signature.Signer!, entry.Signature.Issuer!, entry.Signature.SignedAt));
        Assert.NotNull(entry.Signature.LogIndex);
        Assert.Equal(
            ("k8s.io/kubernetes/cmd/kubelet", "8cc511e399b929453cd98ae65b419c3cc227ec79", "claimed"),
            (entry.Package!, entry.Commit!, entry.VersionProof));
        var kept = EvidenceOf(Kubelet);
        Assert.Equal(bundle, await File.ReadAllBytesAsync(kept, Ct));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(kept));
    }

    [Theory]
    [MemberData(nameof(Wrongs))]
    public async Task What_is_not_is_refused_before_any_binary_is_fetched(string wrong)
    {
        var (make, kind, says) = Wrong[wrong];
        var image = make();

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => InstallAsync(image));

        Assert.True(error.Kind == kind, error.ToString());
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(image.Layers[^1].ToldDigest, Blobs());
        _host.AssertUntouched();
        Assert.Empty(_host.Receipt().Binaries);
        Assert.False(File.Exists(EvidenceOf(Kubelet)));
    }

    // What a layer does not say of itself is judged when its bytes are here.
    [Theory]
    [MemberData(nameof(Wrongs))]
    public async Task What_is_not_is_refused_without_annotations_too(string wrong)
    {
        var (make, kind, _) = Wrong[wrong];
        var image = make();

        var error = await Assert.ThrowsAsync<HyperkubeException>(
            () => InstallAsync(image with { Layers = [.. image.Layers.Select(l => l with { Annotations = null })] }));

        Assert.True(error.Kind == kind, error.ToString());
        _host.AssertUntouched();
        Assert.Empty(_host.Receipt().Binaries);
    }

    [Fact]
    public async Task A_refusal_of_what_is_not_signed_says_what_to_do()
    {
        var error = await Assert.ThrowsAsync<HyperkubeException>(() => InstallAsync(HostileImage.Of(Layer("kubelet", Kubelet))));

        Assert.Contains("--verify digest", error.Hint, StringComparison.Ordinal);
        Assert.Contains("@sha256:", error.Hint, StringComparison.Ordinal);
        Assert.Contains("--insecure-skip-signature", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Layers_of_other_tools_need_not_say_what_they_hold()
    {
        await InstallAsync(HostileImage.Of(
            Plain("kubelet", Kubelet), Plain("kubectl", Kubectl), Evidence(("kubelet", Bundle(Kubelet)), ("kubectl", Bundle(Kubectl)))));

        _host.AssertInstalled(Kubelet);
        Assert.Equal(VerificationMode.Signature, _host.Receipt().Binaries[0].Verified);
    }

    // A megabyte and more of zeros takes a kilobyte on the way: it is no evidence, and no reason to refuse what is.
    [Fact]
    public async Task A_small_layer_that_inflates_to_a_large_one_holds_no_evidence()
    {
        await InstallAsync(HostileImage.Of(
            Evidence(("kubelet", Bundle(Kubelet))), HostileLayer.Of(HostileTar.File("zeros", new byte[3 << 20])), Layer("kubelet", Kubelet)));

        _host.AssertInstalled(Kubelet);
    }

    [Fact]
    public async Task Evidence_goes_by_the_name_of_a_binary_wherever_that_lies()
    {
        var image = HostileImage.Of(Evidence(("kubelet", Bundle(Kubelet))), Layer("usr/bin/kubelet", Kubelet)) with { Path = "usr/bin/kubelet" };
        _host.Ask = Ask(r => r with { Binaries = [new WantedBinary("kubelet", "usr/bin/kubelet", HostileHost.Destination)] });

        await InstallAsync(image);

        _host.AssertInstalled(Kubelet);
    }

    [Theory]
    [InlineData("kubectl", "amd64", "k8s.io/kubernetes/cmd/kubectl")]
    [InlineData("kubelet", "arm64", "arm64")]
    public async Task Truly_signed_bytes_in_the_place_of_others_are_refused(string name, string architecture, string says)
    {
        var other = Binary(name, platform: new Platform("linux", architecture));

        foreach (var layer in (HostileLayer[])[Layer("kubelet", other), Plain("kubelet", other)])
        {
            var error = await Assert.ThrowsAsync<HyperkubeException>(
                () => InstallAsync(HostileImage.Of(Evidence(("kubelet", Bundle(other))), layer)));

            Assert.Equal(ErrorKind.BadContent, error.Kind);
            Assert.Contains(says, error.Message, StringComparison.Ordinal);
            _host.AssertUntouched();
        }
    }

    [Fact]
    public async Task A_program_without_build_information_is_nobody_s_even_when_it_is_signed()
    {
        var unnamed = StandInProgram.Create(HostileImage.Amd64, "Kubernetes v1.36.4\n");

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => InstallAsync(Of(unnamed, Bundle(unnamed))));

        Assert.Contains("no Go build information", error.Message, StringComparison.Ordinal);
        _host.AssertUntouched();
    }

    // The sleep of an attacker's own: bytes that are right, with annotations that are not, and the other way round.
    [Fact]
    public async Task Bytes_must_be_those_that_the_annotations_promised_and_the_evidence_proved()
    {
        var other = Binary("kubelet", "v1.29.0");
        var image = HostileImage.Of(
            Evidence(("kubelet", Bundle(Kubelet))),
            Plain("kubelet", other).Claiming("/kubelet", Digest.Of(Kubelet).Hex, Kubelet.Length.ToString(System.Globalization.CultureInfo.InvariantCulture)));

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => InstallAsync(image));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        _host.AssertUntouched();
    }

    [Theory]
    [InlineData("bundle")]
    [InlineData("binary")]
    [InlineData("evidence layer")]
    [InlineData("binary layer")]
    public async Task One_bit_is_seen_wherever_it_flips(string where)
    {
        var bundle = Bundle(Kubelet);
        var good = Of(Kubelet, bundle);
        var length = where switch
        {
            "bundle" => bundle.Length,
            "binary" => Kubelet.Length,
            "evidence layer" => good.Layers[0].Blob.Length,
            _ => good.Layers[1].Blob.Length,
        };
        const int Flips = 40;
        for (var i = 0; i < Flips; i++)
        {
            var (at, bit) = ((int)((long)length * i / Flips) + (i % 7), 1 << (i % 8));
            byte[] Flipped(byte[] content)
            {
                var flipped = content.ToArray();
                flipped[at] ^= (byte)bit;
                return flipped;
            }

            // Whoever may write to the registry keeps digests and annotations right.
            var image = where switch
            {
                "bundle" => Of(Kubelet, Flipped(bundle)),
                "binary" => Of(Flipped(Kubelet), bundle),
                _ => WithFlip(good, where, Flipped),
            };

            var failure = await Record.ExceptionAsync(() => InstallAsync(image));

            Assert.True(
                failure is HyperkubeException { Kind: ErrorKind.BadSignature or ErrorKind.Unsigned or ErrorKind.BadContent or ErrorKind.BadDigest },
                $"bit {bit} of byte {at}: {failure}");
            _host.AssertUntouched();
        }
    }

    // What lies there is not what it is called.
    private static HostileImage WithFlip(HostileImage image, string where, Func<byte[], byte[]> flip)
    {
        var index = where == "evidence layer" ? 0 : 1;
        var layer = image.Layers[index];
        return image with
        {
            Layers =
            [
                .. image.Layers.Select((l, i) => i == index
                    ? l with { Blob = flip(l.Blob), Digest = layer.ToldDigest, Size = layer.Blob.Length, DiffId = Digest.Of(l.Tar) } : l),
            ],
        };
    }

    [Fact]
    public async Task A_dry_run_refuses_the_same_and_says_how_the_right_one_would_be_proved()
    {
        _host.Ask = Ask(r => r with { IsDry = true });

        var result = await InstallAsync(Of(Kubelet, Bundle(Kubelet)));
        await Assert.ThrowsAsync<HyperkubeException>(() => InstallAsync(Of(Kubelet, Bundle(Kubectl))));

        Assert.Equal(VerificationMode.Signature, result.Binaries[0].Binary.Verified);
        _host.AssertUntouched();
        Assert.False(Directory.Exists(_host.PathOf("/var/lib/hyperkube")));
    }

    [Fact]
    public async Task An_old_release_under_a_new_tag_is_a_downgrade_that_is_said()
    {
        await InstallAsync(Of("v1.36.4"));

        var result = await InstallAsync(Of("v1.35.1"));

        Assert.True(result.IsDowngrade);
        Assert.Contains(_host.Log.Warnings, w => w.Contains("v1.36.4 is replaced by v1.35.1, which is OLDER", StringComparison.Ordinal));
        Assert.False((await InstallAsync(Of("v1.36.4"))).IsDowngrade);
    }

    [Theory]
    [InlineData("v1.36.4")]
    [InlineData("v1.36.3")]
    public async Task A_version_that_is_only_claimed_is_not_enough_for_a_minimum(string minimum)
    {
        _host.Ask = Ask(r => r with { MinimumVersion = KubernetesVersion.Parse(minimum) });

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => InstallAsync(Of("v1.36.4")));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains("nothing proves the version", error.Message, StringComparison.Ordinal);
        _host.AssertUntouched();
    }

    [Fact]
    public async Task The_version_of_a_digest_that_the_caller_named_is_proved()
    {
        var image = Of("v1.36.4");
        var digest = image.ServeAt(_registry);
        _host.Ask = Ask(r => r with
        {
            Reference = (RegistryReference)r.Reference with { Tag = null, Digest = digest },
            MinimumVersion = KubernetesVersion.Parse("v1.36.0"),
        });

        await _host.InstallAsync("kubelet", Ct, _registry);

        Assert.Equal("pinned", _host.Receipt().Binaries[0].VersionProof);
    }

    [Fact]
    public async Task What_is_demanded_of_the_image_is_checked_before_anything_of_it_is_read()
    {
        List<int> calls = [];
        ImageDemand demand = new("ours", (_, root, _) =>
        {
            calls.Add(_registry.Calls.Count(c => c.IsBlob));
            return Task.CompletedTask;
        });
        _host.Ask = Ask(r => r with { Demand = demand, MinimumVersion = KubernetesVersion.Parse("v1.36.0") });

        var image = Of("v1.36.4");
        await InstallAsync(image);
        await InstallAsync(image); // Nothing to do: the receipt says that the same was demanded.
        _host.Ask = Ask(r => r with { Demand = demand with { Fingerprint = "stricter" } });
        await InstallAsync(image);

        Assert.Equal(0, calls[0]);
        Assert.Equal(2, calls.Count);
        var entry = _host.Receipt().Binaries[0];
        Assert.Equal(("stricter", "policy"), (entry.Policy!, entry.VersionProof));
        _host.Ask = Ask(r => r with
        {
            Demand = new("no", (_, _, _) => throw new HyperkubeException(ErrorKind.Unsigned, "not ours")),
        });
        Assert.Equal(ErrorKind.Unsigned, (await Assert.ThrowsAsync<HyperkubeException>(() => InstallAsync(image))).Kind);
    }

    private Task<InstallResult> InstallAsync(HostileImage image)
    {
        image.ServeAt(_registry);
        return _host.InstallAsync(image.Path, Ct, _registry);
    }

    private IEnumerable<Digest> Blobs() => _registry.Calls.Where(c => c.IsBlob)
        .Select(c => Digest.Parse(c.Path.Split('/')[^1]));

    private string EvidenceOf(byte[] binary) => _host.PathOf($"/var/lib/hyperkube/evidence/{Digest.Of(binary).Hex}.sigstore.json");
}
