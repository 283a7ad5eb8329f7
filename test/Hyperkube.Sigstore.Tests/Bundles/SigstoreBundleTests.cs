using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Hyperkube.Sigstore.Bundles;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests.Bundles;

/// <summary>The form of bundles.</summary>
public sealed class SigstoreBundleTests
{
    [Fact]
    public void What_is_new_in_a_later_version_is_ignored()
    {
        var signed = Check.Sign();
        signed.Bundle["tomorrow"] = 1;
        signed.Entry["tomorrow"] = new JsonObject();
        signed.Entry["logIndex"] = long.Parse((string)signed.Entry["logIndex"]!, CultureInfo.InvariantCulture); // A plain number is one too.
        signed.Bundle["dsseEnvelope"] = null;

        Check.Verify(signed);
    }

    [Fact]
    public void What_breaks_a_rule_of_the_form_is_refused()
    {
        foreach (var change in (Action<SignedArtifact>[])
        [
            s => s.Bundle.Remove("mediaType"),
            s => s.Bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.4",
            s => s.Bundle["mediaType"] = 3,
            s => s.Bundle.Remove("verificationMaterial"),
            s => s.Material.Remove("certificate"),
            s => s.Material["publicKey"] = new JsonObject { ["hint"] = "x" },
            s => s.Material["certificate"]!["rawBytes"] = "",
            s => s.Material["certificate"]!["rawBytes"] = "AAAA",
            s => s.Material["tlogEntries"] = new JsonObject(),
            s => s.Material["tlogEntries"]!.AsArray().Add(s.Entry.DeepClone()),
            s => s.Material["tlogEntries"] = new JsonArray([.. Enumerable.Range(0, 33).Select(_ => s.Entry.DeepClone())]),
            s => s.Entry["logIndex"] = "-1",
            s => s.Entry["logIndex"] = "01",
            s => s.Entry["logIndex"] = "9223372036854775808",
            s => s.Entry["logIndex"] = 1.5,
            s => s.Entry.Remove("inclusionProof"),
            s => s.Entry.Remove("canonicalizedBody"),
            s => s.Proof.Remove("checkpoint"),
            s => s.Proof["hashes"]![0] = "AAAA",
            s => s.Bundle["messageSignature"]!["signature"] = "",
            s => s.Bundle["messageSignature"]!["signature"] = (string)s.Bundle["messageSignature"]!["signature"]! + " ",
            s => s.Bundle["messageSignature"]!["messageDigest"]!["algorithm"] = "SHA1",
            s => s.Bundle["dsseEnvelope"] = Check.SignStatement().Bundle["dsseEnvelope"]!.DeepClone(),
        ])
        {
            var signed = Check.Sign();
            change(signed);
            Check.Refused(SignatureFailure.Malformed, signed);
        }
    }

    [Fact]
    public void No_signature_is_told_from_a_bad_one()
    {
        var none = Check.Sign();
        none.Bundle.Remove("messageSignature");
        var empty = Check.SignStatement();
        empty.Bundle["dsseEnvelope"]!["signatures"] = new JsonArray();
        var two = Check.SignStatement();
        two.Bundle["dsseEnvelope"]!["signatures"]!.AsArray().Add(two.Bundle["dsseEnvelope"]!["signatures"]![0]!.DeepClone());

        Check.Refused(SignatureFailure.NotSigned, none);
        Check.Refused(SignatureFailure.NotSigned, empty);
        Check.Refused(SignatureFailure.Malformed, two);
    }

    [Fact]
    public void Each_version_has_its_own_rules()
    {
        var first = Check.Sign(new SigningRecipe { Version = 1 });
        first.Entry.Remove("inclusionProof");
        Check.Verify(first);
        first.Entry.Remove("inclusionPromise");
        Check.Refused(SignatureFailure.Malformed, first);

        var second = Check.Sign(new SigningRecipe { Version = 2 });
        second.Entry.Remove("inclusionProof");
        Check.Refused(SignatureFailure.Malformed, second);

        var third = Check.Sign(new SigningRecipe { Version = 2 });
        third.Bundle["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.3+json";
        Check.Refused(SignatureFailure.Malformed, third);
    }

    [Fact]
    public void A_chain_may_bring_intermediates_but_no_root_and_none_of_them_is_trusted()
    {
        using var stranger = TestIssuer.Root("a stranger", SigstoreAuthority.Begin, SigstoreAuthority.End);
        using var below = stranger.Below("below a stranger");
        var good = Chained(Check.Authority.Intermediate.Certificate);
        var strange = Check.Sign(new SigningRecipe { Version = 2, Certificate = new CertificateRecipe { IssuedBy = below } });
        strange.Material["x509CertificateChain"]!["certificates"]!.AsArray().Add(Raw(below.Certificate));
        var empty = Chained(Check.Authority.Intermediate.Certificate);
        empty.Material["x509CertificateChain"]!["certificates"] = new JsonArray();

        Check.Verify(good);
        Check.Refused(SignatureFailure.Malformed, Chained(Check.Authority.Intermediate.Certificate, Check.Authority.Root.Certificate));
        Check.Refused(SignatureFailure.UntrustedCertificate, strange);
        Check.Refused(SignatureFailure.Malformed, empty);
    }

    [Fact]
    public void What_is_no_JSON_is_refused()
    {
        foreach (var text in (string[])["", "[]", "null", "{", "{} {}", "\"x\"", new string('[', 100), """{"mediaType":"\ud800"}""", """{"a":1,"a":1}"""])
        {
            var error = Assert.Throws<SignatureException>(() => SigstoreBundle.Parse(Encoding.UTF8.GetBytes(text)));
            Assert.Equal(SignatureFailure.Malformed, error.Failure);
        }

        Assert.Throws<SignatureException>(() => SigstoreBundle.Parse(new byte[] { 0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d }));
        Assert.Throws<SignatureException>(() => SigstoreBundle.Parse(new byte[SigstoreBundle.MaxBytes + 1]));
    }

    [Fact]
    public void What_is_written_is_read_again_with_the_same_evidence()
    {
        using var key = TestKey.P256();
        foreach (var (recipe, policy) in ((SigningRecipe, VerificationPolicy)[])
        [
            (new SigningRecipe(), Check.Policy),
            (new SigningRecipe { Version = 1 }, Check.Policy),
            (new SigningRecipe { SecondVersion = true }, Check.Policy),
            (new SigningRecipe { Statement = Check.StatementAbout(Check.Artifact) }, Check.Policy),
            (new SigningRecipe { ManagedKey = key }, VerificationPolicy.SignedBy(VerificationKey.FromPem(key.Pem))),
        ])
        {
            var bundle = SigstoreBundle.Parse(Check.Sign(recipe).Json);
            var written = bundle.ToJson();
            var again = SigstoreBundle.Parse(written);
            var artifact = ArtifactDigests.Of(Check.Artifact);

            Assert.Equal(written, again.ToJson());
            Assert.Equal(
                Verifier.Verify(bundle, artifact, policy, Check.Trust) with { Statement = null },
                Verifier.Verify(again, artifact, policy, Check.Trust) with { Statement = null });
        }
    }

    private static JsonObject Raw(byte[] certificate) => new() { ["rawBytes"] = Convert.ToBase64String(certificate) };

    private static SignedArtifact Chained(params byte[][] more)
    {
        var signed = Check.Sign(new SigningRecipe { Version = 2 });
        foreach (var certificate in more)
        {
            signed.Material["x509CertificateChain"]!["certificates"]!.AsArray().Add(Raw(certificate));
        }

        return signed;
    }
}
