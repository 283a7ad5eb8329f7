using Hyperkube.Sigstore.Bundles;

namespace Hyperkube.Sigstore.Signing;

/// <summary>Signs in-toto statements: with a key, or with an identity that somebody vouches for.</summary>
public interface IStatementSigner
{
    /// <summary>Signs a statement.</summary>
    /// <param name="statement">The document, byte for byte as it is signed.</param>
    /// <param name="cancellationToken">Ends the wait for those who witness signatures.</param>
    /// <returns>The statement with its signature, as any verifier reads it.</returns>
    Task<SigstoreBundle> SignAsync(ReadOnlyMemory<byte> statement, CancellationToken cancellationToken);
}

/// <summary>Signs with a key that whoever verifies has to know. Nobody witnesses it.</summary>
/// <param name="key">The key, which stays the caller's.</param>
public sealed class KeySigner(SigningKey key) : IStatementSigner
{
    /// <inheritdoc/>
    public Task<SigstoreBundle> SignAsync(ReadOnlyMemory<byte> statement, CancellationToken cancellationToken) =>
        Task.FromResult(new SigstoreBundle(certificate: null, key.Hint, DsseEnvelope.Sign(statement.ToArray(), key), [], []));
}
