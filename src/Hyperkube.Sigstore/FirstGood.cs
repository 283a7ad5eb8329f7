using System.Formats.Asn1;

namespace Hyperkube.Sigstore;

/// <summary>Where a trusted root has several that may be meant: one key listed for two periods, say.</summary>
internal static class FirstGood
{
    /// <summary>The answer of the first one that is right.</summary>
    /// <param name="candidates">At least one.</param>
    /// <param name="check">Throws where one is not.</param>
    /// <exception cref="SignatureException">None is; the last one's complaint.</exception>
    internal static TResult Of<T, TResult>(IReadOnlyList<T> candidates, Func<T, TResult> check)
    {
        for (var i = 0; i < candidates.Count - 1; i++)
        {
            try
            {
                return check(candidates[i]);
            }
            catch (Exception e) when (e is SignatureException or FormatException or AsnContentException)
            {
                // The next one may be the right one.
            }
        }

        return check(candidates[^1]);
    }
}
