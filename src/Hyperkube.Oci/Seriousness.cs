namespace Hyperkube.Oci;

/// <summary>Which of several failures decides: the one that forbids most to whoever acts on it.</summary>
public static class Seriousness
{
    private static readonly ErrorKind[] MostFirst =
    [
        ErrorKind.BadDigest, ErrorKind.BadContent, ErrorKind.BadSignature, ErrorKind.Unsigned, ErrorKind.TagConflict,
        ErrorKind.Usage, ErrorKind.HostFailed, ErrorKind.Unhealthy, ErrorKind.OnHold, ErrorKind.AccessDenied,
        ErrorKind.TimedOut, ErrorKind.Unavailable, ErrorKind.NotFound,
    ];

    /// <summary>The most serious of several: what is wrong before what the host refuses, what is unhealthy or on hold, what is forbidden,
    /// what cannot be reached, and what is not there.</summary>
    /// <param name="failures">At least one.</param>
    /// <param name="kind">The kind of each.</param>
    public static T Most<T>(IEnumerable<T> failures, Func<T, ErrorKind> kind) => failures.MinBy(f => Array.IndexOf(MostFirst, kind(f)))!;
}
