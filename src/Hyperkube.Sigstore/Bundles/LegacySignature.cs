using System.Security.Cryptography;
using System.Text;
using Hyperkube.Sigstore.Certificates;
using Hyperkube.Sigstore.Logs;

namespace Hyperkube.Sigstore.Bundles;

/// <summary>A signature as older releases publish it: a <c>.sig</c> and a <c>.cert</c> beside the file, and the rest in the
/// log.</summary>
/// <remarks>
/// The log entry's name is computed, not searched for: it is the hash of what the entry has to say. Whatever a server
/// answers, only the entry about this very signature has that name. Source:
/// https://github.com/sigstore/cosign/blob/v2.6.3/cmd/cosign/cli/sign/sign_blob.go (what is written) and
/// https://github.com/sigstore/rekor/blob/v1.4.2/pkg/types/hashedrekord/v0.0.1/hashedrekord_v0_0_1_schema.json
/// </remarks>
public sealed class LegacySignature
{
    private const int MaxTextChars = 64 << 10;

    private readonly byte[] _signature;
    private readonly Certificate _certificate;

    private LegacySignature(byte[] signature, Certificate certificate)
    {
        _signature = signature;
        _certificate = certificate;
    }

    /// <summary>Reads the two files.</summary>
    /// <param name="signature">The <c>.sig</c>: a signature in base64.</param>
    /// <param name="certificate">The <c>.cert</c>: a certificate in PEM, or that in base64 again.</param>
    /// <exception cref="SignatureException">One of them is empty (<see cref="SignatureFailure.NotSigned"/>) or something
    /// else (<see cref="SignatureFailure.Malformed"/>).</exception>
    public static LegacySignature Parse(string signature, string certificate)
    {
        if (string.IsNullOrWhiteSpace(signature) || string.IsNullOrWhiteSpace(certificate))
        {
            throw new SignatureException(SignatureFailure.NotSigned, "signature: the file of the signature or of the certificate is empty");
        }

        try
        {
            return new LegacySignature(Decode(signature, "signature"), Certificate.Parse(ReadCertificate(certificate.Trim())));
        }
        catch (FormatException e)
        {
            throw new SignatureException(SignatureFailure.Malformed, $"signature or certificate file: {e.Message}", e);
        }
    }

    /// <summary>The name of the log entry about this signature of an artifact: 64 lower-case hex digits.</summary>
    /// <remarks>It is the same in each of the log's trees; the log's own answers put 16 digits for the tree before it.</remarks>
    public string EntryId(ArtifactDigests artifact) => Convert.ToHexStringLower(MerkleProof.LeafHash(Body(artifact)));

    /// <summary>Puts signature, certificate and log entry into one bundle, which any verifier of today reads.</summary>
    /// <param name="artifact">What was signed.</param>
    /// <param name="entry">What the log answered.</param>
    /// <returns>A bundle that is not verified yet.</returns>
    /// <exception cref="SignatureException">The entry is about another signature or another artifact
    /// (<see cref="SignatureFailure.BadLogEntry"/>), or lacks its proof (<see cref="SignatureFailure.BadInclusionProof"/>).
    /// </exception>
    public SigstoreBundle ToBundle(ArtifactDigests artifact, RekorEntry entry)
    {
        ArgumentNullException.ThrowIfNull(artifact);
        ArgumentNullException.ThrowIfNull(entry);
        if (!entry.Entry.Body.AsSpan().SequenceEqual(Body(artifact)) || entry.Id != EntryId(artifact))
        {
            throw new SignatureException(
                SignatureFailure.BadLogEntry, "log entry: the log answered with one about another signature, artifact or signer");
        }

        MessageDigest digest = new(HashAlgorithmName.SHA256, artifact.Sha256.ToArray());
        return new SigstoreBundle(_certificate, keyHint: null, new MessageSignature(_signature, digest), [], []).With(entry);
    }

    private byte[] Body(ArtifactDigests artifact)
    {
        ArgumentNullException.ThrowIfNull(artifact);
        MessageDigest digest = new(HashAlgorithmName.SHA256, artifact.Sha256.ToArray());
        return Encoding.UTF8.GetBytes(EntryBody.HashedRekord(Pem.Encode("CERTIFICATE", _certificate.Der.Span), _signature, digest));
    }

    private static byte[] ReadCertificate(string text)
    {
        var isPem = text.StartsWith("-----", StringComparison.Ordinal);
        return Pem.Decode(isPem ? text : Encoding.ASCII.GetString(Decode(text, "certificate")), "CERTIFICATE");
    }

    private static byte[] Decode(string text, string what) =>
        text.Length <= MaxTextChars && CanonicalBase64.TryDecode(text.Trim(), out var bytes) && bytes.Length > 0
            ? bytes
            : throw new FormatException($"the {what} is not base64, or longer than {MaxTextChars} characters");
}
