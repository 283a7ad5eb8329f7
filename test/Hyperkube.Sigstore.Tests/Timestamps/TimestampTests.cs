using System.Security.Cryptography;
using Hyperkube.Sigstore.Tests.Trust;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests.Timestamps;

/// <summary>Answers of timestamp authorities.</summary>
public sealed class TimestampTests
{
    private static readonly DateTimeOffset Time = SigstoreAuthority.SignedAt;

    [Fact]
    public void A_timestamp_need_not_bring_its_certificate() =>
        Check.Verify(Stamped(new TimestampRecipe { WithCertificate = false }));

    [Fact]
    public void A_trusted_root_may_name_only_the_authority_above()
    {
        var trust = new TrustedRootOf(Check.Authority.TrustedRoot()).WithTimestamps(Check.Authority.TimestampRoot.Certificate).Parsed;

        Check.Verify(Stamped(new TimestampRecipe()), trust: trust);
        Check.Refused(SignatureFailure.BadTimestamp, Stamped(new TimestampRecipe { WithCertificate = false }), trust: trust);
    }

    [Fact]
    public void Authorities_have_keys_of_every_kind()
    {
        foreach (var make in (Func<TestKey>[])[TestKey.P256, TestKey.P384, TestKey.P521, TestKey.Rsa])
        {
            using TimestampMint mint = new(Check.Authority.TimestampRoot, SigstoreAuthority.Begin, SigstoreAuthority.End, key: make());
            var trust = new TrustedRootOf(Check.Authority.TrustedRoot())
                .WithTimestamps(mint.Certificate, Check.Authority.TimestampRoot.Certificate).Parsed;
            Check.Verify(StampedBy(mint), trust: trust);
            Check.Verify(StampedBy(mint, new TimestampRecipe { ByKeyId = true }), trust: trust);
            Check.Refused(
                SignatureFailure.BadTimestamp,
                StampedBy(mint, new TimestampRecipe { AlterSignature = s => [.. s[..20], (byte)(s[20] ^ 1), .. s[21..]] }),
                trust: trust);
            Check.Refused(SignatureFailure.BadTimestamp, StampedBy(mint, new TimestampRecipe { ByKeyId = true })); // Another key is trusted.
        }
    }

    [Fact]
    public void The_imprint_may_be_of_any_of_the_three_hashes()
    {
        foreach (var hash in (HashAlgorithmName[])[HashAlgorithmName.SHA256, HashAlgorithmName.SHA384, HashAlgorithmName.SHA512])
        {
            Check.Verify(Stamped(new TimestampRecipe { Imprint = hash }));
            Check.Refused(SignatureFailure.BadTimestamp, Stamped(new TimestampRecipe { Imprint = hash, AlterImprint = h => h[..^1] }));
        }
    }

    // The certificate is the trusted root's own; where its hash is named, it has to be that.
    [Fact]
    public void A_timestamp_need_not_name_its_certificate_by_hash() =>
        Check.Verify(Stamped(new TimestampRecipe { NamesCertificate = false }));

    [Fact]
    public void There_may_be_an_authority_between_which_only_the_trusted_root_can_vouch_for()
    {
        var root = Check.Authority.TimestampRoot;
        using var between = root.Below(
            "test timestamp intermediate", e => [.. e.SkipLast(1), TestIssuer.Purposes(TestIssuer.TimeStamping)]);
        using TimestampMint mint = new(between, SigstoreAuthority.Begin, SigstoreAuthority.End, above: between.Certificate);
        var signed = StampedBy(mint);

        foreach (var chain in (byte[][][])
            [[mint.Certificate, between.Certificate, root.Certificate], [between.Certificate, root.Certificate], [between.Certificate]])
        {
            Check.Verify(signed, trust: new TrustedRootOf(Check.Authority.TrustedRoot()).WithTimestamps(chain).Parsed);
        }

        foreach (var chain in (byte[][][])[[root.Certificate], [mint.Certificate, root.Certificate]])
        {
            Check.Refused(
                SignatureFailure.BadTimestamp, signed, trust: new TrustedRootOf(Check.Authority.TrustedRoot()).WithTimestamps(chain).Parsed);
        }
    }

    [Fact]
    public void A_timestamp_of_something_else_is_refused()
    {
        foreach (var bad in (TimestampRecipe[])
        [
            new TimestampRecipe { Status = 1 }, // Granted, but not as it was asked for.
            new TimestampRecipe { Status = 2 },
            new TimestampRecipe { ContentType = "1.2.840.113549.1.7.1" },
            new TimestampRecipe { AlterImprint = hash => [.. hash[..31], (byte)(hash[31] ^ 1)] },
            new TimestampRecipe { AlterImprint = _ => [] },
            new TimestampRecipe { AlterDigest = hash => [.. hash[..31], (byte)(hash[31] ^ 1)] },
            new TimestampRecipe { AlterSignature = signature => [.. signature[..20], (byte)(signature[20] ^ 1), .. signature[21..]] },
            new TimestampRecipe { AlterSignature = _ => [1, 2, 3] },
            new TimestampRecipe { AlterCertificateHash = hash => [.. hash[..31], (byte)(hash[31] ^ 1)] },
        ])
        {
            Check.Refused(SignatureFailure.BadTimestamp, Stamped(bad));
        }
    }

    [Fact]
    public void An_answer_that_is_cut_off_or_too_long_is_refused()
    {
        foreach (var alter in (Func<byte[], byte[]>[])[der => der[..^1], der => [.. der, 0], _ => [0x30, 0], _ => new byte[200_000]])
        {
            var signed = Stamped(new TimestampRecipe());
            var stamp = signed.Material["timestampVerificationData"]!["rfc3161Timestamps"]![0]!;
            stamp["signedTimestamp"] = Convert.ToBase64String(alter(Convert.FromBase64String((string)stamp["signedTimestamp"]!)));
            Check.Refused(SignatureFailure.BadTimestamp, signed);
        }
    }

    [Fact]
    public void Another_authority_is_refused_even_under_the_same_name()
    {
        using var root = TestIssuer.Root("test timestamp root", SigstoreAuthority.Begin, SigstoreAuthority.End);
        using TimestampMint stranger = new(root, SigstoreAuthority.Begin, SigstoreAuthority.End);

        Check.Refused(SignatureFailure.BadTimestamp, StampedBy(stranger));
        Check.Refused(
            SignatureFailure.BadTimestamp,
            StampedBy(stranger),
            trust: new TrustedRootOf(Check.Authority.TrustedRoot()).WithTimestamps(Check.Authority.TimestampRoot.Certificate).Parsed);
    }

    [Fact]
    public void A_certificate_that_is_not_for_timestamps_alone_and_demandingly_so_is_refused()
    {
        var root = Check.Authority.TimestampRoot;
        foreach (var purposes in (System.Security.Cryptography.X509Certificates.X509Extension[])
        [
            TestIssuer.Purposes(critical: false, TestIssuer.TimeStamping),
            TestIssuer.Purposes(critical: true, TestIssuer.CodeSigning),
            TestIssuer.Purposes(critical: true, TestIssuer.TimeStamping, TestIssuer.CodeSigning),
        ])
        {
            using TimestampMint mint = new(root, SigstoreAuthority.Begin, SigstoreAuthority.End, purposes);
            var trust = new TrustedRootOf(Check.Authority.TrustedRoot()).WithTimestamps(mint.Certificate, root.Certificate);
            Check.Refused(SignatureFailure.BadTimestamp, StampedBy(mint), trust: trust.Parsed);
        }
    }

    [Fact]
    public void The_authority_has_to_be_valid_at_that_time_both_ends_included()
    {
        var signed = Stamped(new TimestampRecipe());

        Check.Verify(signed, trust: TrustFor(Time, Time));
        Check.Refused(SignatureFailure.OutsideValidity, signed, trust: TrustFor(Time.AddSeconds(1), null));
        Check.Refused(SignatureFailure.OutsideValidity, signed, trust: TrustFor(null, Time.AddSeconds(-1)));
        using TimestampMint expired = new(Check.Authority.TimestampRoot, SigstoreAuthority.Begin, Time.AddSeconds(-1));
        var trust = new TrustedRootOf(Check.Authority.TrustedRoot()).WithTimestamps(expired.Certificate, Check.Authority.TimestampRoot.Certificate);
        Check.Refused(SignatureFailure.OutsideValidity, StampedBy(expired), trust: trust.Parsed);
    }

    [Fact]
    public void The_same_timestamp_twice_is_refused()
    {
        var signed = Stamped(new TimestampRecipe());
        var stamps = signed.Material["timestampVerificationData"]!["rfc3161Timestamps"]!.AsArray();
        stamps.Add(stamps[0]!.DeepClone());

        Check.Refused(SignatureFailure.Malformed, signed);
    }

    private static SignedArtifact Stamped(TimestampRecipe recipe) => Check.Sign(new SigningRecipe { SecondVersion = true, Timestamp = recipe });

    private static SignedArtifact StampedBy(TimestampMint mint, TimestampRecipe? recipe = null)
    {
        var signed = Stamped(new TimestampRecipe());
        signed.Material["timestampVerificationData"]!["rfc3161Timestamps"]![0]!["signedTimestamp"] =
            Convert.ToBase64String(mint.Stamp(signed.Signature, Time, recipe));
        return signed;
    }

    private static Hyperkube.Sigstore.Trust.TrustedRoot TrustFor(DateTimeOffset? start, DateTimeOffset? end) =>
        new TrustedRootOf(Check.Authority.TrustedRoot()).WithValidity("timestampAuthorities", 0, start, end).Parsed;
}
