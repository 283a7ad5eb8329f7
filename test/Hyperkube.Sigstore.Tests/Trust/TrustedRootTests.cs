using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Hyperkube.Sigstore.Trust;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests.Trust;

public sealed class TrustedRootTests
{
    [Fact]
    public void The_public_good_trusted_root_is_the_one_that_was_published()
    {
        var root = TrustedRoot.PublicGood;

        Assert.Equal(
            "6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66",
            Convert.ToHexStringLower(SHA256.HashData(TrustedRoot.PublicGoodJson.Span)));
        Assert.Equal("https://rekor.sigstore.dev https://log2025-1.rekor.sigstore.dev", string.Join(' ', root.SignatureLogs.Select(l => l.Location)));
        Assert.Equal(2, root.CertificateLogs.Count);
        Assert.Equal(
            "from 2021-03-07T03:20:29Z to 2022-12-31T23:59:59Z, from 2022-04-13T20:06:15Z on",
            string.Join(", ", root.CertificateAuthorities.Select(a => a.ValidFor)));
        Assert.Equal("https://timestamp.sigstore.dev/api/v1/timestamp", Assert.Single(root.TimestampAuthorities).Location);
        Assert.All((IEnumerable<TransparencyLog>)[.. root.SignatureLogs, .. root.CertificateLogs], log => log.Open(SignatureFailure.BadTrust));
    }

    [Fact]
    public void The_authorities_of_the_public_good_have_signed_their_own_chains()
    {
        var read = TrustedRoot.Parse(TrustedRoot.PublicGoodJson); // Which takes nothing for granted.
        foreach (var authority in (CertificateAuthority[])[.. read.CertificateAuthorities, .. read.TimestampAuthorities])
        {
            for (var i = 0; i + 1 < authority.Chain.Count; i++)
            {
                Assert.True(authority.HasSigned(authority.Chain[i + 1], authority.Chain[i]));
                Assert.False(authority.HasSigned(authority.Chain[i], authority.Chain[i + 1]));
            }
        }
    }

    [Theory]
    [InlineData("application/vnd.dev.sigstore.trustedroot+json;version=0.1")]
    [InlineData("application/vnd.dev.sigstore.trustedroot+json;version=0.2")]
    [InlineData("application/vnd.dev.sigstore.trustedroot.v0.1+json")]
    [InlineData("application/vnd.dev.sigstore.trustedroot.v0.2+json")]
    public void Every_version_is_read_and_what_is_new_in_it_is_ignored(string mediaType)
    {
        var json = Check.Authority.TrustedRoot();
        json["mediaType"] = mediaType;
        json["tomorrow"] = new JsonArray(1, 2);
        json["tlogs"]![0]!["operator"] = "somebody";

        Check.Verify(Check.Sign(), trust: Check.TrustIn(json));
    }

    [Fact]
    public void Fractions_of_seconds_and_other_offsets_are_times_too()
    {
        var json = Check.Authority.TrustedRoot();
        json["tlogs"]![0]!["publicKey"]!["validFor"] = new JsonObject { ["start"] = "2024-05-17T12:00:00+02:00", ["end"] = "2024-05-17T10:00:00.000999999Z" };

        Check.Verify(Check.Sign(), trust: Check.TrustIn(json));
    }

    [Fact]
    public void What_is_no_trusted_root_is_refused()
    {
        foreach (var change in (Action<JsonObject>[])
        [
            r => r.Remove("mediaType"),
            r => r["mediaType"] = "application/vnd.dev.sigstore.trustedroot+json;version=0.9",
            r => r["tlogs"] = "none",
            r => r["tlogs"]![0]!["publicKey"]!.AsObject().Remove("validFor"),
            r => r["tlogs"]![0]!["publicKey"]!["validFor"]!.AsObject().Remove("start"),
            r => r["ctlogs"]![0]!["publicKey"]!["validFor"]!.AsObject().Remove("start"),
            r => r["tlogs"]![0]!["publicKey"]!["validFor"]!["start"] = "2024-05-17",
            r => r["tlogs"]![0]!["publicKey"]!["validFor"]!["start"] = "yesterday",
            r => r["tlogs"]![0]!["publicKey"]!["rawBytes"] = "not base64",
            r => r["tlogs"]![0]!.AsObject().Remove("logId"),
            r => r["certificateAuthorities"]![0]!["certChain"]!["certificates"] = new JsonArray(),
            r => r["certificateAuthorities"]![0]!["certChain"]!["certificates"]![0]!["rawBytes"] = "AAAA",
        ])
        {
            var json = Check.Authority.TrustedRoot();
            change(json);
            Assert.Equal(SignatureFailure.BadTrust, Assert.Throws<SignatureException>(() => Check.TrustIn(json)).Failure);
        }

        foreach (var text in (string[])["", "[]", "null", "{", """{"mediaType":"a","mediaType":"a"}""", new string(' ', 2 << 20)])
        {
            Assert.Equal(
                SignatureFailure.BadTrust, Assert.Throws<SignatureException>(() => TrustedRoot.Parse(Encoding.UTF8.GetBytes(text))).Failure);
        }
    }

    [Fact]
    public void Logs_may_have_keys_of_every_kind()
    {
        foreach (var make in (Func<TestKey>[])[TestKey.P256, TestKey.P384, TestKey.P521, TestKey.Rsa])
        {
            using SignatureLog log = new("other.example.org", make(), "7");
            var signed = Check.Sign();
            var body = Encoding.UTF8.GetString(Convert.FromBase64String((string)signed.Entry["canonicalizedBody"]!));
            signed.Material["tlogEntries"] = new JsonArray(log.Log("hashedrekord", "0.0.1", body, SigstoreAuthority.SignedAt));
            var json = Check.Authority.TrustedRoot();
            json["tlogs"]!.AsArray().Add(SigstoreAuthority.LogOf(log.Key, "https://other.example.org", log.Id));

            Check.Verify(signed, trust: Check.TrustIn(json));
            Check.Refused(SignatureFailure.BadLogEntry, signed);
        }
    }

    [Fact]
    public void A_period_has_both_its_ends()
    {
        var now = SigstoreAuthority.SignedAt;

        Assert.True(new ValidityPeriod(now, now).Contains(now));
        Assert.True(new ValidityPeriod(null, null).Contains(now));
        Assert.False(new ValidityPeriod(now.AddTicks(1), null).Contains(now));
        Assert.False(new ValidityPeriod(null, now.AddTicks(-1)).Contains(now));
    }
}
