using System.Text;
using System.Text.Json.Nodes;
using Hyperkube.Sigstore.Trust;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests;

/// <summary>Bundles with several witnesses: those whom the trusted root does not know count for nothing, those whom it knows have to be right.
/// </summary>
public sealed class WitnessesTests : IDisposable
{
    private static readonly DateTimeOffset Time = SigstoreAuthority.SignedAt;

    private readonly SignatureLog _newer = new("log2030.rekor.example.org", TestKey.Ed25519(), "");
    private readonly SignatureLog _other = new("rekor.example.com", TestKey.P256(), "42");
    private readonly TestIssuer _root = TestIssuer.Root("another timestamp root", SigstoreAuthority.Begin, SigstoreAuthority.End);
    private readonly TimestampMint _mint;

    public WitnessesTests() => _mint = new TimestampMint(_root, SigstoreAuthority.Begin, SigstoreAuthority.End);

    /// <summary>Knows both further logs and the further timestamp authority.</summary>
    private TrustedRoot Newest
    {
        get
        {
            var root = Check.Authority.TrustedRoot();
            root["tlogs"]!.AsArray().Add(SigstoreAuthority.LogOf(_newer.Key, $"https://{_newer.Host}", _newer.Id));
            root["tlogs"]!.AsArray().Add(SigstoreAuthority.LogOf(_other.Key, $"https://{_other.Host}", _other.Id));
            root["timestampAuthorities"]!.AsArray().Add(SigstoreAuthority.AuthorityOf("https://tsa.example.com", _mint.Certificate, _root.Certificate));
            return Check.TrustIn(root);
        }
    }

    public void Dispose()
    {
        _newer.Dispose();
        _other.Dispose();
        _root.Dispose();
        _mint.Dispose();
    }

    // A node whose trusted root is older than the bundle.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_entry_of_a_log_that_is_not_known_here_does_no_harm(bool isFirst)
    {
        var signed = Check.Sign();
        Add(signed, Logged(_newer, Check.Sign(new SigningRecipe { SecondVersion = true })), isFirst); // Of a kind that is not looked at.
        Add(signed, Logged(_other, signed), isFirst);

        var evidence = Check.Verify(signed);

        Assert.Equal("https://rekor.example.org", evidence.Log);
        Assert.Equal(SigstoreAuthority.SignedAt, evidence.SignedAt);
    }

    [Fact]
    public void It_proves_nothing_either()
    {
        var signed = Check.Sign();
        Add(signed, Logged(_other, signed));

        Check.Verify(signed, Check.Policy with { LogEntries = 2 }, Newest);
        Check.Refused(SignatureFailure.BadLogEntry, signed, Check.Policy with { LogEntries = 2 });
        Entries(signed).RemoveAt(0);
        Check.Verify(signed, trust: Newest);
        Check.Refused(SignatureFailure.BadLogEntry, signed);
        Check.Refused(SignatureFailure.MissingEvidence, signed, Check.Policy.UnsafeWithoutLog()); // Nor does it say when.
    }

    [Fact]
    public void A_known_log_has_to_be_right_beside_one_that_is_enough()
    {
        foreach (var (failure, change) in ((SignatureFailure, Action<JsonNode>)[])
        [
            (SignatureFailure.BadEntryTimestamp, e => Check.Flip(e["inclusionPromise"]!, "signedEntryTimestamp", at: 20)),
            (SignatureFailure.BadEntryTimestamp, e => e["integratedTime"] = "1715940001"),
            (SignatureFailure.BadInclusionProof, e => Check.Flip(e["inclusionProof"]!, "rootHash")),
            (SignatureFailure.BadCheckpoint, e => e["inclusionProof"]!["checkpoint"] = Check.Sign().Proof["checkpoint"]!.DeepClone()),
        ])
        {
            var signed = Check.Sign();
            Add(signed, Logged(_other, signed));
            Check.Verify(signed, trust: Newest);
            change(Entries(signed)[1]!);
            Check.Refused(failure, signed, trust: Newest);
        }

        var stranger = Check.Sign();
        Add(stranger, Logged(_other, Check.Sign())); // Logged, and about another signature.
        Check.Refused(SignatureFailure.BadLogEntry, stranger, trust: Newest);
    }

    // RSA signs the same twice in the same way, so one signature can be logged as two kinds of entry.
    [Fact]
    public void Two_entries_of_one_log_are_one_witness_even_if_it_is_listed_twice()
    {
        using var key = TestKey.Rsa();
        var policy = VerificationPolicy.SignedBy(VerificationKey.FromPem(key.Pem));
        var signed = Check.SignStatement(new SigningRecipe { ManagedKey = key, Kind = "dsse" });
        Add(signed, Check.SignStatement(new SigningRecipe { ManagedKey = key, Kind = "intoto" }).Entry);
        var root = Check.Authority.TrustedRoot();
        root["tlogs"]!.AsArray().Add(root["tlogs"]![0]!.DeepClone());

        Check.Verify(signed, policy);
        Check.Refused(SignatureFailure.MissingEvidence, signed, policy with { LogEntries = 2 });
        Check.Refused(SignatureFailure.MissingEvidence, signed, policy with { LogEntries = 2 }, Check.TrustIn(root));
    }

    [Fact]
    public void A_timestamp_of_an_authority_that_is_not_known_here_does_no_harm_and_proves_nothing()
    {
        var signed = Check.Sign(new SigningRecipe { SecondVersion = true });
        Add(signed, _mint.Stamp(signed.Signature, Time.AddSeconds(9)));

        Check.Verify(signed, Check.Policy with { Timestamps = 2 }, Newest);
        Assert.Equal(Time, Check.Verify(signed, Check.Policy with { Timestamps = 1 }).SignedAt);
        Check.Refused(SignatureFailure.BadTimestamp, signed, Check.Policy with { Timestamps = 2 });
        Stamps(signed).RemoveAt(0);
        Check.Verify(signed, trust: Newest);
        Check.Refused(SignatureFailure.BadTimestamp, signed);
    }

    [Fact]
    public void A_known_authority_has_to_be_right_beside_one_that_is_enough()
    {
        foreach (var recipe in (TimestampRecipe[])
        [
            new TimestampRecipe { AlterSignature = signature => [.. signature[..20], (byte)(signature[20] ^ 1), .. signature[21..]] },
            new TimestampRecipe { AlterDigest = hash => [.. hash[..31], (byte)(hash[31] ^ 1)] },
            new TimestampRecipe { AlterImprint = hash => [.. hash[..31], (byte)(hash[31] ^ 1)] },
        ])
        {
            var signed = Check.Sign(new SigningRecipe { SecondVersion = true });
            Add(signed, _mint.Stamp(signed.Signature, Time, recipe));
            Check.Refused(SignatureFailure.BadTimestamp, signed, trust: Newest);
        }
    }

    [Fact]
    public void Every_known_time_has_to_be_one_at_which_the_certificate_was_valid()
    {
        var signed = Check.Sign(new SigningRecipe { SecondVersion = true });
        Add(signed, _mint.Stamp(signed.Signature, Time.AddDays(1)));

        Check.Verify(signed);
        Check.Refused(SignatureFailure.OutsideValidity, signed, trust: Newest);
    }

    [Fact]
    public void Two_timestamps_of_one_authority_are_one_witness()
    {
        var signed = Check.Sign(new SigningRecipe { SecondVersion = true });
        Add(signed, Check.Authority.Timestamps.Stamp(signed.Signature, Time.AddSeconds(1)));

        Check.Verify(signed, Check.Policy with { Timestamps = 1 });
        Check.Refused(SignatureFailure.MissingEvidence, signed, Check.Policy with { Timestamps = 2 });
    }

    // One that names only what is above, one of the same name, one that has another key: whichever is right is found.
    [Fact]
    public void Among_several_authorities_of_one_name_the_right_one_is_found()
    {
        using var sameName = TestIssuer.Root("test timestamp root", SigstoreAuthority.Begin, SigstoreAuthority.End);
        using TimestampMint same = new(sameName, SigstoreAuthority.Begin, SigstoreAuthority.End);
        using var otherFulcio = TestIssuer.Root("test fulcio root", SigstoreAuthority.Begin, SigstoreAuthority.End);
        using var otherIntermediate = otherFulcio.Below("test fulcio intermediate");
        var root = Check.Authority.TrustedRoot();
        root["timestampAuthorities"]!.AsArray().Insert(0, SigstoreAuthority.AuthorityOf("https://a", sameName.Certificate));
        root["timestampAuthorities"]!.AsArray().Insert(1, SigstoreAuthority.AuthorityOf("https://b", same.Certificate, sameName.Certificate));
        root["certificateAuthorities"]!.AsArray().Insert(0, SigstoreAuthority.AuthorityOf("https://c", otherIntermediate.Certificate, otherFulcio.Certificate));
        root["certificateAuthorities"]!.AsArray().Add(SigstoreAuthority.AuthorityOf("https://d", otherFulcio.Certificate));
        var trust = Check.TrustIn(root);
        var ours = Check.Sign(new SigningRecipe { SecondVersion = true });
        var theirs = Check.Sign(new SigningRecipe { Certificate = new CertificateRecipe { IssuedBy = otherIntermediate } });

        Check.Verify(ours, trust: trust);
        Check.Verify(theirs, trust: trust);
        Check.Refused(SignatureFailure.UntrustedCertificate, theirs);
        Add(ours, same.Stamp(ours.Signature, Time));
        Check.Verify(ours, Check.Policy with { Timestamps = 2 }, trust);
    }

    [Fact]
    public void A_log_of_the_second_version_that_is_listed_for_two_periods_counts_in_either()
    {
        var root = Check.Authority.TrustedRoot();
        root["tlogs"]!.AsArray().Add(root["tlogs"]![1]!.DeepClone());
        root["tlogs"]![1]!["publicKey"]!["validFor"] =
            new JsonObject { ["start"] = SigstoreAuthority.Time(SigstoreAuthority.Begin), ["end"] = SigstoreAuthority.Time(Time.AddSeconds(-1)) };

        Check.Verify(Check.Sign(new SigningRecipe { SecondVersion = true }), trust: Check.TrustIn(root));
    }

    // A log is trusted for a while only: somebody has to say that it was then.
    [Fact]
    public void A_keys_signature_that_is_logged_needs_a_time_too()
    {
        using var key = TestKey.P256();
        var policy = VerificationPolicy.SignedBy(VerificationKey.FromPem(key.Pem));
        var untimed = Check.Sign(new SigningRecipe { ManagedKey = key, SecondVersion = true, IsTimestamped = false });
        var promised = Check.Sign(new SigningRecipe { ManagedKey = key });
        promised.Entry.Remove("inclusionPromise");

        Check.Refused(SignatureFailure.MissingEvidence, untimed, policy);
        Check.Refused(SignatureFailure.MissingEvidence, promised, policy);
        Check.Verify(untimed, policy.UnsafeWithoutLog());
        Check.Verify(Check.Sign(new SigningRecipe { ManagedKey = key, SecondVersion = true }), policy);
    }

    private static JsonArray Entries(SignedArtifact signed) => signed.Material["tlogEntries"]!.AsArray();

    private static JsonArray Stamps(SignedArtifact signed) => signed.Material["timestampVerificationData"]!["rfc3161Timestamps"]!.AsArray();

    private static void Add(SignedArtifact signed, JsonObject entry, bool isFirst = false) =>
        Entries(signed).Insert(isFirst ? 0 : Entries(signed).Count, entry.Parent is null ? entry : entry.DeepClone());

    private static void Add(SignedArtifact signed, byte[] stamp) =>
        Stamps(signed).Add(new JsonObject { ["signedTimestamp"] = Convert.ToBase64String(stamp) });

    // What one log has, in another one too.
    private static JsonObject Logged(SignatureLog log, SignedArtifact signed) => log.Log(
        (string)signed.Entry["kindVersion"]!["kind"]!, (string)signed.Entry["kindVersion"]!["version"]!,
        Encoding.UTF8.GetString(Convert.FromBase64String((string)signed.Entry["canonicalizedBody"]!)), Time);
}
