using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests;

public sealed class VerificationPolicyTests
{
    [Theory]
    [InlineData("", "https://accounts.google.com")]
    [InlineData("somebody", "")]
    [InlineData(" ", "https://accounts.google.com")]
    public void There_is_no_policy_without_a_signer(string subject, string issuer)
    {
        Assert.Throws<ArgumentException>(() => VerificationPolicy.SignedBy(new SignerIdentity(subject, issuer)));
        Assert.Throws<ArgumentException>(() => VerificationPolicy.SignedByOneOf([]));
        Assert.Throws<ArgumentNullException>(() => VerificationPolicy.SignedBy((VerificationKey)null!));
        Assert.Empty(typeof(VerificationPolicy).GetConstructors());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(9)]
    public void Witnesses_are_not_counted_away(int count)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Check.Policy with { LogEntries = count });
        Assert.Throws<ArgumentOutOfRangeException>(() => Check.Policy with { CertificateLogs = count });
    }

    [Fact]
    public void What_weakens_says_so()
    {
        var weaker = typeof(VerificationPolicy).GetMethods()
            .Where(m => !m.IsStatic && m.ReturnType == typeof(VerificationPolicy) && !m.Name.StartsWith('<')).Select(m => m.Name);

        Assert.All(weaker, name => Assert.StartsWith("Unsafe", name, StringComparison.Ordinal));
    }

    [Fact]
    public void Keys_of_every_kind_are_read_and_other_texts_are_not()
    {
        foreach (var make in (Func<TestKey>[])[TestKey.P256, TestKey.P384, TestKey.P521, TestKey.Rsa, TestKey.Ed25519])
        {
            using var key = make();
            Assert.Equal(Convert.ToHexStringLower(key.SpkiHash), VerificationKey.FromPem(key.Pem).Fingerprint);
        }

        using var one = TestKey.P256();
        foreach (var text in (string[])["", "hello", one.Pem + one.Pem, one.Pem + "x", one.Pem.Replace("PUBLIC", "PRIVATE", StringComparison.Ordinal)])
        {
            Assert.Equal(SignatureFailure.BadTrust, Assert.Throws<SignatureException>(() => VerificationKey.FromPem(text)).Failure);
        }
    }

    [Fact]
    public void A_point_that_is_not_on_its_curve_and_a_short_RSA_key_are_no_keys()
    {
        using var key = TestKey.P256();
        using var rsa = System.Security.Cryptography.RSA.Create(1024);
        var broken = (byte[])key.Spki.Clone();
        broken[^1] ^= 1;

        Assert.Throws<SignatureException>(() => VerificationKey.FromPem(System.Security.Cryptography.PemEncoding.WriteString("PUBLIC KEY", broken)));
        Assert.Throws<SignatureException>(() => VerificationKey.FromPem(rsa.ExportSubjectPublicKeyInfoPem()));
    }
}
