namespace Hyperkube.Sigstore.Tuf;

/// <summary>The four documents of a repository, each signed by keys of its own.</summary>
public enum TufRole
{
    /// <summary>Names the keys of all roles, its own among them.</summary>
    Root,

    /// <summary>Names the newest snapshot, and is signed anew every few days.</summary>
    Timestamp,

    /// <summary>Names the version of every other document.</summary>
    Snapshot,

    /// <summary>Names the files.</summary>
    Targets,
}

/// <summary>Which check of a document failed.</summary>
public enum TufCheck
{
    /// <summary>It cannot be read, or breaks a rule of its format.</summary>
    Format,

    /// <summary>Fewer keys have signed it than have to.</summary>
    Threshold,

    /// <summary>It is older than one that was seen, or not the version that another document names.</summary>
    Version,

    /// <summary>Its time is over: who serves it holds back newer ones, or this machine's clock is wrong.</summary>
    Expiry,

    /// <summary>It is longer or shorter than is said, or than is read.</summary>
    Length,

    /// <summary>It is not what its hash says.</summary>
    Hash,

    /// <summary>The mirror does not have it, or it does not name what is wanted.</summary>
    Missing,
}

/// <summary>A repository that cannot be believed. The message names the role and the check.</summary>
public sealed class TufException(TufRole role, TufCheck check, string says, Exception? innerException = null)
    : Exception($"{Name(role)} {Word(check)}: {says}", innerException)
{
    /// <summary>Whose document.</summary>
    public TufRole Role { get; } = role;

    /// <summary>Which check.</summary>
    public TufCheck Check { get; } = check;

    /// <summary>A role as documents and paths call it.</summary>
    internal static string Name(TufRole role) => role switch
    {
        TufRole.Root => "root",
        TufRole.Timestamp => "timestamp",
        TufRole.Snapshot => "snapshot",
        _ => "targets",
    };

    private static string Word(TufCheck check) => check switch
    {
        TufCheck.Format => "format",
        TufCheck.Threshold => "threshold",
        TufCheck.Version => "version",
        TufCheck.Expiry => "expiry",
        TufCheck.Length => "length",
        TufCheck.Hash => "hash",
        _ => "missing",
    };
}
