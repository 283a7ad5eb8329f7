using Hyperkube.Oci;
using Hyperkube.Sigstore;

namespace Hyperkube.Publishing;

/// <summary>Somebody whose signature of an image counts.</summary>
/// <param name="Name">As messages say it.</param>
/// <param name="Policy">What has to be proved of a signature to be theirs.</param>
public sealed record TrustedSigner(string Name, VerificationPolicy Policy)
{
    /// <summary>The holder of a key. Their signatures need not be in a log: whoever has the key's other half knows whom to ask.</summary>
    /// <param name="pem">The public key.</param>
    /// <param name="where">Where it was named, for messages.</param>
    /// <exception cref="HyperkubeException">It is none (<see cref="ErrorKind.Usage"/>).</exception>
    public static TrustedSigner OfKey(string pem, string where)
    {
        try
        {
            var key = VerificationKey.FromPem(pem);
            return new TrustedSigner($"the key {where}", VerificationPolicy.SignedBy(key).UnsafeWithoutLog());
        }
        catch (SignatureException e)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"{where}: {e.Message}; expected a public key in PEM", e)
            {
                Hint = "cosign public-key --key FILE, or openssl pkey -in FILE -pubout, writes the public half of a key",
            };
        }
    }

    /// <summary>Somebody whom an issuer of identities vouches for. Their signatures have to be in a log.</summary>
    public static TrustedSigner OfIdentity(SignerIdentity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        return new TrustedSigner(identity.ToString(), VerificationPolicy.SignedBy(identity));
    }

    /// <summary>Whether both stand for one signer, who must not count twice.</summary>
    internal bool IsSameAs(TrustedSigner other) =>
        Policy.Key?.Fingerprint == other.Policy.Key?.Fingerprint && Policy.Identities.SequenceEqual(other.Policy.Identities);
}
