using Hyperkube.Oci;

namespace Hyperkube.Cli;

/// <summary>Exit codes: what a calling program should do. The only place where a kind of error becomes a number.</summary>
internal static class ExitCodes
{
    internal const int Success = 0;
    internal const int Bug = 1;
    internal const int Usage = 2;
    internal const int Interrupted = 130; // 128 + SIGINT, as shells count
    internal const int Terminated = 143; // 128 + SIGTERM

    internal static int Of(ErrorKind kind) => kind switch
    {
        ErrorKind.Usage => Usage,
        ErrorKind.NotFound => 3,
        ErrorKind.BadDigest or ErrorKind.BadContent or ErrorKind.Unsigned or ErrorKind.BadSignature or ErrorKind.TagConflict => 4,
        ErrorKind.AccessDenied => 5,
        ErrorKind.Unavailable or ErrorKind.TimedOut => 6,
        ErrorKind.HostFailed => 7,
        ErrorKind.Unhealthy or ErrorKind.OnHold => 8,
        _ => Bug,
    };

    /// <summary>The kind as JSON names it: <c>bad-digest</c>.</summary>
    internal static string NameOf(ErrorKind kind) => kind switch
    {
        ErrorKind.Usage => "usage",
        ErrorKind.NotFound => "not-found",
        ErrorKind.BadDigest => "bad-digest",
        ErrorKind.BadContent => "bad-content",
        ErrorKind.Unsigned => "unsigned",
        ErrorKind.BadSignature => "bad-signature",
        ErrorKind.TagConflict => "tag-conflict",
        ErrorKind.AccessDenied => "access-denied",
        ErrorKind.Unavailable => "unavailable",
        ErrorKind.TimedOut => "timed-out",
        ErrorKind.HostFailed => "host-failed",
        ErrorKind.Unhealthy => "unhealthy",
        ErrorKind.OnHold => "on-hold",
        _ => "bug",
    };
}
