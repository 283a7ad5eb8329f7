using System.Net.Http.Headers;

namespace Hyperkube.Oci.Registry;

/// <summary>One request, as often as it must be sent.</summary>
/// <param name="Method">The method.</param>
/// <param name="Uri">Absolute.</param>
/// <param name="Scopes">What a token must allow, the repository that is asked first.</param>
internal sealed record RegistryRequest(HttpMethod Method, Uri Uri, IReadOnlyList<TokenScope> Scopes)
{
    /// <summary>What may be answered; everything when empty.</summary>
    internal IReadOnlyList<string> Accept { get; init; } = [];

    /// <summary>Which bytes; null for all.</summary>
    internal RangeHeaderValue? Range { get; init; }

    /// <summary>Makes the body anew for each try; null when there is none.</summary>
    internal Func<CancellationToken, ValueTask<HttpContent>>? Body { get; init; }

    /// <summary>How often it is tried at most; null for as often as the policy says.</summary>
    internal int? MaxAttempts { get; init; }

    internal string Where => $"{Method} {Http.HttpFailure.Where(Uri)}";
}

/// <summary>What a token must allow.</summary>
/// <remarks>Source: https://distribution.github.io/distribution/spec/auth/scope/</remarks>
/// <param name="Repository">On which repository.</param>
/// <param name="Actions"><c>pull</c> or <c>pull,push</c>.</param>
internal readonly record struct TokenScope(string Repository, string Actions)
{
    public override string ToString() => $"repository:{Repository}:{Actions}";
}
