using System.Text;
using System.Text.Json.Nodes;
using Hyperkube.Sigstore.Signing;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests.Signing;

public sealed class SimpleSignatureTests
{
    private const string Manifest = "sha256:139e34daa5a53071aef376bfa293a74f4af38e62214678d11dadd470649c0a43";

    // Written by cosign 3.1.1 for an image in a registry on loopback.
    private const string CosignPayload =
        """{"critical":{"identity":{"docker-reference":"127.0.0.1:5791/a/b"},"image":{"docker-manifest-digest":"sha256:139e34daa5a53071aef376bfa293a74f4af38e62214678d11dadd470649c0a43"},"type":"cosign container image signature"},"optional":null}""";

    [Fact]
    public void The_payload_is_that_of_cosign_byte_for_byte()
    {
        using var key = SigningKey.Generate();

        Assert.Equal(CosignPayload, Encoding.UTF8.GetString(SimpleSignature.Sign("127.0.0.1:5791/a/b", Manifest, key).Payload.Span));
    }

    [Theory]
    [InlineData("P256")]
    [InlineData("P384")]
    [InlineData("RSA")]
    [InlineData("Ed25519")]
    public void A_signature_is_read_back_and_verified_by_its_key_alone(string kind)
    {
        using var key = Key(kind);
        using var stranger = Key(kind);

        var read = ReadBack(SimpleSignature.Sign("example.org/a", Manifest, key));

        Assert.Equal(key.PublicKey.Fingerprint, read.Verify(Manifest, By(key), Check.Trust).KeyFingerprint);
        Refused(SignatureFailure.BadSignature, () => read.Verify(Manifest, By(stranger), Check.Trust));
        Refused(SignatureFailure.WrongArtifact, () => read.Verify($"sha256:{new string('a', 64)}", By(key), Check.Trust));
        Refused(SignatureFailure.MissingEvidence, () => read.Verify(Manifest, VerificationPolicy.SignedBy(key.PublicKey), Check.Trust));
        Refused(SignatureFailure.WrongSigner, () => read.Verify(Manifest, Check.Policy, Check.Trust));
    }

    [Theory]
    [InlineData("\"cosign container", "\"other container")]
    [InlineData("docker-manifest-digest", "docker-digest")]
    [InlineData("\"critical\"", "\"uncritical\"")]
    [InlineData("\"optional\":null", "\"critical\":null")]
    [InlineData("}", "")]
    public void A_payload_of_another_form_is_refused(string part, string instead)
    {
        using var key = SigningKey.Generate();
        var changed = Encoding.UTF8.GetBytes(CosignPayload.Replace(part, instead, StringComparison.Ordinal));

        Refused(SignatureFailure.Malformed, () => SimpleSignature.Parse(changed, _ => "AAAA"));
    }

    [Fact]
    public void A_changed_payload_or_signature_is_refused()
    {
        using var key = SigningKey.Generate();
        var signed = SimpleSignature.Sign("example.org/a", Manifest, key);
        var payload = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(signed.Payload.Span).Replace("example.org/a", "example.org/b", StringComparison.Ordinal));
        var signature = Convert.FromBase64String(signed.Signature);
        signature[^1] ^= 1;

        Refused(SignatureFailure.BadSignature, () => Parse(payload, signed.Signature).Verify(Manifest, By(key), Check.Trust));
        Refused(SignatureFailure.BadSignature,
            () => Parse(signed.Payload.ToArray(), Convert.ToBase64String(signature)).Verify(Manifest, By(key), Check.Trust));
        Refused(SignatureFailure.NotSigned, () => SimpleSignature.Parse(payload, _ => null));
        Refused(SignatureFailure.Malformed, () => Parse(payload, "no base64"));
        Refused(SignatureFailure.Malformed, () => Parse(payload, new string('A', 300_000)));
        Refused(SignatureFailure.Malformed, () => Parse(new byte[SimpleSignature.MaxPayloadBytes + 1], "AAAA"));
    }

    [Fact]
    public void A_certificate_and_a_promise_of_the_log_prove_an_identity()
    {
        var (payload, annotations) = Keyless(Encoding.UTF8.GetBytes(CosignPayload));

        var proof = SimpleSignature.Parse(payload, annotations.GetValueOrDefault).Verify(Manifest, Check.Policy, Check.Trust);

        Assert.Equal(Check.Policy.Identities[0], proof.Signer);
        Assert.Equal(SigstoreAuthority.SignedAt, proof.SignedAt);
    }

    [Theory]
    [InlineData(SimpleSignature.LogAnnotation, SignatureFailure.MissingEvidence)]
    [InlineData(SimpleSignature.CertificateAnnotation, SignatureFailure.WrongSigner)]
    public void Without_its_evidence_it_proves_none(string missing, SignatureFailure expected)
    {
        var (payload, annotations) = Keyless(Encoding.UTF8.GetBytes(CosignPayload));
        annotations.Remove(missing);

        Refused(expected, () => SimpleSignature.Parse(payload, annotations.GetValueOrDefault).Verify(Manifest, Check.Policy, Check.Trust));
    }

    [Fact]
    public void The_log_entry_of_another_signature_proves_nothing()
    {
        var (payload, annotations) = Keyless(Encoding.UTF8.GetBytes(CosignPayload));
        annotations[SimpleSignature.LogAnnotation] = Keyless([1, 2, 3]).Annotations[SimpleSignature.LogAnnotation];

        Refused(SignatureFailure.BadLogEntry,
            () => SimpleSignature.Parse(payload, annotations.GetValueOrDefault).Verify(Manifest, Check.Policy, Check.Trust));
    }

    private static (byte[] Payload, Dictionary<string, string> Annotations) Keyless(byte[] payload)
    {
        var signed = Check.Authority.Sign(payload);
        var entry = signed.Entry;
        JsonObject log = new()
        {
            ["SignedEntryTimestamp"] = (string)entry["inclusionPromise"]!["signedEntryTimestamp"]!,
            ["Payload"] = new JsonObject
            {
                ["body"] = (string)entry["canonicalizedBody"]!,
                ["integratedTime"] = long.Parse((string)entry["integratedTime"]!, System.Globalization.CultureInfo.InvariantCulture),
                ["logIndex"] = long.Parse((string)entry["logIndex"]!, System.Globalization.CultureInfo.InvariantCulture),
                ["logID"] = Convert.ToHexStringLower(Convert.FromBase64String((string)entry["logId"]!["keyId"]!)),
            },
        };
        return (payload, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [SimpleSignature.SignatureAnnotation] = signed.SignatureFile,
            [SimpleSignature.CertificateAnnotation] = Encoding.UTF8.GetString(Convert.FromBase64String(signed.CertificateFile)),
            [SimpleSignature.LogAnnotation] = log.ToJsonString(),
        });
    }

    private static SimpleSignature ReadBack(SimpleSignature signed) => Parse(signed.Payload.ToArray(), signed.Signature);

    private static SimpleSignature Parse(byte[] payload, string signature) =>
        SimpleSignature.Parse(payload, name => name == SimpleSignature.SignatureAnnotation ? signature : null);

    private static VerificationPolicy By(SigningKey key) => VerificationPolicy.SignedBy(key.PublicKey).UnsafeWithoutLog();

    private static void Refused(SignatureFailure expected, Action act)
    {
        var error = Assert.Throws<SignatureException>(act);
        Assert.True(error.Failure == expected, $"{error.Failure}: {error.Message}; expected {expected}");
    }

    private static SigningKey Key(string kind)
    {
        if (kind == "Ed25519")
        {
            byte[] der = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20, .. System.Security.Cryptography.RandomNumberGenerator.GetBytes(32)];
            return SigningKey.FromPem(System.Security.Cryptography.PemEncoding.WriteString("PRIVATE KEY", der), () => null);
        }

        using var key = kind == "P256" ? TestKey.P256() : kind == "P384" ? TestKey.P384() : TestKey.Rsa();
        return SigningKey.FromPem(key.PrivatePem, () => null);
    }
}
