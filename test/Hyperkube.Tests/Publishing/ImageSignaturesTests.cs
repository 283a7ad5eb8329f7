using System.Text;
using Hyperkube.Oci;
using Hyperkube.Publishing;
using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Signing;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Tests.Publishing;

/// <summary>What anybody may attach to an image, and what of it counts.</summary>
public sealed class ImageSignaturesTests : IAsyncLifetime
{
    private static readonly Digest Other = Digest.Of([1]);

    private SigningScene _scene = null!;

    public async ValueTask InitializeAsync() => _scene = await SigningScene.CreateAsync();

    public ValueTask DisposeAsync() => _scene.DisposeAsync();

    [Fact]
    public async Task An_image_without_signature_is_unsigned_and_says_whose_was_expected()
    {
        var failure = await RefusedAsync(ErrorKind.Unsigned);

        Assert.Contains("has no signature; expected that of our key", failure.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string> Hostile =>
    [
        "stranger", "other digest", "other kind", "file", "no bundle", "too large", "other subject", "two layers", "no layer",
        "tag stranger", "tag other digest", "tag unsigned", "tag no payload", "tag base64", "tag too large", "tag too many",
    ];

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task What_is_no_good_signature_is_refused_with_its_reason_and_hides_no_good_one(string kind)
    {
        var expected = await AttachAsync(kind);

        var failure = await RefusedAsync(ErrorKind.BadSignature);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);

        await _scene.SignAsync(request: new SignRequest { WithTag = false });
        Assert.Single(await _scene.CheckAsync());
    }

    [Fact]
    public async Task A_good_signature_under_the_tag_is_found_among_others()
    {
        var good = SimpleSignature.Sign("a/b", $"{_scene.Root.Digest}", _scene.Key);
        await _scene.TagAsync([.. Enumerable.Range(0, 20).Select(i => (Encoding.UTF8.GetBytes($"junk {i}"), (string?)"AAAA")), (good.Payload.ToArray(), good.Signature)]);

        Assert.Equal(SignatureForm.Tag, Assert.Single(await _scene.CheckAsync()).Form);
    }

    [Fact]
    public async Task A_flood_of_referrers_is_told_of_and_does_not_hide_the_tag()
    {
        var flood = string.Join(',', Enumerable.Range(0, 257).Select(i =>
            $$"""{"mediaType":"{{MediaTypes.Manifest}}","digest":"{{Digest.Of([(byte)i, (byte)(i >> 8)])}}","size":10}"""));
        _scene.Registry.Intercept = call => !call.Path.Contains("/referrers/", StringComparison.Ordinal) ? null
            : SiteAnswer.Text($$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.Index}}","manifests":[{{flood}}]}""").With("Content-Type", MediaTypes.Index);

        var failure = await RefusedAsync(ErrorKind.BadSignature);

        Assert.Contains("257 referrers; expected at most 256", failure.Message, StringComparison.Ordinal);
        var good = SimpleSignature.Sign("a/b", $"{_scene.Root.Digest}", _scene.Key);
        await _scene.TagAsync((good.Payload.ToArray(), good.Signature));
        Assert.Equal(SignatureForm.Tag, Assert.Single(await _scene.CheckAsync()).Form);
    }

    // Statements about the image, signed by the same key: they say other things than that it is good.
    [Fact]
    public async Task Referrers_that_are_no_signatures_do_not_count_as_any()
    {
        await _scene.AttachAsync([1, 2, 3], m => m with { ArtifactType = "application/spdx+json" });
        await _scene.AttachAsync([1, 2, 4], m => m with
        {
            Annotations = Annotations.Of([new("dev.sigstore.bundle.predicateType", "https://slsa.dev/provenance/v1")]),
        });

        await RefusedAsync(ErrorKind.Unsigned);
    }

    [Fact]
    public async Task One_signer_does_not_count_twice()
    {
        await _scene.SignAsync();
        await _scene.AttachAsync(_scene.Bundle());

        var failure = await RefusedAsync(ErrorKind.BadSignature, needed: 2, _scene.Trusted(), _scene.Trusted(_scene.Stranger));

        Assert.Contains("expected those of 2 of our key or their key", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_identity_that_the_log_has_seen_counts()
    {
        var statement = Encoding.UTF8.GetString(SignatureStatement.About(Convert.FromHexString(_scene.Root.Digest.Hex)));
        await _scene.AttachAsync(_scene.Authority.Sign([], new SigningRecipe { Statement = statement }).Json);
        var signer = TrustedSigner.OfIdentity(new SignerIdentity(CertificateRecipe.Email, CertificateRecipe.Google));

        var found = Assert.Single(await _scene.CheckAsync(signers: signer));

        Assert.Equal(SigstoreAuthority.SignedAt, found.Proof.SignedAt);
        await RefusedAsync(ErrorKind.BadSignature, 1, TrustedSigner.OfIdentity(new SignerIdentity("x@example.org", CertificateRecipe.Google)));
        await RefusedAsync(ErrorKind.BadSignature);
    }

    // What cannot be read may be the signature: nobody may call the image unsigned.
    [Theory]
    [InlineData("/referrers/")]
    [InlineData(".sig")]
    public async Task A_registry_that_fails_is_unavailable_and_not_unsigned(string part)
    {
        _scene.Registry.Intercept = call => call.Path.Contains(part, StringComparison.Ordinal) ? SiteAnswer.Of(403) : null;

        await RefusedAsync(ErrorKind.AccessDenied);
    }

    [Fact]
    public async Task The_other_form_helps_where_one_cannot_be_read()
    {
        await _scene.SignAsync();
        _scene.Registry.Intercept = call => call.Path.Contains("/referrers/", StringComparison.Ordinal) ? SiteAnswer.Of(403) : null;

        Assert.Equal(SignatureForm.Tag, Assert.Single(await _scene.CheckAsync()).Form);
    }

    private async Task<string> AttachAsync(string kind)
    {
        var digest = $"{_scene.Root.Digest}";
        var ours = SimpleSignature.Sign("a/b", digest, _scene.Key);
        switch (kind)
        {
            case "stranger":
                await _scene.AttachAsync(_scene.Bundle(key: _scene.Stranger));
                return "it is not that of the signer's key";
            case "other digest":
                await _scene.AttachAsync(_scene.Bundle(Other));
                return "about other artifacts";
            case "other kind":
                var statement = Encoding.UTF8.GetString(SignatureStatement.About(Convert.FromHexString(_scene.Root.Digest.Hex)))
                    .Replace("https://sigstore.dev/cosign/sign/v1", "https://slsa.dev/provenance/v1", StringComparison.Ordinal);
                await _scene.AttachAsync(_scene.Key.SignStatement(Encoding.UTF8.GetBytes(statement)).ToJson());
                return "statement: of another kind";
            case "file":
                await _scene.AttachAsync(_scene.Authority.Sign([1, 2, 3]).Json);
                return "certificate; expected the key";
            case "no bundle":
                await _scene.AttachAsync("{}"u8.ToArray());
                return "bundle: ";
            case "too large":
                await _scene.AttachAsync(new byte[(256 << 10) + 1]);
                return "expected at most 262144";
            case "other subject":
                await _scene.AttachAsync(_scene.Bundle(), m => m with { Subject = m.Subject! with { Digest = Other } }, _scene.Remote);
                await _scene.AttachAsync(_scene.Bundle(key: _scene.Stranger));
                return "it is not that of the signer's key";
            case "two layers":
                await _scene.AttachAsync(_scene.Bundle(), m => m with { Layers = [.. m.Layers, .. m.Layers] });
                return "no bundle about this image";
            case "no layer":
                await _scene.AttachAsync(_scene.Bundle(), m => m with { Layers = [] });
                return "no bundle about this image";
            case "tag stranger":
                var theirs = SimpleSignature.Sign("a/b", digest, _scene.Stranger);
                await _scene.TagAsync((theirs.Payload.ToArray(), theirs.Signature));
                return "it is not that of the signer's key";
            case "tag other digest":
                var other = SimpleSignature.Sign("a/b", $"{Other}", _scene.Key);
                await _scene.TagAsync((other.Payload.ToArray(), other.Signature));
                return $"it signs {Other}";
            case "tag unsigned":
                await _scene.TagAsync((ours.Payload.ToArray(), null));
                return "no annotation";
            case "tag no payload":
                await _scene.TagAsync(("{}"u8.ToArray(), ours.Signature));
                return "'critical' is missing";
            case "tag base64":
                await _scene.TagAsync((ours.Payload.ToArray(), $" {ours.Signature}"));
                return "is not base64";
            case "tag too large":
                await _scene.TagAsync((new byte[SimpleSignature.MaxPayloadBytes + 1], ours.Signature));
                return "expected at most 65536";
            default:
                await _scene.TagAsync([.. Enumerable.Range(0, 257).Select(_ => (ours.Payload.ToArray(), (string?)ours.Signature))]);
                return "257 signatures";
        }
    }

    private async Task<HyperkubeException> RefusedAsync(ErrorKind kind, int needed = 1, params TrustedSigner[] signers)
    {
        var failure = await Assert.ThrowsAnyAsync<HyperkubeException>(() => _scene.CheckAsync(needed: needed, signers: signers));
        Assert.True(failure.Kind == kind, $"{failure.Kind}: {failure.Message}; expected {kind}");
        return failure;
    }
}
