using System.Text.Json.Nodes;
using Hyperkube.Oci;
using Hyperkube.Oci.Http;
using Hyperkube.Oci.Registry;
using Hyperkube.Publishing;
using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Signing;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Tests.Publishing;

/// <summary>Signing as somebody whom a token names: a certificate, a log, a timestamp, and nothing that a reader would refuse.</summary>
public sealed class KeylessSigningTests : IAsyncLifetime
{
    private static readonly SignerIdentity Somebody = new("somebody@example.org", "https://accounts.example.org");

    private static readonly RetryPolicy Quick =
        new() { MaxAttempts = 2, FirstDelay = TimeSpan.FromMilliseconds(1), MaxDelay = TimeSpan.FromMilliseconds(2) };

    private readonly HttpMessageInvoker _http = HttpConnections.Create(new EnvironmentProxy(_ => null), HostTls.System);
    private SigningScene _scene = null!;
    private SigningServer _services = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private SigningServices Services => new(_http, Quick, NoActivityLog.Instance);

    private Uri Log => _services.Url;

    private Uri Authority => new(_services.Url, SigningServer.Timestamp);

    public async ValueTask InitializeAsync()
    {
        _scene = await SigningScene.CreateAsync();
        _services = new SigningServer(_scene.Authority);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _services.DisposeAsync();
        await _scene.DisposeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_image_is_signed_by_whoever_the_token_names_in_both_forms(bool isTimestamped)
    {
        var signed = Assert.Single(await SignAsync(isTimestamped));

        Assert.Equal((true, true), (signed.Bundle is not null, signed.Tag is not null));
        Assert.Equal((1, 2, isTimestamped ? 2 : 0), Asked());
        var byBundle = Assert.Single(await _scene.CheckAsync(signers: TrustedSigner.OfIdentity(Somebody)));
        Assert.Equal((SignatureForm.Bundle, Somebody, SigstoreAuthority.SignedAt), (byBundle.Form, byBundle.Proof.Signer, byBundle.Proof.SignedAt));

        // Nothing but the older tag is left: its annotations hold as much.
        _scene.Registry.Intercept = call => call.Path.Contains("/referrers/", StringComparison.Ordinal) ? SiteAnswer.Of(404) : null;
        var byTag = Assert.Single(await _scene.CheckAsync(signers: TrustedSigner.OfIdentity(Somebody)));
        Assert.Equal((SignatureForm.Tag, Somebody, SigstoreAuthority.SignedAt), (byTag.Form, byTag.Proof.Signer, byTag.Proof.SignedAt));
    }

    [Fact]
    public async Task Somebody_elses_name_or_voucher_proves_nothing()
    {
        await SignAsync();

        foreach (var other in (SignerIdentity[])[Somebody with { Subject = "somebody@example.com" }, Somebody with { Issuer = "https://accounts.example.com" }])
        {
            await RefusedAsync(TrustedSigner.OfIdentity(other));
        }

        await RefusedAsync(_scene.Trusted());
    }

    [Fact]
    public async Task Whoever_has_signed_does_not_sign_again()
    {
        await SignAsync();
        var signed = Assert.Single(await SignAsync());

        Assert.Equal((null, null), (signed.Bundle, signed.Tag));
        Assert.Equal((2, 2, 0), Asked()); // A certificate says who it is; nothing is logged.
    }

    [Fact]
    public async Task A_key_may_be_logged_and_timestamped_too()
    {
        TrustedSigner logged = new("our key, logged", VerificationPolicy.SignedBy(_scene.Key.PublicKey));
        await _scene.SignAsync();
        Assert.Contains("log entry", (await RefusedAsync(logged)).Message, StringComparison.Ordinal);

        await SignAsync(Signer.WithKey(_scene.Key), isTimestamped: true);

        Assert.NotNull(Assert.Single(await _scene.CheckAsync(signers: logged)).Proof.LogIndex);
    }

    [Fact]
    public async Task A_signer_knows_its_own_bundles_about_a_statement()
    {
        using var key = SigningKey.Generate();
        var signer = await CertifyAsync(key);
        WitnessedSigner ours = new(signer, new SigningWitnesses(Services, Log, authority: null), _scene.Trust);
        var statement = SignatureStatement.About(Convert.FromHexString(_scene.Root.Digest.Hex));
        var bundle = await ours.SignAsync(statement, Ct);

        Assert.True(ours.HasSigned(bundle, statement));
        Assert.False(ours.HasSigned(bundle, SignatureStatement.About(new byte[32])));
        Assert.False(ours.HasSigned(_scene.Bundle(), statement));
        Assert.False(ours.HasSigned("no bundle"u8.ToArray(), statement));
    }

    // A log or an authority that answers anything else must not lead to a signature that readers refuse.
    [Theory]
    [InlineData("another entry")]
    [InlineData("another authority")]
    [InlineData("expired")]
    [InlineData("another timestamp")]
    public async Task What_a_reader_would_refuse_is_not_published(string fault)
    {
        using var stranger = TestIssuer.Root("test fulcio intermediate", SigstoreAuthority.Begin, SigstoreAuthority.End);
        switch (fault)
        {
            case "another entry":
                _services.AlterBody = body => body.Replace("\"payloadHash\":{\"algorithm\":\"sha256\",\"value\":\"", "\"payloadHash\":{\"algorithm\":\"sha256\",\"value\":\"0", StringComparison.Ordinal);
                break;

            case "another authority":
                _services.AlterCertificate = c => c with { IssuedBy = stranger };
                break;

            case "expired":
                _services.AlterCertificate = c => c with { From = SigstoreAuthority.SignedAt.AddHours(1) };
                break;

            default:
                var stamp = _scene.Authority.Timestamps.Stamp([1, 2, 3], SigstoreAuthority.SignedAt);
                _services.Intercept = call => call.Path == SigningServer.Timestamp ? new SiteAnswer { Body = stamp } : null;
                break;
        }

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => SignAsync(isTimestamped: true));

        Assert.Equal(ErrorKind.BadSignature, error.Kind);
        Assert.Contains("nothing was published", error.Message, StringComparison.Ordinal);
        Assert.Empty(await _scene.Remote.ReferrersAsync(_scene.Root.Digest, Ct));
        Assert.DoesNotContain(_scene.Registry.Calls, c => c.Method == "PUT" && c.Path.Contains("/sha256-", StringComparison.Ordinal));
    }

    // An answer got lost, and the entry is there.
    [Theory]
    [InlineData("/api/v1/log/entries/ENTRY", true)]
    [InlineData("http://127.0.0.1:1/api/v1/log/entries/ENTRY", false)]
    [InlineData(null, false)]
    public async Task A_conflict_leads_to_the_entry_on_the_same_host_or_nowhere(string? location, bool isFollowed)
    {
        JsonObject? kept = null;
        _services.Intercept = call =>
        {
            if (call.Method == "GET" && call.Path.StartsWith($"{SigningServer.Entries}/", StringComparison.Ordinal))
            {
                return SiteAnswer.Text(kept!.ToJsonString());
            }

            if (call.Path != SigningServer.Entries || call.Method != "POST")
            {
                return null;
            }

            kept = _scene.Authority.Rekor.Answer(_scene.Authority.Rekor.Log(
                "hashedrekord", "0.0.1", System.Text.Encoding.UTF8.GetString(call.Body.Span), SigstoreAuthority.SignedAt));
            var answer = SiteAnswer.Of(409);
            return location is null ? answer : answer.With("Location", location.Replace("ENTRY", kept.First().Key, StringComparison.Ordinal));
        };
        WitnessedSigner signer = new(Signer.WithKey(_scene.Key), new SigningWitnesses(Services, Log, authority: null), _scene.Trust);

        if (!isFollowed)
        {
            var error = await Assert.ThrowsAsync<HyperkubeException>(() => signer.SignAsync("app", _scene.Root.Digest, Ct));
            Assert.Equal(ErrorKind.BadContent, error.Kind);
            return;
        }

        var signature = await signer.SignAsync("app", _scene.Root.Digest, Ct);
        signature.Verify($"{_scene.Root.Digest}", VerificationPolicy.SignedBy(_scene.Key.PublicKey), _scene.Trust);
    }

    [Fact]
    public async Task A_token_that_the_authority_refuses_is_told_and_never_shown()
    {
        var token = SigningServer.TokenOf("somebody", "https://accounts.example.org", audience: "another");
        var error = await Assert.ThrowsAsync<HyperkubeException>(() => Services.CertifyAsync(Log, _scene.Key, token, Ct));

        Assert.Equal(ErrorKind.AccessDenied, error.Kind);
        Assert.Contains("There was an error processing the identity token", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(token, error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(503, ErrorKind.Unavailable)]
    [InlineData(404, ErrorKind.NotFound)]
    public async Task An_authority_that_does_not_answer_is_no_verdict(int status, ErrorKind kind)
    {
        _services.Intercept = call => call.Path == SigningServer.Certify ? SiteAnswer.Of(status) : null;

        Assert.Equal(kind, (await Assert.ThrowsAsync<HyperkubeException>(() => SignAsync())).Kind);
    }

    [Fact]
    public async Task GitHub_is_asked_for_a_token_for_Sigstore_with_the_jobs_own()
    {
        var url = new Uri(_services.Url, $"{SigningServer.Token}?api-version=2.0");
        var token = await FindTokenAsync(("ACTIONS_ID_TOKEN_REQUEST_URL", $"{url}"), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SigningServer.Bearer));

        Assert.Equal(3, token.Split('.').Length);
        Assert.Equal("api-version=2.0&audience=sigstore", Assert.Single(_services.Calls).Query);
    }

    [Fact]
    public async Task A_token_in_the_environment_comes_first()
    {
        var token = SigningServer.TokenOf("a", "b");

        Assert.Equal(token, await FindTokenAsync(("SIGSTORE_ID_TOKEN", $"{token}\n"), ("ACTIONS_ID_TOKEN_REQUEST_URL", "http://127.0.0.1:1/")));
    }

    [Theory]
    [InlineData("SIGSTORE_ID_TOKEN", "no token", ErrorKind.Usage)]
    [InlineData("SIGSTORE_ID_TOKEN", "", ErrorKind.Usage)]
    [InlineData("ACTIONS_ID_TOKEN_REQUEST_URL", "http://example.org/token", ErrorKind.Usage)]
    [InlineData("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "wrong", ErrorKind.AccessDenied)]
    public async Task Without_a_token_that_is_told(string variable, string value, ErrorKind kind)
    {
        (string, string)[] github = variable.StartsWith("ACTIONS", StringComparison.Ordinal)
            ? [("ACTIONS_ID_TOKEN_REQUEST_URL", $"{new Uri(_services.Url, SigningServer.Token)}"), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SigningServer.Bearer)]
            : [];

        Assert.Equal(kind, (await Assert.ThrowsAsync<HyperkubeException>(() => FindTokenAsync([.. github.Where(g => g.Item1 != variable), (variable, value)]))).Kind);
    }

    [Theory]
    [InlineData("http://fulcio.example.org")]
    [InlineData("ftp://127.0.0.1/")]
    [InlineData("fulcio")]
    public void A_service_is_reached_over_TLS_or_on_this_machine(string text) =>
        Assert.Equal(ErrorKind.Usage, Assert.Throws<HyperkubeException>(() => SigningServices.Url(text, "--fulcio-url")).Kind);

    private Task<Signer> CertifyAsync(SigningKey key) =>
        Services.CertifyAsync(Log, key, SigningServer.TokenOf(Somebody.Subject, Somebody.Issuer), Ct);

    private async Task<IReadOnlyList<SignedImage>> SignAsync(bool isTimestamped = false)
    {
        using var key = SigningKey.Generate();
        return await SignAsync(await CertifyAsync(key), isTimestamped);
    }

    private Task<IReadOnlyList<SignedImage>> SignAsync(Signer signer, bool isTimestamped)
    {
        WitnessedSigner witnessed = new(signer, new SigningWitnesses(Services, Log, isTimestamped ? Authority : null), _scene.Trust);
        return new ImageSigner(_scene.Remote, ImageSigningIdentity.Of(witnessed), () => _scene.Trust, TimeProvider.System)
            .SignAsync(_scene.Reference, _scene.Root, new SignRequest(), Ct);
    }

    private async Task<HyperkubeException> RefusedAsync(TrustedSigner signer)
    {
        var error = await Assert.ThrowsAsync<HyperkubeException>(() => _scene.CheckAsync(signers: signer));
        Assert.Equal(ErrorKind.BadSignature, error.Kind);
        return error;
    }

    private (int Certificates, int Entries, int Timestamps) Asked() => (
        _services.Count(SigningServer.Certify),
        _services.Count(SigningServer.Entries),
        _services.Count(SigningServer.Timestamp));

    private Task<string> FindTokenAsync(params (string Name, string Value)[] variables) =>
        new IdentityToken(_http, name => variables.FirstOrDefault(v => v.Name == name).Value, Quick, NoActivityLog.Instance).FindAsync(Ct);
}
