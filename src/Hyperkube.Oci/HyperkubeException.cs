using System.Diagnostics.CodeAnalysis;

namespace Hyperkube.Oci;

/// <summary>Why an operation failed, as far as a caller can act on it. The command line turns each into an exit
/// code and into the <c>kind</c> of its JSON error.</summary>
[SuppressMessage("Naming", "CA1720:Identifier contains type name", Justification = "Without a signature, not without a sign.")]
public enum ErrorKind
{
    /// <summary>The caller asked for something that cannot be: a bad reference, an unknown platform.</summary>
    Usage,

    /// <summary>The release, image, tag, platform or file is not there.</summary>
    NotFound,

    /// <summary>Content is not what its digest, checksum or size says.</summary>
    BadDigest,

    /// <summary>Content is what its digest says and still cannot be right: no program, another architecture, a
    /// malformed manifest or archive.</summary>
    BadContent,

    /// <summary>Nothing proves who made the content, and proof was asked for.</summary>
    Unsigned,

    /// <summary>What should prove who made the content does not: a signature, certificate or log entry is wrong, or another's.</summary>
    BadSignature,

    /// <summary>A tag stands for other content and was not told to move.</summary>
    TagConflict,

    /// <summary>The far side knows the caller and refuses, or does not know the caller.</summary>
    AccessDenied,

    /// <summary>The far side is unreachable, busy or broken. Worth a retry later.</summary>
    Unavailable,

    /// <summary>The time that was allowed has passed. Worth a retry later.</summary>
    TimedOut,

    /// <summary>The local disk or host refused.</summary>
    HostFailed,

    /// <summary>What was to be done is done, or was undone, but a program that depends on it is not well.</summary>
    Unhealthy,

    /// <summary>The content failed here before and is not tried again unasked.</summary>
    OnHold,
}

/// <summary>A failure the user should read, not debug: its message says where, what came, and what was expected.
/// </summary>
public class HyperkubeException(ErrorKind kind, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>What the caller can act on.</summary>
    public ErrorKind Kind { get; } = kind;

    /// <summary>The next thing to try, as one imperative clause; null when there is nothing to suggest.</summary>
    public string? Hint { get; init; }
}
