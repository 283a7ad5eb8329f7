using System.Text;
using System.Text.Json.Nodes;
using Hyperkube.E2E.Programs;
using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Bundles;
using Hyperkube.Sigstore.Trust;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.E2E;

/// <summary>What Sigstore's public instance has signed, by the keys that come with the program: evidence that nobody here has made.</summary>
public sealed class RealEvidenceTests
{
    private const string Directory = "sigstore-go/usr/share/gocode/src/github.com/sigstore/sigstore-go/pkg/testing/data/bundles";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Bundles, who signed them, who vouched for that, when the log took them in, and what they say.</summary>
    public static TheoryData<string, string, string, string, string> Real => new()
    {
        {
            "dsse.sigstore.json", "brian@dehamer.com", "https://github.com/login/oauth", "2022-11-09T23:00:36Z", "https://slsa.dev/provenance/v0.2"
        },
        {
            "sigstore.js@2.0.0-provenance.sigstore.json",
            "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main", "https://token.actions.githubusercontent.com",
            "2023-08-18T16:05:35Z", "https://slsa.dev/provenance/v1"
        },
    };

    [Theory]
    [MemberData(nameof(Real))]
    public async Task The_embedded_keys_prove_who_signed_what_and_when(string name, string subject, string issuer, string time, string says)
    {
        var json = await ReadAsync(name);

        var evidence = Verify(json, subject, issuer);

        Assert.Equal(new SignerIdentity(subject, issuer), evidence.Signer);
        Assert.Equal(DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture), evidence.SignedAt);
        Assert.Equal(("https://rekor.sigstore.dev", says), (evidence.Log, evidence.PredicateType));
    }

    [Theory]
    [MemberData(nameof(Real))]
    public async Task Nothing_else_is_proved(string name, string subject, string issuer, string time, string says)
    {
        _ = (time, says);
        var json = await ReadAsync(name);
        using SigstoreAuthority stranger = new();
        var strangers = TrustedRoot.Parse(Encoding.UTF8.GetBytes(stranger.TrustedRoot().ToJsonString()));

        Assert.Equal(SignatureFailure.WrongSigner, Failure(() => Verify(json, "somebody@example.org", issuer)));
        Assert.Equal(SignatureFailure.WrongSigner, Failure(() => Verify(json, subject, "https://example.org")));
        Assert.Equal(SignatureFailure.BadLogEntry, Failure(() => Verify(json, subject, issuer, strangers)));
        foreach (var (failure, change) in ((SignatureFailure, Action<JsonNode>)[])
        [
            (SignatureFailure.BadEntryTimestamp, e => e["integratedTime"] = "1668034837"),
            (SignatureFailure.BadEntryTimestamp, e => e["logIndex"] = "1"),
            (SignatureFailure.BadEntryTimestamp, e => e["inclusionPromise"]!["signedEntryTimestamp"] = "MAYCAQECAQE="),
        ])
        {
            var changed = JsonNode.Parse(json)!;
            change(changed["verificationMaterial"]!["tlogEntries"]![0]!);
            Assert.Equal(failure, Failure(() => Verify(Encoding.UTF8.GetBytes(changed.ToJsonString()), subject, issuer)));
        }

        var other = JsonNode.Parse(json)!;
        other["dsseEnvelope"]!["signatures"]![0]!["sig"] = "MAYCAQECAQE=";
        Assert.Equal(SignatureFailure.BadLogEntry, Failure(() => Verify(Encoding.UTF8.GetBytes(other.ToJsonString()), subject, issuer)));
    }

    // As the specification wants it: the way up comes from the trusted root alone.
    [Theory]
    [InlineData("dsse.sigstore.json")]
    [InlineData("dsse-2sigs.sigstore.json")]
    public async Task A_chain_with_a_root_and_a_document_with_two_signatures_are_refused(string name)
    {
        var json = await File.ReadAllBytesAsync(Path.Combine(Machine.Input(Directory), name), Ct);

        Assert.Equal(SignatureFailure.Malformed, Failure(() => SigstoreBundle.Parse(json)));
    }

    // With the signer's certificate alone: one of them has all up to the root, which is refused.
    private static async Task<byte[]> ReadAsync(string name)
    {
        var bundle = JsonNode.Parse(await File.ReadAllBytesAsync(Path.Combine(Machine.Input(Directory), name), Ct))!;
        var chain = bundle["verificationMaterial"]!["x509CertificateChain"]!["certificates"]!.AsArray();
        while (chain.Count > 1)
        {
            chain.RemoveAt(1);
        }

        return Encoding.UTF8.GetBytes(bundle.ToJsonString());
    }

    private static VerifiedEvidence Verify(byte[] json, string subject, string issuer, TrustedRoot? trust = null)
    {
        var statement = Convert.FromBase64String((string)JsonNode.Parse(json)!["dsseEnvelope"]!["payload"]!);
        return Verifier.VerifyStatement(
            SigstoreBundle.Parse(json), statement, VerificationPolicy.SignedBy(new SignerIdentity(subject, issuer)), trust ?? TrustedRoot.PublicGood);
    }

    private static SignatureFailure Failure(Func<object> check) => Assert.Throws<SignatureException>(check).Failure;
}
