using System.Text;
using System.Text.Json.Nodes;
using Hyperkube.E2E.Peers;
using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Bundles;
using Hyperkube.Sigstore.Trust;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.E2E;

/// <summary>Other verifiers take the bundles that we assemble, refuse what we refuse, and we take what cosign writes.</summary>
public sealed class SigstoreTests : IDisposable
{
    private const string Statement =
        """{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a","digest":{"sha256":"DIGEST"}}],"predicateType":"https://example.org/p","predicate":{}}""";

    private static readonly byte[] Artifact = Encoding.ASCII.GetBytes("not really a kubelet");

    private static readonly VerificationPolicy Policy =
        VerificationPolicy.SignedBy(new SignerIdentity(CertificateRecipe.Email, CertificateRecipe.Google));

    private readonly SigstoreAuthority _authority = new();
    private readonly SigstoreJudges _judges;

    public SigstoreTests() => _judges = new SigstoreJudges(_authority);

    [Fact]
    public async Task A_bundle_assembled_from_the_two_files_and_the_logs_answer_is_taken_by_all()
    {
        var signed = _authority.Sign(Artifact);
        var answer = Encoding.UTF8.GetBytes(_authority.Rekor.Answer(signed.Entry).ToJsonString());
        var legacy = LegacySignature.Parse(signed.SignatureFile, signed.CertificateFile);
        var bundle = legacy.ToBundle(ArtifactDigests.Of(Artifact), RekorEntry.ParseAnswer(answer)[0]).ToJson();

        Assert.Null(OurComplaint(bundle));
        (await _judges.CosignAsync(bundle, Artifact, isDocument: false, CertificateRecipe.Email)).Well();
        (await _judges.JavaScriptAsync(bundle, Artifact, CertificateRecipe.Email)).Well();
    }

    [Theory]
    [InlineData(1, false, "hashedrekord", true)]
    [InlineData(2, false, "hashedrekord", true)]
    [InlineData(3, false, "hashedrekord", true)]
    [InlineData(3, true, "hashedrekord", true)]
    [InlineData(3, false, "dsse", true)]
    [InlineData(2, false, "intoto", true)]
    [InlineData(3, true, "dsse-hashedrekord", false)] // The version for node 20 does not know such entries of documents yet.
    public async Task Bundles_of_every_form_are_taken_by_all(int version, bool secondVersion, string kind, bool knownToJavaScript)
    {
        var isDocument = kind != "hashedrekord";
        var bundle = _authority.Sign(Artifact, new SigningRecipe
        {
            Version = version,
            SecondVersion = secondVersion,
            Kind = kind.Replace("dsse-", "", StringComparison.Ordinal),
            Statement = isDocument ? StatementAbout(Artifact) : null,
        }).Json;

        Assert.Null(OurComplaint(bundle));
        (await _judges.CosignAsync(bundle, Artifact, isDocument, CertificateRecipe.Email)).Well();
        Assert.Equal(knownToJavaScript, (await _judges.JavaScriptAsync(bundle, Artifact, CertificateRecipe.Email)).Code == 0);
    }

    public static TheoryData<string> Faults => ["signature", "entry", "promise", "proof", "checkpoint", "certificate", "time", "authority", "digest"];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task What_we_refuse_the_others_refuse_too(string fault)
    {
        using var stranger = TestIssuer.Root("test fulcio intermediate", SigstoreAuthority.Begin, SigstoreAuthority.End);
        var signed = _authority.Sign(Artifact, new SigningRecipe
        {
            Certificate = new CertificateRecipe
            {
                From = SigstoreAuthority.SignedAt.AddHours(fault == "time" ? 1 : 0),
                IssuedBy = fault == "authority" ? stranger : null,
            },
        });
        Break(signed, fault);

        Assert.NotNull(OurComplaint(signed.Json));
        Assert.NotEqual(0, (await _judges.CosignAsync(signed.Json, Artifact, isDocument: false, CertificateRecipe.Email)).Code);
        Assert.NotEqual(0, (await _judges.JavaScriptAsync(signed.Json, Artifact, CertificateRecipe.Email)).Code);
    }

    public static TheoryData<string, bool> NewerFaults => new()
    {
        { "proof", false }, { "checkpoint", false }, { "entry", false }, { "untimed", false }, { "stamp", false },
        { "stamp of another", false }, { "stamp of a stranger", false }, { "late stamp", false },
        { "proof", true }, { "promise", true }, { "payload", true }, { "envelope signature", true }, { "entry", true },
    };

    // The second version of Rekor with its timestamps, and documents.
    [Theory]
    [MemberData(nameof(NewerFaults))]
    public async Task What_we_refuse_of_newer_forms_the_others_refuse_too(string fault, bool isDocument)
    {
        using var root = TestIssuer.Root("test timestamp root", SigstoreAuthority.Begin, SigstoreAuthority.End);
        using TimestampMint stranger = new(root, SigstoreAuthority.Begin, SigstoreAuthority.End);
        SigningRecipe recipe = new()
        {
            SecondVersion = !isDocument,
            IsTimestamped = fault == "untimed" ? false : null,
            Statement = isDocument ? StatementAbout(Artifact) : null,
            Timestamp = new TimestampRecipe
            {
                AlterSignature = s => fault == "stamp" ? [.. s[..20], (byte)(s[20] ^ 1), .. s[21..]] : s,
            },
        };
        var signed = _authority.Sign(Artifact, recipe);
        switch (fault)
        {
            case "entry":
                signed.Material["tlogEntries"] = _authority.Sign(Artifact, recipe).Material["tlogEntries"]!.DeepClone();
                break;

            case "stamp of another":
                SetStamp(_authority.Timestamps.Stamp([1, 2, 3], SigstoreAuthority.SignedAt));
                break;

            case "stamp of a stranger":
                SetStamp(stranger.Stamp(signed.Signature, SigstoreAuthority.SignedAt));
                break;

            case "late stamp":
                SetStamp(_authority.Timestamps.Stamp(signed.Signature, SigstoreAuthority.SignedAt.AddHours(1)));
                break;

            case "payload":
                Flip(signed.Bundle["dsseEnvelope"]!, "payload", at: 20);
                break;

            case "envelope signature":
                Flip(signed.Bundle["dsseEnvelope"]!["signatures"]![0]!, "sig", at: 20);
                break;

            case "checkpoint":
                var checkpoint = signed.Proof["checkpoint"]!;
                checkpoint["envelope"] = ((string)checkpoint["envelope"]!).Replace("log2026.", "log2027.", StringComparison.Ordinal);
                break;

            default:
                Break(signed, fault);
                break;
        }

        Assert.NotNull(OurComplaint(signed.Json));
        Assert.NotEqual(0, (await _judges.CosignAsync(signed.Json, Artifact, isDocument, CertificateRecipe.Email)).Code);
        Assert.NotEqual(0, (await _judges.JavaScriptAsync(signed.Json, Artifact, CertificateRecipe.Email)).Code);

        void SetStamp(byte[] stamp) => signed.Material["timestampVerificationData"]!["rfc3161Timestamps"]![0]!["signedTimestamp"] =
            Convert.ToBase64String(stamp);
    }

    // An older trusted root: what it does not know counts for nothing, here as with them.
    [Fact]
    public async Task A_log_and_an_authority_that_are_not_known_beside_known_ones_do_no_harm()
    {
        using SignatureLog log = new("log2030.rekor.example.org", TestKey.Ed25519(), "");
        using var root = TestIssuer.Root("another timestamp root", SigstoreAuthority.Begin, SigstoreAuthority.End);
        using TimestampMint mint = new(root, SigstoreAuthority.Begin, SigstoreAuthority.End);
        var signed = _authority.Sign(Artifact, new SigningRecipe { SecondVersion = true });
        var body = Encoding.UTF8.GetString(Convert.FromBase64String((string)signed.Entry["canonicalizedBody"]!));
        signed.Material["tlogEntries"]!.AsArray().Add(log.Log("hashedrekord", "0.0.2", body, SigstoreAuthority.SignedAt));

        Assert.Null(OurComplaint(signed.Json));
        (await _judges.CosignAsync(signed.Json, Artifact, isDocument: false, CertificateRecipe.Email)).Well();
        signed.Material["timestampVerificationData"]!["rfc3161Timestamps"]!.AsArray().Add(new JsonObject
        {
            ["signedTimestamp"] = Convert.ToBase64String(mint.Stamp(signed.Signature, SigstoreAuthority.SignedAt)),
        });
        Assert.Null(OurComplaint(signed.Json));
        (await _judges.CosignAsync(signed.Json, Artifact, isDocument: false, CertificateRecipe.Email)).Well();
    }

    [Fact]
    public async Task Another_signer_or_artifact_is_refused_by_all()
    {
        var bundle = _authority.Sign(Artifact).Json;

        foreach (var (artifact, subject) in ((byte[], string)[])[([1, 2, 3], CertificateRecipe.Email), (Artifact, "somebody@example.org")])
        {
            Assert.NotNull(OurComplaint(bundle, artifact, subject));
            Assert.NotEqual(0, (await _judges.CosignAsync(bundle, artifact, isDocument: false, subject)).Code);
            Assert.NotEqual(0, (await _judges.JavaScriptAsync(bundle, artifact, subject)).Code);
        }
    }

    [Fact]
    public async Task What_cosign_signs_with_a_key_we_take()
    {
        var (key, artifact, bundle) = (_judges["cosign"], _judges["file"], _judges["signed.json"]);
        await File.WriteAllBytesAsync(artifact, Artifact, TestContext.Current.CancellationToken);
        (await _judges.RunCosignAsync("generate-key-pair", "--output-key-prefix", key)).Well();
        var policy = VerificationPolicy.SignedBy(VerificationKey.FromPem(await File.ReadAllTextAsync($"{key}.pub", TestContext.Current.CancellationToken))).UnsafeWithoutLog();
        string[] common = ["--yes", "--key", $"{key}.key", "--signing-config", _judges["signing.json"], "--trusted-root", _judges["root.json"], "--bundle", bundle];

        (await _judges.RunCosignAsync(["sign-blob", .. common, artifact])).Well();
        Assert.Null(Complaint(await File.ReadAllBytesAsync(bundle, TestContext.Current.CancellationToken), Artifact, policy));
        Assert.Equal(SignatureFailure.WrongArtifact, Complaint(await File.ReadAllBytesAsync(bundle, TestContext.Current.CancellationToken), [1], policy));
        (await _judges.RunCosignAsync(["attest-blob", .. common, "--type", "https://example.org/p", "--predicate", _judges["signing.json"], artifact])).Well();
        Assert.Null(Complaint(await File.ReadAllBytesAsync(bundle, TestContext.Current.CancellationToken), Artifact, policy));
        Assert.Equal(SignatureFailure.WrongArtifact, Complaint(await File.ReadAllBytesAsync(bundle, TestContext.Current.CancellationToken), [1], policy));
    }

    public void Dispose()
    {
        _judges.Dispose();
        _authority.Dispose();
    }

    internal static string StatementAbout(byte[] artifact) =>
        Statement.Replace("DIGEST", Convert.ToHexStringLower(ArtifactDigests.Of(artifact).Sha256.Span), StringComparison.Ordinal);

    private SignatureFailure? OurComplaint(byte[] bundle, byte[]? artifact = null, string subject = CertificateRecipe.Email) =>
        Complaint(bundle, artifact ?? Artifact, VerificationPolicy.SignedBy(Policy.Identities[0] with { Subject = subject }));

    private SignatureFailure? Complaint(byte[] bundle, byte[] artifact, VerificationPolicy policy)
    {
        try
        {
            var root = TrustedRoot.Parse(Encoding.UTF8.GetBytes(_authority.TrustedRoot().ToJsonString()));
            Verifier.Verify(SigstoreBundle.Parse(bundle), ArtifactDigests.Of(artifact), policy, root);
            return null;
        }
        catch (SignatureException e)
        {
            return e.Failure;
        }
    }

    private void Break(SignedArtifact signed, string fault)
    {
        switch (fault)
        {
            case "signature":
                Flip(signed.Bundle["messageSignature"]!, "signature", at: 20);
                break;

            case "entry":
                signed.Material["tlogEntries"] = _authority.Sign([1, 2, 3]).Material["tlogEntries"]!.DeepClone();
                break;

            case "promise":
                Flip(signed.Entry["inclusionPromise"]!, "signedEntryTimestamp", at: 20);
                break;

            case "proof":
                signed.Proof["hashes"]![0] = Convert.ToBase64String(new byte[32]);
                break;

            case "checkpoint":
                var checkpoint = signed.Proof["checkpoint"]!;
                checkpoint["envelope"] = ((string)checkpoint["envelope"]!).Replace("rekor.example.org - ", "rekor.example.org - 9", StringComparison.Ordinal);
                break;

            case "certificate":
                Flip(signed.Material["certificate"]!, "rawBytes", at: signed.Certificate.Length - 1);
                break;

            case "digest":
                Flip(signed.Bundle["messageSignature"]!["messageDigest"]!, "digest", at: 0);
                break;
        }
    }

    private static void Flip(JsonNode parent, string field, int at)
    {
        var bytes = Convert.FromBase64String((string)parent[field]!);
        bytes[at] ^= 1;
        parent[field] = Convert.ToBase64String(bytes);
    }
}
