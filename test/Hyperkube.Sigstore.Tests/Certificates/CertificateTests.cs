using System.Security.Cryptography.X509Certificates;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests.Certificates;

/// <summary>Who may have issued a certificate, what it may be used for, when, and what it says about the signer.</summary>
public sealed class CertificateTests
{
    private static readonly DateTimeOffset Time = SigstoreAuthority.SignedAt;

    // All of it is optional: https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.1. The name decides where no key is named.
    [Theory]
    [InlineData("3000", true)]
    [InlineData("3003820101", true)] // A serial number alone.
    [InlineData("300480020102", false)]
    public void An_issuer_that_names_no_key_is_found_by_its_name(string extension, bool isTaken)
    {
        var signed = Signed(new CertificateRecipe
        {
            Alter = e => [.. e, new X509Extension(TestIssuer.AuthorityKeyId, Convert.FromHexString(extension), critical: false)],
        });

        if (isTaken)
        {
            Check.Verify(signed);
        }
        else
        {
            Check.Refused(SignatureFailure.UntrustedCertificate, signed);
        }
    }

    // Renewed with the same key, or signed by two: the one that leads up at that time is taken, wherever it stands.
    [Fact]
    public void Of_two_authorities_with_one_name_and_key_the_valid_one_counts()
    {
        var (fulcio, above) = (Check.Authority.Intermediate, Check.Authority.Root);
        var expired = TestIssuer.Root("test fulcio root", SigstoreAuthority.Begin, Time.AddDays(-1), above.Key)
            .Below("test fulcio intermediate", key: fulcio.Key);
        var signed = Check.Sign();

        Check.Verify(signed, trust: TrustIn(expired.Certificate, fulcio.Certificate, above.Certificate));
        Check.Verify(signed, trust: TrustIn(fulcio.Certificate, expired.Certificate, above.Certificate));
        Check.Refused(SignatureFailure.OutsideValidity, signed, trust: TrustIn(expired.Certificate, above.Certificate));
    }

    [Theory]
    [InlineData("somebody@example.org", 1)]
    [InlineData("https://github.com/o/r/.github/workflows/w.yml@refs/heads/main", 6)]
    [InlineData("some name", 0)]
    public void A_signer_is_named_in_three_ways(string subject, int kind)
    {
        var evidence = Check.Verify(
            Signed(new CertificateRecipe { Subject = subject, SubjectKind = kind }),
            VerificationPolicy.SignedBy(new SignerIdentity(subject, CertificateRecipe.Google)));

        Assert.Equal(subject, evidence.Signer!.Subject);
    }

    [Fact]
    public void A_name_that_is_missing_twice_or_of_another_kind_is_refused()
    {
        Refused(SignatureFailure.UntrustedCertificate, Without("2.5.29.17"));
        Refused(SignatureFailure.Malformed, new CertificateRecipe { SubjectKind = 2 });
        Refused(SignatureFailure.Malformed, new CertificateRecipe { Subject = "" });
        Refused(SignatureFailure.Malformed, With("2.5.29.17", TwoNames()));
    }

    [Fact]
    public void The_newer_issuer_counts_and_the_older_one_stands_in_for_it()
    {
        Check.Verify(Signed(new CertificateRecipe { OldIssuer = null }));
        Check.Verify(Signed(new CertificateRecipe { OldIssuer = "https://somebody.else" }));
        Check.Verify(Signed(new CertificateRecipe { Issuer = null }));
        Refused(SignatureFailure.WrongSigner, new CertificateRecipe { Issuer = "https://somebody.else" });
        Refused(SignatureFailure.WrongSigner, new CertificateRecipe { Issuer = null, OldIssuer = "https://somebody.else" });
        Refused(SignatureFailure.UntrustedCertificate, new CertificateRecipe { Issuer = null, OldIssuer = null });
        Refused(SignatureFailure.Malformed, With("1.3.6.1.4.1.57264.1.8", new X509Extension("1.3.6.1.4.1.57264.1.8", [0x0c, 0x05, 0x61], false)));
    }

    [Fact]
    public void A_certificate_that_may_not_sign_content_is_refused()
    {
        Refused(SignatureFailure.UntrustedCertificate, Without("2.5.29.37"));
        Refused(SignatureFailure.UntrustedCertificate, With("2.5.29.37", TestIssuer.Purposes(TestIssuer.TimeStamping)));
        Refused(SignatureFailure.UntrustedCertificate, Without("2.5.29.15"));
        Refused(SignatureFailure.UntrustedCertificate, With("2.5.29.15", new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true)));
        Refused(SignatureFailure.UntrustedCertificate, With("2.5.29.19", new X509BasicConstraintsExtension(true, false, 0, true)));
        Check.Verify(Signed(With("2.5.29.19", new X509BasicConstraintsExtension(false, false, 0, true))));
        Check.Verify(Signed(With("2.5.29.37", TestIssuer.Purposes(TestIssuer.TimeStamping, TestIssuer.CodeSigning))));
    }

    [Fact]
    public void A_demand_that_is_not_understood_is_refused_and_a_remark_is_not()
    {
        Check.Verify(Signed(With("1.2.3.4", new X509Extension("1.2.3.4", [5, 0], critical: false))));
        Refused(SignatureFailure.UntrustedCertificate, With("1.2.3.4", new X509Extension("1.2.3.4", [5, 0], critical: true)));
        Refused(SignatureFailure.UntrustedCertificate, With("2.5.29.30", new X509Extension("2.5.29.30", [0x30, 0], critical: false)));
        Refused(SignatureFailure.UntrustedCertificate, With("1.3.6.1.4.1.11129.2.4.3", new X509Extension("1.3.6.1.4.1.11129.2.4.3", [5, 0], critical: true)));
    }

    [Fact]
    public void A_stranger_who_calls_himself_the_authority_is_refused()
    {
        using var stranger = TestIssuer.Root("test fulcio root", SigstoreAuthority.Begin, SigstoreAuthority.End);
        using var below = stranger.Below("test fulcio intermediate");
        using var other = TestIssuer.Root("another root", SigstoreAuthority.Begin, SigstoreAuthority.End);

        Refused(SignatureFailure.UntrustedCertificate, new CertificateRecipe { IssuedBy = below });
        Refused(SignatureFailure.UntrustedCertificate, new CertificateRecipe { IssuedBy = other });
        Check.Verify(Signed(new CertificateRecipe { IssuedBy = Check.Authority.Root }));
        var signed = Signed(new CertificateRecipe());
        Check.Flip(signed.Material["certificate"]!, "rawBytes", at: signed.Certificate.Length - 1);
        Check.Refused(SignatureFailure.UntrustedCertificate, signed);
    }

    [Fact]
    public void An_issuer_that_may_not_issue_is_refused()
    {
        RefusedBelow(alter: extensions => extensions.Where(e => e is not X509BasicConstraintsExtension));
        RefusedBelow(alter: extensions => Replace(extensions, new X509BasicConstraintsExtension(false, false, 0, true)));
        RefusedBelow(alter: extensions => Replace(extensions, new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true)));
        RefusedBelow(alter: extensions => Replace(extensions, TestIssuer.Purposes(TestIssuer.TimeStamping)));
        using var good = Check.Authority.Root.Below("good");
        Check.Verify(Signed(new CertificateRecipe { IssuedBy = good }), trust: TrustIn(good.Certificate, Check.Authority.Root.Certificate));
    }

    [Fact]
    public void A_way_that_is_longer_than_an_authority_allows_is_refused()
    {
        using var deep = Check.Authority.Intermediate.Below("below the last one"); // The intermediate may have none below.

        Check.Refused(
            SignatureFailure.UntrustedCertificate,
            Signed(new CertificateRecipe { IssuedBy = deep }),
            trust: TrustIn(deep.Certificate, Check.Authority.Intermediate.Certificate, Check.Authority.Root.Certificate));
    }

    [Fact]
    public void The_proved_time_has_to_be_in_the_certificate_both_ends_included()
    {
        Check.Verify(Signed(new CertificateRecipe { From = Time }));
        Check.Verify(Signed(new CertificateRecipe { From = Time.AddMinutes(-10) }));
        Refused(SignatureFailure.OutsideValidity, new CertificateRecipe { From = Time.AddSeconds(1) });
        Refused(SignatureFailure.OutsideValidity, new CertificateRecipe { From = Time.AddMinutes(-10).AddSeconds(-1) });
        Refused(SignatureFailure.OutsideValidity, new CertificateRecipe { From = Time.AddYears(1) });
    }

    [Fact]
    public void Every_proved_time_has_to_be_in_the_certificate()
    {
        var late = Check.Sign(new SigningRecipe { IsTimestamped = true });
        var stamp = Check.Authority.Timestamps.Stamp(late.Signature, Time.AddMinutes(30));
        late.Material["timestampVerificationData"]!["rfc3161Timestamps"]![0]!["signedTimestamp"] = Convert.ToBase64String(stamp);

        Check.Refused(SignatureFailure.OutsideValidity, late);
    }

    [Fact]
    public void The_authority_has_to_be_valid_at_that_time_by_its_certificates_and_by_the_trusted_root()
    {
        using var expired = TestIssuer.Root("expired", SigstoreAuthority.Begin, Time.AddSeconds(-1));
        using var ending = TestIssuer.Root("ending", SigstoreAuthority.Begin, Time);

        Check.Refused(SignatureFailure.OutsideValidity, Signed(new CertificateRecipe { IssuedBy = expired }), trust: TrustIn(expired.Certificate));
        Check.Verify(Signed(new CertificateRecipe { IssuedBy = ending }), trust: TrustIn(ending.Certificate));
        Check.Verify(Signed(new CertificateRecipe()), trust: TrustFor(Time, Time));
        Check.Refused(SignatureFailure.OutsideValidity, Signed(new CertificateRecipe()), trust: TrustFor(Time.AddSeconds(1), null));
        Check.Refused(SignatureFailure.OutsideValidity, Signed(new CertificateRecipe()), trust: TrustFor(null, Time.AddSeconds(-1)));
    }

    private static SignedArtifact Signed(CertificateRecipe recipe) => Check.Sign(new SigningRecipe { Certificate = recipe });

    private static void Refused(SignatureFailure expected, CertificateRecipe recipe) => Check.Refused(expected, Signed(recipe));

    private static void RefusedBelow(Func<List<X509Extension>, IEnumerable<X509Extension>> alter)
    {
        using var bad = Check.Authority.Root.Below("bad", alter);
        Check.Refused(
            SignatureFailure.UntrustedCertificate,
            Signed(new CertificateRecipe { IssuedBy = bad }),
            trust: TrustIn(bad.Certificate, Check.Authority.Root.Certificate));
    }

    private static Trust.TrustedRootOf TrustRoot() => new(Check.Authority.TrustedRoot());

    private static Hyperkube.Sigstore.Trust.TrustedRoot TrustIn(params byte[][] chain) => TrustRoot().WithFulcio(chain).Parsed;

    private static Hyperkube.Sigstore.Trust.TrustedRoot TrustFor(DateTimeOffset? start, DateTimeOffset? end) =>
        TrustRoot().WithValidity("certificateAuthorities", 0, start, end).Parsed;

    private static CertificateRecipe Without(string oid) => new() { Alter = extensions => extensions.Where(e => e.Oid!.Value != oid) };

    private static CertificateRecipe With(string oid, X509Extension extension) =>
        new() { Alter = extensions => [.. extensions.Where(e => e.Oid!.Value != oid), extension] };

    private static IEnumerable<X509Extension> Replace(List<X509Extension> extensions, X509Extension extension) =>
        [.. extensions.Where(e => e.Oid!.Value != extension.Oid!.Value), extension];

    private static X509Extension TwoNames()
    {
        SubjectAlternativeNameBuilder names = new();
        names.AddEmailAddress(CertificateRecipe.Email);
        names.AddEmailAddress("somebody@example.org");
        return names.Build(critical: true);
    }
}
