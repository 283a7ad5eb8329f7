using System.Security.Cryptography;

namespace Hyperkube.Sigstore.Bundles;

/// <summary>The document in an envelope: a statement about artifacts that it names by digest.</summary>
/// <remarks>Source: https://github.com/in-toto/attestation/blob/v1.1.2/spec/v1/statement.md</remarks>
internal static class InTotoStatement
{
    internal const string PayloadType = "application/vnd.in-toto+json";

    // As many as sigstore-go allows.
    private const int MaxSubjects = 1024;

    private static readonly string[] Types = ["https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"];
    private static readonly HashAlgorithmName[] Algorithms = [HashAlgorithmName.SHA256, HashAlgorithmName.SHA384, HashAlgorithmName.SHA512];

    /// <summary>Checks what the statement is about.</summary>
    /// <param name="envelope">Holds it.</param>
    /// <param name="artifact">What it has to be about; null for whatever it names, which has to be something.</param>
    /// <returns>What it says about it: the type of its predicate.</returns>
    internal static string Check(DsseEnvelope envelope, ArtifactDigests? artifact)
    {
        if (envelope.PayloadType != PayloadType)
        {
            throw new SignatureException(
                SignatureFailure.Malformed, $"envelope: the payload is of the type '{envelope.PayloadType}'; expected {PayloadType}");
        }

        return JsonPart.Read(
            envelope.Payload, SigstoreBundle.MaxBytes, SignatureFailure.Malformed, "statement", statement => Read(statement, artifact));
    }

    private static string Read(JsonPart statement, ArtifactDigests? artifact)
    {
        var type = statement["_type"].Text();
        if (!Types.Contains(type))
        {
            throw new FormatException($"'_type' is '{type}'; expected {Types[1]}");
        }

        var subjects = statement.Objects("subject", MaxSubjects);
        if (artifact is null)
        {
            return subjects.Count > 0 ? PredicateTypeOf(statement) : throw new FormatException("it names nothing");
        }

        return subjects.Exists(s => IsAbout(s, artifact))
            ? PredicateTypeOf(statement)
            : throw new SignatureException(
                SignatureFailure.WrongArtifact,
                $"statement: about other artifacts, not about sha256:{Convert.ToHexStringLower(artifact.Sha256.Span)}");
    }

    private static string PredicateTypeOf(JsonPart statement) => statement.Find("predicateType")?.Text() ?? "";

    // At least one digest has to be the artifact's, and none that is known may be another's.
    private static bool IsAbout(JsonPart subject, ArtifactDigests artifact)
    {
        if (subject.Find("digest") is not { } digests)
        {
            return false;
        }

        var matches = 0;
        foreach (var algorithm in Algorithms)
        {
            if (digests.Object().Find(HashNames.Lower(algorithm)) is { } named && artifact.Find(algorithm) is { } own)
            {
                if (named.Text() != Convert.ToHexStringLower(own))
                {
                    return false;
                }

                matches++;
            }
        }

        return matches > 0;
    }
}
