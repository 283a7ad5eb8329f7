using System.Text;
using System.Text.Json.Nodes;
using Hyperkube.Sigstore.Bundles;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests.Bundles;

/// <summary>A <c>.sig</c>, a <c>.cert</c> and the log's answer make a bundle.</summary>
public sealed class LegacySignatureTests
{
    private static readonly ArtifactDigests Artifact = ArtifactDigests.Of(Check.Artifact);

    [Fact]
    public void The_name_of_the_entry_is_computed_and_the_answer_makes_a_bundle_that_verifies()
    {
        var signed = Check.Sign();
        var legacy = LegacySignature.Parse(signed.SignatureFile, signed.CertificateFile);
        var entry = Assert.Single(RekorEntry.ParseAnswer(Answer(signed)));

        var bundle = SigstoreBundle.Parse(legacy.ToBundle(Artifact, entry).ToJson());

        Assert.Equal(legacy.EntryId(Artifact), entry.Id);
        Assert.Equal(entry.LogIndex, Verifier.Verify(bundle, ArtifactDigests.FromSha256(Artifact.Sha256.Span), Check.Policy, Check.Trust).LogIndex);
    }

    [Fact]
    public void Both_files_are_read_in_each_form_that_is_published()
    {
        var signed = Check.Sign();
        var pem = Encoding.ASCII.GetString(Convert.FromBase64String(signed.CertificateFile));

        Assert.Equal(
            LegacySignature.Parse(signed.SignatureFile, signed.CertificateFile).EntryId(Artifact),
            LegacySignature.Parse(signed.SignatureFile + "\n", pem).EntryId(Artifact));
    }

    [Theory]
    [InlineData("", "x", SignatureFailure.NotSigned)]
    [InlineData("AAAA", " \n", SignatureFailure.NotSigned)]
    [InlineData("not base64!", null, SignatureFailure.Malformed)]
    [InlineData("<html>404</html>", null, SignatureFailure.Malformed)]
    [InlineData("AAAA", "AAAA", SignatureFailure.Malformed)]
    [InlineData("AAAA", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", SignatureFailure.Malformed)]
    public void Other_files_are_refused(string signature, string? certificate, SignatureFailure expected) =>
        Assert.Equal(expected, Assert.Throws<SignatureException>(() =>
            LegacySignature.Parse(signature, certificate ?? Check.Sign().CertificateFile)).Failure);

    [Fact]
    public void A_lying_log_that_answers_with_a_genuine_entry_of_something_else_is_refused()
    {
        var signed = Check.Sign();
        var other = Check.Authority.Sign([1, 2, 3]);
        var legacy = LegacySignature.Parse(signed.SignatureFile, signed.CertificateFile);
        var unrelated = RekorEntry.ParseAnswer(Answer(other))[0];
        var renamed = Check.Authority.Rekor.Answer(other.Entry);
        var name = $"0000000000000001{legacy.EntryId(Artifact)}";
        var disguised = RekorEntry.ParseAnswer(Bytes(new JsonObject { [name] = renamed.First().Value!.DeepClone() }))[0];

        Assert.Equal(SignatureFailure.BadLogEntry, Assert.Throws<SignatureException>(() => legacy.ToBundle(Artifact, unrelated)).Failure);
        Assert.Equal(SignatureFailure.BadLogEntry, Assert.Throws<SignatureException>(() => legacy.ToBundle(Artifact, disguised)).Failure);
        Assert.Equal(
            SignatureFailure.BadLogEntry,
            Assert.Throws<SignatureException>(() => legacy.ToBundle(ArtifactDigests.Of([9]), RekorEntry.ParseAnswer(Answer(signed))[0])).Failure);
    }

    [Fact]
    public void An_answer_without_a_proof_makes_no_bundle()
    {
        var signed = Check.Sign();
        var answer = Check.Authority.Rekor.Answer(signed.Entry);
        answer.First().Value!["verification"]!.AsObject().Remove("inclusionProof");
        var legacy = LegacySignature.Parse(signed.SignatureFile, signed.CertificateFile);

        Assert.Equal(
            SignatureFailure.BadInclusionProof,
            Assert.Throws<SignatureException>(() => legacy.ToBundle(Artifact, RekorEntry.ParseAnswer(Bytes(answer))[0])).Failure);
    }

    [Fact]
    public void Several_entries_come_as_a_list_and_none_as_an_empty_one()
    {
        var answers = new JsonArray(Check.Authority.Rekor.Answer(Check.Sign().Entry), Check.Authority.Rekor.Answer(Check.Sign().Entry));

        Assert.Equal(2, RekorEntry.ParseAnswer(Bytes(answers)).Count);
        Assert.Empty(RekorEntry.ParseAnswer(Encoding.ASCII.GetBytes("[]")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("""{"code":404,"message":"entry not found"}""")]
    [InlineData("""{"ab":{}}""")]
    [InlineData("""[{"AB":{}}]""")]
    [InlineData("[1]")]
    public void What_is_no_answer_is_refused(string text) =>
        Assert.Equal(
            SignatureFailure.Malformed,
            Assert.Throws<SignatureException>(() => RekorEntry.ParseAnswer(Encoding.UTF8.GetBytes(text))).Failure);

    private static byte[] Answer(SignedArtifact signed) => Bytes(Check.Authority.Rekor.Answer(signed.Entry));

    private static byte[] Bytes(JsonNode json) => Encoding.UTF8.GetBytes(json.ToJsonString());
}
