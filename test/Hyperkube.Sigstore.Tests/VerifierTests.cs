using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests;

/// <summary>Whole bundles, as they are made and published, and what they must not be good for.</summary>
public sealed class VerifierTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_signature_like_that_of_Kubernetes_proves_who_signed_and_when(int version)
    {
        var signed = Check.Sign(new SigningRecipe { Version = version });

        var evidence = Check.Verify(signed);

        Assert.Equal(new SignerIdentity(CertificateRecipe.Email, CertificateRecipe.Google), evidence.Signer);
        Assert.Equal(SigstoreAuthority.SignedAt, evidence.SignedAt);
        Assert.Equal((string)signed.Entry["logIndex"]!, evidence.LogIndex!.Value.ToString(CultureInfo.InvariantCulture));
        Assert.Equal("https://rekor.example.org", evidence.Log);
        Assert.Equal(Convert.ToHexStringLower(ArtifactDigests.Of(signed.Certificate).Sha256.Span), evidence.CertificateFingerprint);
        Assert.Null(evidence.Statement);
    }

    [Theory]
    [InlineData(1, "dsse", false)]
    [InlineData(2, "intoto", false)]
    [InlineData(3, "dsse", false)]
    [InlineData(3, "dsse", true)]
    [InlineData(3, "hashedrekord", true)]
    public void A_signed_document_proves_what_it_says_about_the_artifact(int version, string kind, bool secondVersion)
    {
        var signed = Check.SignStatement(new SigningRecipe { Version = version, Kind = kind, SecondVersion = secondVersion });

        var evidence = Check.Verify(signed);

        Assert.Equal("https://example.org/p", evidence.PredicateType);
        Assert.Equal(Check.StatementAbout(Check.Artifact), Encoding.UTF8.GetString(evidence.Statement!.Value.Span));
    }

    [Fact]
    public void A_signature_in_a_log_of_the_second_version_has_its_time_from_a_timestamp()
    {
        var evidence = Check.Verify(Check.Sign(new SigningRecipe { SecondVersion = true }));

        Assert.Equal(SigstoreAuthority.SignedAt, evidence.SignedAt);
        Assert.Equal("https://log2026.rekor.example.org", evidence.Log);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_key_of_the_callers_proves_as_much_as_it_can(bool secondVersion)
    {
        using var key = TestKey.P256();
        var policy = VerificationPolicy.SignedBy(VerificationKey.FromPem(key.Pem));
        SigningRecipe recipe = new() { ManagedKey = key, SecondVersion = secondVersion };

        var evidence = Check.Verify(Check.Sign(recipe), policy);

        Assert.Null(evidence.Signer);
        Assert.Equal(Convert.ToHexStringLower(key.SpkiHash), evidence.KeyFingerprint);
        Assert.Equal(SigstoreAuthority.SignedAt, Check.Verify(Check.SignStatement(recipe), policy).SignedAt);
    }

    [Fact]
    public void Keys_of_every_kind_sign()
    {
        foreach (var make in (Func<TestKey>[])[TestKey.P256, TestKey.P384, TestKey.P521, TestKey.Rsa])
        {
            using var key = make();
            Check.Verify(Check.Sign(new SigningRecipe { CertificateKey = key }));
            Check.Verify(Check.Sign(new SigningRecipe { CertificateKey = key, SecondVersion = true }));
            Check.Verify(Check.SignStatement(new SigningRecipe { CertificateKey = key }));
        }

        using var ed25519 = TestKey.Ed25519();
        var policy = VerificationPolicy.SignedBy(VerificationKey.FromPem(ed25519.Pem));
        Check.Verify(Check.SignStatement(new SigningRecipe { ManagedKey = ed25519 }), policy);
        Check.Verify(Check.Sign(new SigningRecipe { ManagedKey = ed25519 }), policy);
        Check.Verify(Check.Sign(new SigningRecipe { ManagedKey = ed25519, SecondVersion = true }), policy);
    }

    [Fact]
    public void Other_content_is_told_from_a_bad_signature()
    {
        var signed = Check.Sign();
        var unsaid = Check.Sign();
        unsaid.Bundle["messageSignature"]!.AsObject().Remove("messageDigest");

        var error = Check.Refused(SignatureFailure.WrongArtifact, signed, artifact: [1, 2, 3]);

        Assert.Contains("sha256:039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81", error.Message, StringComparison.Ordinal);
        Check.Verify(unsaid);
        Check.Refused(SignatureFailure.BadLogEntry, unsaid, artifact: [1, 2, 3]);
    }

    [Fact]
    public void A_signature_of_another_key_is_refused_even_if_it_is_logged()
    {
        using var thief = TestKey.P256();
        var signed = Check.Sign(new SigningRecipe { IsLogged = false, IsTimestamped = true });
        var other = Check.Sign(new SigningRecipe { ManagedKey = thief, IsLogged = false, IsTimestamped = true });
        other.Material.Remove("publicKey");
        other.Material["certificate"] = signed.Material["certificate"]!.DeepClone();

        Check.Verify(signed, Check.Policy.UnsafeWithoutLog());
        Check.Refused(SignatureFailure.BadSignature, other, Check.Policy.UnsafeWithoutLog());
    }

    [Theory]
    [InlineData("krel-trust@k8s-releng-prod.iam.gserviceaccount.com", CertificateRecipe.Google)]
    [InlineData(CertificateRecipe.Email, "https://accounts.google.com/")]
    [InlineData("Krel-staging@k8s-releng-prod.iam.gserviceaccount.com", CertificateRecipe.Google)]
    [InlineData("krel-staging@k8s-releng-prod.iam.gserviceaccount.co", CertificateRecipe.Google)]
    public void Another_signer_is_refused_and_both_are_named(string subject, string issuer)
    {
        var error = Check.Refused(
            SignatureFailure.WrongSigner, Check.Sign(), VerificationPolicy.SignedBy(new SignerIdentity(subject, issuer)));

        Assert.Contains(subject, error.Message, StringComparison.Ordinal);
        Assert.Contains(CertificateRecipe.Email, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_of_several_signers_is_enough()
    {
        SignerIdentity other = new("somebody@example.org", CertificateRecipe.Google);

        Check.Verify(Check.Sign(), VerificationPolicy.SignedByOneOf([other, .. Check.Policy.Identities]));
        Check.Refused(SignatureFailure.WrongSigner, Check.Sign(), VerificationPolicy.SignedByOneOf([other, other with { Issuer = "x" }]));
    }

    [Fact]
    public void A_key_and_a_certificate_do_not_stand_in_for_each_other()
    {
        using var key = TestKey.P256();
        using var other = TestKey.P256();
        var byKey = Check.Sign(new SigningRecipe { ManagedKey = key });

        Check.Refused(SignatureFailure.WrongSigner, byKey);
        Check.Refused(SignatureFailure.WrongSigner, Check.Sign(), VerificationPolicy.SignedBy(VerificationKey.FromPem(key.Pem)));
        Check.Refused(SignatureFailure.BadLogEntry, byKey, VerificationPolicy.SignedBy(VerificationKey.FromPem(other.Pem)));
        byKey.Material["tlogEntries"] = new JsonArray();
        Check.Refused(
            SignatureFailure.BadSignature, byKey, VerificationPolicy.SignedBy(VerificationKey.FromPem(other.Pem)).UnsafeWithoutLog());
    }

    [Fact]
    public void A_document_about_something_else_is_refused()
    {
        var signed = Check.SignStatement();

        Check.Refused(SignatureFailure.WrongArtifact, signed, artifact: [1]);
        Check.Refused(SignatureFailure.Malformed, Check.SignStatement(new SigningRecipe { PayloadType = "text/plain" }));
        Check.Refused(SignatureFailure.Malformed, Check.Sign(new SigningRecipe { Statement = "not JSON" }));
        Check.Refused(SignatureFailure.Malformed, Check.Sign(new SigningRecipe
        {
            Statement = Check.StatementAbout(Check.Artifact).Replace("Statement/v1", "Statement/v9", StringComparison.Ordinal),
        }));
        Check.Refused(SignatureFailure.WrongArtifact, Check.Sign(new SigningRecipe
        {
            Statement = Check.StatementAbout(Check.Artifact).Replace("sha256", "sha1", StringComparison.Ordinal),
        }));
        Check.Flip(signed.Bundle["dsseEnvelope"]!["signatures"]![0]!, "sig", at: 20);
        Check.Refused(SignatureFailure.BadLogEntry, signed);
    }

    [Fact]
    public void Less_evidence_than_demanded_is_refused()
    {
        Check.Refused(SignatureFailure.MissingEvidence, Check.Sign(), Check.Policy with { LogEntries = 2 });
        Check.Refused(SignatureFailure.MissingEvidence, Check.Sign(), Check.Policy with { Timestamps = 1 });
        Check.Refused(SignatureFailure.BadCertificateLog, Check.Sign(), Check.Policy with { CertificateLogs = 2 });
        Check.Refused(SignatureFailure.MissingEvidence, Check.Sign(new SigningRecipe { IsLogged = false, IsTimestamped = true }));
        Check.Refused(SignatureFailure.MissingEvidence, Check.Sign(new SigningRecipe { IsLogged = false }), Check.Policy.UnsafeWithoutLog());
        Check.Refused(SignatureFailure.MissingEvidence, Check.Sign(new SigningRecipe { SecondVersion = true, IsTimestamped = false }));
        Check.Verify(Check.Sign(new SigningRecipe { IsTimestamped = true }), Check.Policy with { Timestamps = 1 });
        Check.Verify(Check.Sign(new SigningRecipe { IsLogged = false, IsTimestamped = true }), Check.Policy.UnsafeWithoutLog());
    }

    [Fact]
    public void Two_logs_are_two_witnesses()
    {
        using var key = TestKey.P256();
        var policy = VerificationPolicy.SignedBy(VerificationKey.FromPem(key.Pem)) with { LogEntries = 2 };
        var signed = Check.Sign(new SigningRecipe { ManagedKey = key, IsLogged = false });
        var again = Check.Sign(new SigningRecipe { ManagedKey = key });

        Check.Refused(SignatureFailure.MissingEvidence, again, policy);
        Check.Refused(SignatureFailure.MissingEvidence, signed, policy);
    }
}
