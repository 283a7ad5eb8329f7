using System.Security.Cryptography;
using System.Text;
using Hyperkube.Sigstore.Bundles;
using Hyperkube.Sigstore.Signing;

namespace Hyperkube.Sigstore.Tests.Signing;

public sealed class SigningKeyTests
{
    private const string Password = "pw";

    // Written by cosign 3.1.1 generate-key-pair with that password, and its public half.
    private const string CosignKey = """
        -----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
        eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6
        OCwicCI6MX0sInNhbHQiOiJJck5xbnIra0NRMnU0dlN1aWZZbm55SmN0RmZ3RjFI
        UnlnUHp5VVZPZFJRPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
        Iiwibm9uY2UiOiJZaTZlbEZ6ejFBRnUzZVBaOTVQa3ptTFRRcFptUGJuYyJ9LCJj
        aXBoZXJ0ZXh0IjoiZEQwS2RRSU1vNjVNT0crNDNYeFpkc2RDYnBlaW9uOHdsVDZm
        YjBVVE51amkxeUprQjI3dW1hT1FVUW80WjRkbXhFbjlkbUlqK1lnbWRSN1VFdW9X
        Mkc2c1Ezb1l5TnVIRVU3TEwva0VwbSsvallxVUlaNi9FZ0xlQ0ZhWUVUdzVaTnBr
        UnFhR2d3Skl4dU1RUjFxRUtyK0I2YllqZXBMUHNadXg2NXA5WGZLTnBmMG1UVEFn
        T2ZVaVpiS3VwVjlBamhjK3I4b29ITXdHalE9PSJ9
        -----END ENCRYPTED SIGSTORE PRIVATE KEY-----
        """;

    private const string CosignPublicKey = """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEjPZ8tNyZXLZOCMeidfNi1M+GfO44
        RvS4tbO4CAxaHQeWMFwaCaa5tyk55V8dy2+wdgyPIrtw0zkVUqCtfsYAvA==
        -----END PUBLIC KEY-----
        """;

    private static readonly PbeParameters Encryption = new(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000);

    public static TheoryData<string> Forms => ["pkcs8", "sec1", "p384", "p521", "rsa", "pkcs1", "ed25519", "encrypted", "encrypted-rsa", "cosign"];

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_key_of_any_form_signs_what_its_public_half_verifies(string form)
    {
        using var key = SigningKey.FromPem(Pem(form), () => Password);
        var sha256 = SHA256.HashData([1, 2, 3]);

        var bundle = SigstoreBundle.Parse(key.SignStatement(SignatureStatement.About(sha256)).ToJson());

        var policy = VerificationPolicy.SignedBy(key.PublicKey).UnsafeWithoutLog();
        var proof = Verifier.Verify(bundle, ArtifactDigests.FromSha256(sha256), policy, Check.Trust);
        Assert.Equal(key.PublicKey.Fingerprint, proof.KeyFingerprint);
        Assert.Equal(SignatureStatement.PredicateType, proof.PredicateType);
        Assert.Equal(key.Hint, bundle.KeyHint);
        Assert.True(key.PublicKey.HasSigned(bundle, SignatureStatement.About(sha256)));
        Assert.False(key.PublicKey.HasSigned(bundle, SignatureStatement.About(SHA256.HashData([4]))));
        var other = Assert.Throws<SignatureException>(
            () => Verifier.Verify(bundle, ArtifactDigests.FromSha256(SHA256.HashData([4])), policy, Check.Trust));
        Assert.Equal(SignatureFailure.WrongArtifact, other.Failure);
        using var stranger = SigningKey.Generate();
        Assert.False(stranger.PublicKey.HasSigned(bundle, SignatureStatement.About(sha256)));
        Assert.Throws<SignatureException>(() => Verifier.Verify(
            bundle, ArtifactDigests.FromSha256(sha256), VerificationPolicy.SignedBy(stranger.PublicKey).UnsafeWithoutLog(), Check.Trust));
    }

    [Fact]
    public void The_key_file_of_cosign_holds_the_key_that_cosign_says()
    {
        using var key = SigningKey.FromPem(CosignKey, () => Password);
        using var older = SigningKey.FromPem(CosignKey.Replace("SIGSTORE", "COSIGN", StringComparison.Ordinal), () => Password);

        Assert.Equal(VerificationKey.FromPem(CosignPublicKey).Fingerprint, key.PublicKey.Fingerprint);
        Assert.Equal(key.PublicKey.Fingerprint, older.PublicKey.Fingerprint);
    }

    [Theory]
    [InlineData("encrypted")]
    [InlineData("encrypted-rsa")]
    [InlineData("cosign")]
    public void A_wrong_password_and_none_are_said(string form)
    {
        var wrong = Assert.Throws<SignatureException>(() => SigningKey.FromPem(Pem(form), () => "wrong"));
        var none = Assert.Throws<SignatureException>(() => SigningKey.FromPem(Pem(form), () => null));

        Assert.Equal((SignatureFailure.BadTrust, SignatureFailure.BadTrust), (wrong.Failure, none.Failure));
        Assert.Contains("the password does not open it", wrong.Message, StringComparison.Ordinal);
        Assert.Contains("no password was given", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_is_not_encrypted_needs_no_password()
    {
        using var key = SigningKey.FromPem(Pem("pkcs8"), () => throw new InvalidOperationException("asked"));

        Assert.NotNull(key.PublicKey);
    }

    // What a key file may cost is the file's word, so it is bounded.
    [Theory]
    [InlineData("\"N\":65536", "\"N\":65537", "scrypt with")]
    [InlineData("\"N\":65536", "\"N\":1073741824", "scrypt with")]
    [InlineData("\"N\":65536", "\"N\":0", "scrypt with")]
    [InlineData("\"r\":8", "\"r\":8000000000", "scrypt with")]
    [InlineData("\"p\":1", "\"p\":1000", "scrypt with")]
    [InlineData("\"scrypt\"", "\"argon2\"", "expected scrypt")]
    [InlineData("nacl/secretbox", "aes", "expected nacl/secretbox")]
    [InlineData("\"nonce\":\"Y", "\"nonce\":\"A", "password")]
    [InlineData("\"nonce\":\"Yi6e", "\"nonce\":\"", "nonce")]
    [InlineData("{", "[", "key file")]
    public void A_changed_key_file_is_refused(string part, string instead, string complaint)
    {
        var body = Encoding.UTF8.GetString(Convert.FromBase64String(CosignKey.Split('\n')[1..^1].Aggregate("", (all, l) => all + l.Trim())));
        var changed = Encoding.UTF8.GetBytes(body.Replace(part, instead, StringComparison.Ordinal));

        var error = Assert.Throws<SignatureException>(
            () => SigningKey.FromPem(PemEncoding.WriteString("ENCRYPTED SIGSTORE PRIVATE KEY", changed), () => Password));

        Assert.Equal(SignatureFailure.BadTrust, error.Failure);
        Assert.Contains(complaint, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_private_key_is_refused()
    {
        using var small = RSA.Create(1024);
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        foreach (var pem in (string[])[
            "", "nothing", ec.ExportSubjectPublicKeyInfoPem(), small.ExportPkcs8PrivateKeyPem(), $"{Pem("pkcs8")}\n{Pem("sec1")}",
            PemEncoding.WriteString("PRIVATE KEY", [1, 2, 3]), PemEncoding.WriteString("EC PRIVATE KEY", []),
            PemEncoding.WriteString("ENCRYPTED PRIVATE KEY", [0x30, 0]), new string('A', 70_000)])
        {
            Assert.Equal(
                SignatureFailure.BadTrust, Assert.Throws<SignatureException>(() => SigningKey.FromPem(pem, () => Password)).Failure);
        }
    }

    private static string Pem(string form)
    {
        using var ec = ECDsa.Create(
            form == "p384" ? ECCurve.NamedCurves.nistP384 : form == "p521" ? ECCurve.NamedCurves.nistP521 : ECCurve.NamedCurves.nistP256);
        using var rsa = RSA.Create(2048);
        return form switch
        {
            "sec1" => ec.ExportECPrivateKeyPem(),
            "rsa" => rsa.ExportPkcs8PrivateKeyPem(),
            "pkcs1" => rsa.ExportRSAPrivateKeyPem(),
            "encrypted" => ec.ExportEncryptedPkcs8PrivateKeyPem(Password, Encryption),
            "encrypted-rsa" => rsa.ExportEncryptedPkcs8PrivateKeyPem(Password, Encryption),
            "ed25519" => PemEncoding.WriteString(
                "PRIVATE KEY", [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20, .. RandomNumberGenerator.GetBytes(32)]),
            "cosign" => CosignKey,
            _ => ec.ExportPkcs8PrivateKeyPem(),
        };
    }
}
