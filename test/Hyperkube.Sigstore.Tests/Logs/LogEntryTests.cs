using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Hyperkube.Sigstore.Tests.Trust;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests.Logs;

/// <summary>What a log says about a signature: body, promise, proof and signed tree head.</summary>
public sealed class LogEntryTests
{
    private static readonly DateTimeOffset Time = SigstoreAuthority.SignedAt;

    [Theory]
    [InlineData("hashedrekord", false)]
    [InlineData("hashedrekord", true)]
    [InlineData("dsse", false)]
    [InlineData("dsse", true)]
    [InlineData("intoto", false)]
    public void A_validly_logged_entry_of_another_signature_is_refused(string kind, bool secondVersion)
    {
        SigningRecipe recipe = new() { Kind = kind, SecondVersion = secondVersion, Statement = kind == "hashedrekord" ? null : Check.StatementAbout(Check.Artifact) };
        var signed = Check.Sign(recipe);
        Check.Verify(signed);

        signed.Material["tlogEntries"] = Check.Sign(recipe).Material["tlogEntries"]!.DeepClone();

        Check.Refused(SignatureFailure.BadLogEntry, signed);
    }

    [Theory]
    [InlineData("hashedrekord", false)]
    [InlineData("hashedrekord", true)]
    [InlineData("dsse", false)]
    [InlineData("dsse", true)]
    [InlineData("intoto", false)]
    public void A_body_that_says_anything_else_is_refused_although_it_is_logged(string kind, bool secondVersion)
    {
        var statement = kind == "hashedrekord" ? null : Check.StatementAbout(Check.Artifact);
        List<(string Old, string New)> changes = kind switch
        {
            "hashedrekord" when !secondVersion => [("sha256", "sha512"), ("\"kind\"", "\"more\":1,\"kind\""), ("0.0.1", "0.0.2"), ("{\"api", "{ \"api")],
            "hashedrekord" => [("SHA2_256", "SHA2_512"), ("PKIX_ECDSA_P256_SHA_256", "PKIX_ED25519"), ("PKIX_ECDSA_P256_SHA_256", "x"), ("{\"api", "{ \"api")],
            "dsse" when !secondVersion => [("payloadHash", "payloadhash"), ("sha256", "sha512"), ("\"verifier\":\"", "\"verifier\":\"AAAA"), ("{\"api", "{ \"api")],
            "dsse" => [("SHA2_256", "SHA2_512"), ("\"content\":\"", "\"content\":\"AAAA"), ("0.0.2", "0.0.1")],
            _ => [("\"sig\":\"", "\"sig\":\"AAAA"), ("application/vnd.in-toto", "application/other"), ("\"publicKey\":\"", "\"publicKey\":\"AAAA")],
        };
        foreach (var (old, replacement) in changes)
        {
            var signed = Check.Sign(new SigningRecipe
            {
                Kind = kind,
                SecondVersion = secondVersion,
                Statement = statement,
                AlterBody = body => body.Replace(old, replacement, StringComparison.Ordinal),
            });
            Check.Refused(SignatureFailure.BadLogEntry, signed);
        }
    }

    [Fact]
    public void The_kind_has_to_be_one_that_is_about_such_a_signature()
    {
        foreach (var (kind, version) in ((string, string)[])[("hashedrekord", "0.0.2"), ("dsse", "0.0.1"), ("intoto", "0.0.2"), ("rekord", "0.0.1"), ("", "")])
        {
            var signed = Check.Sign();
            signed.Entry["kindVersion"] = new JsonObject { ["kind"] = kind, ["version"] = version };
            Check.Refused(SignatureFailure.BadLogEntry, signed);
        }

        Check.Refused(SignatureFailure.BadLogEntry, Check.SignStatement(new SigningRecipe { Kind = "hashedrekord" }));
    }

    [Fact]
    public void A_promise_about_another_body_time_or_number_is_refused()
    {
        foreach (var change in (Action<JsonObject>[])
        [
            e => e["logIndex"] = "1",
            e => e["integratedTime"] = Time.AddSeconds(1).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
            e => e.Remove("integratedTime"),
            e => Check.Flip(e["inclusionPromise"]!, "signedEntryTimestamp", at: 20),
            e => e["inclusionPromise"]!["signedEntryTimestamp"] = "AAAA",
            e => Check.Flip(e, "canonicalizedBody", at: 20),
        ])
        {
            var signed = Check.Sign();
            change(signed.Entry);
            Check.Refused(SignatureFailure.BadEntryTimestamp, signed);
        }
    }

    [Fact]
    public void Without_a_promise_there_is_no_time_but_a_timestamp_is_one()
    {
        var untimed = Check.Sign();
        untimed.Entry.Remove("inclusionPromise");
        var timed = Check.Sign(new SigningRecipe { IsTimestamped = true });
        timed.Entry.Remove("inclusionPromise");
        timed.Entry["integratedTime"] = "1";

        Check.Refused(SignatureFailure.MissingEvidence, untimed);
        Assert.Equal(Time, Check.Verify(timed).SignedAt);
    }

    [Fact]
    public void A_proof_of_something_else_is_refused()
    {
        foreach (var change in (Action<JsonObject>[])
        [
            p => p["logIndex"] = "3",
            p => p["logIndex"] = "999999",
            p => p["treeSize"] = "3",
            p => Check.Flip(p, "rootHash"),
            p => p["hashes"]!.AsArray().RemoveAt(0),
            p => p["hashes"]!.AsArray().Add(Convert.ToBase64String(new byte[32])),
            p => p["hashes"]![0] = Convert.ToBase64String(new byte[32]),
            p => p["checkpoint"] = Check.Sign().Proof["checkpoint"]!.DeepClone(),
        ])
        {
            foreach (var secondVersion in (bool[])[false, true])
            {
                var signed = Check.Sign(new SigningRecipe { SecondVersion = secondVersion });
                var before = (string)signed.Proof["checkpoint"]!["envelope"]!;
                change(signed.Proof);
                Check.Refused(
                    before != (string)signed.Proof["checkpoint"]!["envelope"]! && secondVersion
                        ? SignatureFailure.BadCheckpoint : SignatureFailure.BadInclusionProof,
                    signed);
            }
        }
    }

    [Fact]
    public void A_log_that_is_not_trusted_is_refused()
    {
        using SignatureLog stranger = new(Check.Authority.Rekor.Host, TestKey.P256(), "1193050959916656506");
        var signed = Check.Sign();
        var body = Encoding.UTF8.GetString(Convert.FromBase64String((string)signed.Entry["canonicalizedBody"]!));
        signed.Material["tlogEntries"] = new JsonArray(stranger.Log("hashedrekord", "0.0.1", body, Time));
        Check.Refused(SignatureFailure.BadLogEntry, signed);

        // Nor under the name of one that is.
        signed.Entry["logId"]!["keyId"] = Convert.ToBase64String(Check.Authority.Rekor.Id);
        Check.Refused(SignatureFailure.BadEntryTimestamp, signed);
        signed.Entry.Remove("inclusionPromise");
        Check.Refused(SignatureFailure.BadCheckpoint, signed);
    }

    [Fact]
    public void The_log_has_to_be_trusted_at_that_time_both_ends_included()
    {
        Check.Verify(Check.Sign(), trust: TrustFor(0, Time, Time));
        Check.Refused(SignatureFailure.OutsideValidity, Check.Sign(), trust: TrustFor(0, Time.AddSeconds(1), null));
        Check.Refused(SignatureFailure.OutsideValidity, Check.Sign(), trust: TrustFor(0, SigstoreAuthority.Begin, Time.AddSeconds(-1)));
        var second = Check.Sign(new SigningRecipe { SecondVersion = true });
        Check.Verify(second, trust: TrustFor(1, Time, Time));
        Check.Refused(SignatureFailure.OutsideValidity, second, trust: TrustFor(1, Time.AddSeconds(1), null));
    }

    [Fact]
    public void A_key_that_is_listed_twice_counts_in_either_period()
    {
        var root = Check.Authority.TrustedRoot();
        root["tlogs"]!.AsArray().Add(root["tlogs"]![0]!.DeepClone());
        var trust = new TrustedRootOf(root).WithValidity("tlogs", 0, SigstoreAuthority.Begin, Time.AddSeconds(-1));

        Check.Verify(Check.Sign(), trust: trust.Parsed);
        Check.Refused(
            SignatureFailure.OutsideValidity, Check.Sign(), trust: trust.WithValidity("tlogs", 2, Time.AddDays(1), null).Parsed);
    }

    [Fact]
    public void A_key_of_an_unknown_kind_makes_only_its_own_log_unusable()
    {
        var root = Check.Authority.TrustedRoot();
        root["tlogs"]![0]!["publicKey"]!["keyDetails"] = "PKIX_OF_TOMORROW";

        Check.Verify(Check.Sign(new SigningRecipe { SecondVersion = true }), trust: Check.TrustIn(root));
        Check.Refused(SignatureFailure.BadEntryTimestamp, Check.Sign(), trust: Check.TrustIn(root));
    }

    private static Hyperkube.Sigstore.Trust.TrustedRoot TrustFor(int log, DateTimeOffset? start, DateTimeOffset? end) =>
        new TrustedRootOf(Check.Authority.TrustedRoot()).WithValidity("tlogs", log, start, end).Parsed;
}
