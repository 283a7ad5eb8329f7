using System.Diagnostics.CodeAnalysis;

namespace Hyperkube.Oci.Registry;

/// <summary>What proves to a registry who is asking. Prints without its secret.</summary>
[SuppressMessage("Design", "CA1034:Nested types should not be visible", Justification = "These are its only kinds.")]
public abstract record Credential
{
    private Credential()
    {
    }

    /// <summary>A name and a password, for Basic and for token services.</summary>
    /// <param name="User">The name.</param>
    /// <param name="Password">The secret.</param>
    public sealed record Login(string User, string Password) : Credential
    {
        /// <inheritdoc/>
        public override string ToString() => $"login of {User}";
    }

    /// <summary>A refresh token: a token service gives access tokens for it.</summary>
    /// <param name="Token">The secret.</param>
    /// <remarks>Source: https://distribution.github.io/distribution/spec/auth/oauth/</remarks>
    public sealed record IdentityToken(string Token) : Credential
    {
        /// <inheritdoc/>
        public override string ToString() => "identity token";
    }

    /// <summary>An access token that is sent as it is.</summary>
    /// <param name="Token">The secret.</param>
    public sealed record RegistryToken(string Token) : Credential
    {
        /// <inheritdoc/>
        public override string ToString() => "registry token";
    }
}
