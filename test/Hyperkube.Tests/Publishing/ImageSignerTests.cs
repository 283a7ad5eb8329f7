using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layout;
using Hyperkube.Publishing;
using Hyperkube.Sigstore.Signing;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Publishing;

public sealed class ImageSignerTests : IAsyncLifetime
{
    private SigningScene _scene = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Tag => $"{ReferrersIndex.TagOf(_scene.Root.Digest)}.sig";

    public async ValueTask InitializeAsync() => _scene = await SigningScene.CreateAsync();

    public ValueTask DisposeAsync() => _scene.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_registry_holds_both_forms_of_a_signature(bool hasApi)
    {
        _scene.Registry.HasReferrersApi = hasApi;

        var signed = Assert.Single(await _scene.SignAsync());

        Assert.Equal(_scene.Root.Digest, signed.Image);
        Assert.Equal(Tag, signed.Tag);
        var found = Assert.Single(await _scene.CheckAsync());
        Assert.Equal((SignatureForm.Bundle, _scene.Root.Digest), (found.Form, found.Image));
        var bundle = OciJson.ReadManifest(_scene.Registry.Content(SigningScene.Repository, $"{signed.Bundle!.Digest}"), "bundle");
        Assert.Equal("application/vnd.dev.sigstore.bundle.v0.3+json", bundle.ArtifactType);
        Assert.Equal(_scene.Root.Digest, bundle.Subject!.Digest);
        Assert.Equal("https://sigstore.dev/cosign/sign/v1", bundle.Annotations!["dev.sigstore.bundle.predicateType"]);
        Assert.Equal(hasApi, _scene.Registry.Tag(SigningScene.Repository, ReferrersIndex.TagOf(_scene.Root.Digest)) is null);
    }

    [Fact]
    public async Task A_layout_is_signed_too_and_what_is_copied_keeps_its_signatures()
    {
        await _scene.SignAsync(place: _scene.Layout);

        Assert.Single(await _scene.CheckAsync(_scene.Layout));
        ImageReference layout = new LayoutReference(_scene.LayoutPath, "v1");
        var there = new RegistryReference(_scene.Registry.Url.Authority, "other/app", null, null);
        await new Mirror(_scene.Transports, new MirrorRequest(), NoActivityLog.Instance).CopyAsync([layout], there, Ct);
        using var copied = await _scene.Transports.OpenSourceAsync(there with { Tag = "v1" }, Ct);
        Assert.Single(await _scene.CheckAsync(copied.Content));
        Assert.NotNull(await copied.Content.ResolveAsync(Tag, Ct));
    }

    [Fact]
    public async Task Either_form_is_enough()
    {
        await _scene.SignAsync(request: new SignRequest { WithTag = false });
        Assert.Null(_scene.Registry.Tag(SigningScene.Repository, Tag));
        Assert.Equal(SignatureForm.Bundle, Assert.Single(await _scene.CheckAsync()).Form);

        // A cache that knows no referrers.
        await _scene.SignAsync();
        _scene.Registry.Intercept = call => call.Path.Contains("/referrers/", StringComparison.Ordinal) ? SiteAnswer.Of(404) : null;
        Assert.Equal(SignatureForm.Tag, Assert.Single(await _scene.CheckAsync()).Form);
    }

    [Fact]
    public async Task What_is_signed_is_not_signed_again_and_a_missing_form_is_added()
    {
        await _scene.SignAsync(request: new SignRequest { WithTag = false });

        var second = Assert.Single(await _scene.SignAsync());
        var before = _scene.Registry.Calls.Count;
        var third = Assert.Single(await _scene.SignAsync());

        Assert.Equal((null, Tag), (second.Bundle, second.Tag));
        Assert.Equal((null, null), (third.Bundle, third.Tag));
        Assert.DoesNotContain(_scene.Registry.Calls.Skip(before), c => c.Method is "PUT" or "POST" or "PATCH");
        Assert.Single(await _scene.Remote.ReferrersAsync(_scene.Root.Digest, Ct));
    }

    [Fact]
    public async Task The_signatures_of_others_stay()
    {
        await _scene.SignAsync(_scene.Stranger);
        await _scene.SignAsync();

        var both = await _scene.CheckAsync(needed: 2, signers: [_scene.Trusted(), _scene.Trusted(_scene.Stranger)]);
        Assert.Equal(2, both.Count);
        Assert.Equal(2, (await LayersAsync()).Count);
    }

    [Fact]
    public async Task Two_who_sign_at_once_both_stay_under_the_tag()
    {
        var others = 0;
        _scene.Registry.Alter = (call, answer) =>
        {
            // Somebody else's signature comes between our look at the tag and our own writing, once.
            if (call.Method == "PUT" && call.Path.EndsWith(Tag, StringComparison.Ordinal) && Interlocked.Increment(ref others) == 1)
            {
#pragma warning disable VSTHRD002 // What answers is no task; nothing waits for this one but the test.
                _scene.TagAsync((SimpleSignature.Sign("a/b", $"{_scene.Root.Digest}", _scene.Stranger).Payload.ToArray(), "AAAA")).GetAwaiter().GetResult();
#pragma warning restore VSTHRD002
            }

            return answer;
        };

        await _scene.SignAsync();

        Assert.Equal(2, (await LayersAsync()).Count);
        Assert.Equal(SignatureForm.Tag, Assert.Single(await new ImageSignatures(_scene.Remote, () => _scene.Trust).FindAsync(
            _scene.Root.Digest, _scene.Trusted(), Ct), s => s.Form == SignatureForm.Tag).Form);
    }

    [Fact]
    public async Task Recursive_signs_each_platform_and_otherwise_none()
    {
        await _scene.SignAsync();
        Assert.Equal(ErrorKind.Unsigned, (await FailureAsync(() => _scene.CheckAsync(image: _scene.Platforms[0].Digest))).Kind);

        var signed = await _scene.SignAsync(request: new SignRequest { IsRecursive = true });

        Assert.Equal([_scene.Root.Digest, .. _scene.Platforms.Select(p => p.Digest)], signed.Select(s => s.Image));
        Assert.Null(signed[0].Bundle);
        Assert.Single(await _scene.CheckAsync(image: _scene.Platforms[1].Digest));
    }

    [Fact]
    public async Task A_tag_that_holds_something_else_is_not_overwritten()
    {
        await _scene.Remote.TagAsync(_scene.Platforms[0], Tag, move: false, Ct);

        var failure = await FailureAsync(() => _scene.SignAsync());

        Assert.Equal(ErrorKind.TagConflict, failure.Kind);
        Assert.Equal($"{_scene.Platforms[0].Digest}", _scene.Registry.Tag(SigningScene.Repository, Tag));
    }

    [Fact]
    public async Task An_archive_cannot_be_signed_in_place()
    {
        var failure = await FailureAsync(
            () => ImageSigner.OpenAsync(_scene.Transports, new ArchiveReference(ArchiveFormat.Oci, "image.tar", "v1"), Ct));

        Assert.Equal(ErrorKind.Usage, failure.Kind);
    }

    private async Task<IReadOnlyList<Descriptor>> LayersAsync()
    {
        var there = await _scene.Remote.ResolveAsync(Tag, Ct);
        return OciJson.ReadManifest(await _scene.Remote.ReadDocumentAsync(there!, Ct), Tag).Layers;
    }

    private static Task<HyperkubeException> FailureAsync(Func<Task> act) => Assert.ThrowsAnyAsync<HyperkubeException>(act);

    // The same name over the same digest is the same text: what tells the two apart stands in the annotations.
    [Fact]
    public async Task A_copy_that_would_lose_the_signature_of_another_is_refused()
    {
        await _scene.SignAsync();
        await _scene.SignAsync(_scene.Stranger, place: _scene.Layout);

        var error = await Assert.ThrowsAsync<HyperkubeException>(
            () => new AttachedTags(_scene.Remote, _scene.Layout, move: false).CopyAsync([_scene.Root.Digest], TestContext.Current.CancellationToken));

        Assert.Equal(ErrorKind.TagConflict, error.Kind);
        Assert.Single(await _scene.CheckAsync(_scene.Layout, signers: _scene.Trusted(_scene.Stranger)));
    }
}
