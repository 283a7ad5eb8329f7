using System.Security.Cryptography;
using System.Text;

namespace Hyperkube.Sigstore.Bundles;

/// <summary>A signature and what it is over.</summary>
/// <param name="Signature">Its bytes, as the key's algorithm writes them.</param>
internal abstract record SignedContent(byte[] Signature);

/// <summary>A signature over the artifact itself.</summary>
/// <param name="Signature">Its bytes.</param>
/// <param name="Digest">What the bundle says the artifact's digest is: a hint, which must not be wrong.</param>
internal sealed record MessageSignature(byte[] Signature, MessageDigest? Digest) : SignedContent(Signature)
{
    internal static MessageSignature Read(JsonPart message) =>
        new(
            message["signature"].SomeBytes(),
            message.Find("messageDigest") is { } digest ? MessageDigest.Read(digest.Object()) : null);
}

/// <summary>The digest of an artifact and the algorithm that made it.</summary>
internal sealed record MessageDigest(HashAlgorithmName Algorithm, byte[] Value)
{
    internal static MessageDigest Read(JsonPart digest)
    {
        var name = digest["algorithm"].Text();
        return new MessageDigest(
            HashNames.OfProtobuf(name)
                ?? throw new FormatException($"'{digest.Path}.algorithm' is '{name}'; expected SHA2_256, SHA2_384 or SHA2_512"),
            digest["digest"].SomeBytes());
    }
}

/// <summary>A signed document about artifacts: a DSSE envelope with exactly one signature.</summary>
/// <remarks>Source: https://github.com/secure-systems-lab/dsse/blob/v1.0.2/envelope.md</remarks>
internal sealed record DsseEnvelope(string PayloadType, byte[] Payload, byte[] Signature) : SignedContent(Signature)
{
    private const int MaxSignatures = 1;

    /// <summary>What is signed.</summary>
    internal byte[] PreAuthenticationEncoding()
    {
        var head = Encoding.UTF8.GetBytes($"DSSEv1 {Encoding.UTF8.GetByteCount(PayloadType)} {PayloadType} {Payload.Length} ");
        return [.. head, .. Payload];
    }

    /// <summary>Signs an in-toto statement by its SHA-256, whatever the key's curve: cosign 3 checks it with nothing else.</summary>
    internal static DsseEnvelope Sign(byte[] statement, Signing.SigningKey key)
    {
        DsseEnvelope unsigned = new(InTotoStatement.PayloadType, statement, []);
        return unsigned with { Signature = key.Sign(unsigned.PreAuthenticationEncoding(), HashAlgorithmName.SHA256) };
    }

    internal static DsseEnvelope Read(JsonPart envelope)
    {
        var signatures = envelope.Objects("signatures", MaxSignatures);
        return signatures.Count == 0
            ? throw new SignatureException(SignatureFailure.NotSigned, $"bundle: '{envelope.Path}' has no signature")
            : new DsseEnvelope(envelope["payloadType"].Text(), envelope["payload"].Bytes(), signatures[0]["sig"].SomeBytes());
    }
}
