using System.Security.Cryptography;
using System.Text;

namespace Hyperkube.Sigstore.Signing;

/// <summary>The statement by which something is signed as it is: it names a digest and says no more.</summary>
/// <remarks>Source: https://github.com/sigstore/cosign/blob/v3.0.2/specs/BUNDLE_SPEC.md</remarks>
public static class SignatureStatement
{
    /// <summary>What it says: that it was signed.</summary>
    public const string PredicateType = "https://sigstore.dev/cosign/sign/v1";

    /// <summary>The statement about a digest.</summary>
    /// <param name="sha256">Exactly 32 bytes.</param>
    public static byte[] About(ReadOnlySpan<byte> sha256) =>
        sha256.Length == SHA256.HashSizeInBytes
            ? Encoding.ASCII.GetBytes(
                $$$"""{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"{{{Convert.ToHexStringLower(sha256)}}}"}}],"""
                + $$$""" "predicateType":"{{{PredicateType}}}","predicate":{}}""".TrimStart())
            : throw new ArgumentException($"A SHA-256 has 32 bytes, not {sha256.Length}.", nameof(sha256));
}
