using Hyperkube.Sigstore.Certificates;

namespace Hyperkube.Sigstore.Logs;

/// <summary>What the signature is to be checked with, and how log entries write it down.</summary>
/// <param name="Key">The signer's key.</param>
/// <param name="Certificate">Where the key is from; null for a key that the caller knows.</param>
internal sealed record SignerMaterial(VerificationKey Key, Certificate? Certificate)
{
    /// <summary>As entries of the first version hold it: the PEM form of the certificate or the key.</summary>
    internal string Pem => Certificate is { } certificate
        ? Sigstore.Pem.Encode("CERTIFICATE", certificate.Der.Span)
        : Sigstore.Pem.Encode("PUBLIC KEY", Key.Spki.Span);
}
