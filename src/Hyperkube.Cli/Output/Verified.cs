using Hyperkube.Releases;

namespace Hyperkube.Cli.Output;

/// <summary>Kinds of verification as output names them.</summary>
internal static class Verified
{
    internal static string Text(Verification verification) => verification switch
    {
        Verification.Signature => "signature",
        Verification.Checksum => "checksum",
        Verification.Exception => "exception",
        _ => throw new ArgumentOutOfRangeException(nameof(verification)),
    };

    /// <summary>What proves the version: the release's signed list of files, or only the source's claim.</summary>
    internal static string VersionText(VerifiedBinary binary) => binary.IsVersionProved ? "listed" : "claimed";

    /// <summary>Both, as a person reads it; a checksum proves no version anyway.</summary>
    internal static string Line(string verified, string versionProof) =>
        verified == Text(Verification.Checksum) ? $"verified by {verified}" : $"verified by {verified}, version: {versionProof}";
}
