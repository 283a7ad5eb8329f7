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
}
