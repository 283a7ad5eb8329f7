using Hyperkube.Sigstore.Tests.Trust;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests.Certificates;

/// <summary>Promises of certificate logs.</summary>
public sealed class SctListTests
{
    private static TestKey Log => Check.Authority.CertificateLog;

    [Fact]
    public void A_promise_with_extensions_is_one_too() =>
        Check.Verify(Signed(new SctRecipe(Log) { Extensions = [0, 0, 5, 1, 2, 3, 4, 5] }));

    [Fact]
    public void A_log_may_sign_with_RSA_whatever_form_its_key_has()
    {
        using var rsa = TestKey.Rsa();
        var signed = Signed(new SctRecipe(rsa));
        var spki = new TrustedRootOf(Check.Authority.TrustedRoot()).WithCertificateLog(rsa);
        var bare = new TrustedRootOf(Check.Authority.TrustedRoot()).WithCertificateLog(rsa);
        var key = bare.Json["ctlogs"]![0]!["publicKey"]!;
        key["rawBytes"] = Convert.ToBase64String(rsa.Pkcs1);
        key["keyDetails"] = "PKCS1_RSA_PKCS1V5";

        Check.Verify(signed, trust: spki.Parsed);
        Check.Verify(signed, trust: bare.Parsed);
        Check.Refused(SignatureFailure.BadCertificateLog, signed);
    }

    [Fact]
    public void A_certificate_without_a_promise_is_refused_unless_that_is_said()
    {
        var signed = Signed();

        Check.Refused(SignatureFailure.BadCertificateLog, signed);
        Check.Verify(signed, Check.Policy.UnsafeWithoutCertificateLog());
    }

    [Fact]
    public void A_promise_about_something_else_is_refused_even_where_none_is_needed()
    {
        using var stranger = TestKey.P256();
        foreach (var bad in (SctRecipe[])
        [
            new SctRecipe(Log) { Alter = content => [.. content, 0] },
            new SctRecipe(Log) { Alter = content => [1, .. content[1..]] },
            new SctRecipe(Log) { Alter = content => [.. content[..12], (byte)(content[12] ^ 1), .. content[13..]] }, // The issuer's key.
            new SctRecipe(stranger) { LogId = Log.SpkiHash },
            new SctRecipe(Log) { Version = 1 },
        ])
        {
            Check.Refused(SignatureFailure.BadCertificateLog, Signed(bad));
            Check.Refused(SignatureFailure.BadCertificateLog, Signed(bad), Check.Policy.UnsafeWithoutCertificateLog());
        }
    }

    [Fact]
    public void One_bad_promise_spoils_a_good_one()
    {
        using var stranger = TestKey.P256();

        var trust = Check.TrustIn(WithLogs(Log, stranger));

        Check.Verify(Signed(new SctRecipe(Log), new SctRecipe(stranger)), Check.Policy with { CertificateLogs = 2 }, trust);
        Check.Refused(SignatureFailure.BadCertificateLog, Signed(new SctRecipe(Log), new SctRecipe(stranger) { Alter = _ => [1] }), trust: trust);
        Check.Refused(SignatureFailure.BadCertificateLog, Signed(new SctRecipe(Log), new SctRecipe(Log)));
    }

    [Fact]
    public void A_log_that_is_not_known_here_counts_for_nothing()
    {
        using var stranger = TestKey.P256();
        var both = Signed(new SctRecipe(stranger), new SctRecipe(Log));

        Check.Verify(both);
        Check.Refused(SignatureFailure.BadCertificateLog, both, Check.Policy with { CertificateLogs = 2 });
        Check.Refused(SignatureFailure.BadCertificateLog, Signed(new SctRecipe(stranger)));
        Check.Verify(Signed(new SctRecipe(stranger)), Check.Policy.UnsafeWithoutCertificateLog());
    }

    [Fact]
    public void A_log_that_is_listed_twice_counts_in_either_period()
    {
        var from = new CertificateRecipe().From;
        TrustedRootOf root = new(WithLogs(Log, Log));
        root.WithValidity("ctlogs", 0, SigstoreAuthority.Begin, from).WithValidity("ctlogs", 1, from.AddSeconds(1), null);

        Check.Verify(Signed(new SctRecipe(Log)), trust: root.Parsed);
        Check.Refused(
            SignatureFailure.OutsideValidity, Signed(new SctRecipe(Log)), trust: root.WithValidity("ctlogs", 1, from.AddSeconds(2), null).Parsed);
    }

    [Fact]
    public void The_promise_has_to_be_from_when_the_log_was_trusted()
    {
        var from = new CertificateRecipe().From;
        var signed = Signed(new SctRecipe(Log) { After = TimeSpan.FromSeconds(1) });

        Check.Verify(signed, trust: TrustFor(from.AddSeconds(1), from.AddSeconds(1)));
        Check.Refused(SignatureFailure.OutsideValidity, signed, trust: TrustFor(from.AddSeconds(2), null));
        Check.Refused(SignatureFailure.OutsideValidity, signed, trust: TrustFor(SigstoreAuthority.Begin, from));
    }

    [Fact]
    public void A_list_with_a_byte_too_many_or_too_few_is_refused()
    {
        foreach (var alter in (Func<byte[], byte[]>[])
        [
            list => [.. list, 0],
            list => list[..^1],
            list => [list[0], (byte)(list[1] + 1), .. list[2..]],
            _ => [],
        ])
        {
            var recipe = new CertificateRecipe { AlterSctList = alter };
            Check.Refused(SignatureFailure.BadCertificateLog, Check.Sign(new SigningRecipe { Certificate = recipe }));
        }
    }

    private static System.Text.Json.Nodes.JsonObject WithLogs(params TestKey[] logs)
    {
        var root = Check.Authority.TrustedRoot();
        root["ctlogs"] = new System.Text.Json.Nodes.JsonArray(
            [.. logs.Select(l => (System.Text.Json.Nodes.JsonNode)SigstoreAuthority.LogOf(l, "https://ctfe.example.org", l.SpkiHash))]);
        return root;
    }

    private static SignedArtifact Signed(params SctRecipe[] scts) =>
        Check.Sign(new SigningRecipe { Certificate = new CertificateRecipe { Scts = scts } });

    private static Hyperkube.Sigstore.Trust.TrustedRoot TrustFor(DateTimeOffset? start, DateTimeOffset? end) =>
        new TrustedRootOf(Check.Authority.TrustedRoot()).WithValidity("ctlogs", 0, start, end).Parsed;
}
