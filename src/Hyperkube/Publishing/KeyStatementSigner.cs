using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Bundles;
using Hyperkube.Sigstore.Signing;

namespace Hyperkube.Publishing;

/// <summary>Signs statements with a key that whoever verifies has to know.</summary>
/// <param name="key">The key, which stays the caller's.</param>
public sealed class KeyStatementSigner(SigningKey key) : IStatementSigner
{
    /// <inheritdoc/>
    public Task<ReadOnlyMemory<byte>> SignAsync(ReadOnlyMemory<byte> statement, CancellationToken cancellationToken) =>
        Task.FromResult<ReadOnlyMemory<byte>>(key.SignStatement(statement).ToJson());

    /// <inheritdoc/>
    public bool HasSigned(ReadOnlyMemory<byte> bundle, ReadOnlyMemory<byte> statement)
    {
        try
        {
            return key.PublicKey.HasSigned(SigstoreBundle.Parse(bundle), statement.Span);
        }
        catch (SignatureException)
        {
            return false; // Somebody else's, of any form.
        }
    }
}
