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

<<<<<<< HEAD
=======
    /// <summary>The most serious of several failures: 4 before 2, 7, 8, 5, 6, 3.</summary>
    internal static T MostSerious<T>(IEnumerable<T> failures, Func<T, ErrorKind> kind) => failures.MinBy(f => Of(kind(f)) switch
    {
        Bug => 0,
        4 => 1,
        Usage => 2,
        7 => 3,
        8 => 4,
        5 => 5,
        6 => 6,
        _ => 7,
    })!;

>>>>>>> release-fixes
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
