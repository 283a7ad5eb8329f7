using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Serialization;

namespace Hyperkube.Host;

/// <summary>What the file system says of a file: if all of it is as it was, nobody has written to the file since.</summary>
/// <param name="Device">Of the file system.</param>
/// <param name="Inode">Of the file.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Modified">When its content changed, in nanoseconds since 1970.</param>
/// <param name="Changed">When content or owner, mode, name changed, in nanoseconds since 1970.</param>
public sealed record FileStamp(long Device, long Inode, long Size, long Modified, long Changed)
{
    private const int RegularType = 0x8000;
    private const int LinkType = 0xA000;

    [JsonIgnore]
    internal int Type { get; init; }

    /// <summary>Bytes of the disk that it takes: more than its size where space was taken ahead.</summary>
    [JsonIgnore]
    internal long Allocated { get; init; }

    [JsonIgnore]
    internal UnixFileMode Mode { get; init; }

    [JsonIgnore]
    internal FileOwner Owner { get; init; } = FileOwner.Root;

    [JsonIgnore]
    internal bool IsFile => Type == RegularType;

    [JsonIgnore]
    internal bool IsLink => Type == LinkType;

    /// <summary>Whether it is the same file, untouched.</summary>
    public bool IsSame(FileStamp? other) =>
        other is not null
        && (Device, Inode, Size, Modified, Changed) == (other.Device, other.Inode, other.Size, other.Modified, other.Changed);
}

/// <summary>Whose a file is, by number.</summary>
/// <param name="User">The user's number.</param>
/// <param name="Group">The group's number.</param>
public sealed record FileOwner(int User, int Group) : IParsable<FileOwner>
{
    /// <summary>root:root.</summary>
    public static FileOwner Root { get; } = new(0, 0);

    /// <summary>Reads <c>UID:GID</c>; <c>root</c> is understood.</summary>
    /// <exception cref="FormatException">It is none; the message quotes it.</exception>
    public static FileOwner Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var owner)
            ? owner
            : throw new FormatException($"'{s}' is not an owner; expected UID:GID in numbers, for example 0:0");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [NotNullWhen(true)] out FileOwner? result)
    {
        result = s?.Split(':') is [var user, var group] && Number(user) is { } uid && Number(group) is { } gid
            ? new FileOwner(uid, gid)
            : null;
        return result is not null;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{User}:{Group}";

    // Names would have to be looked up in the host's own files, which a mounted host need not share with this one.
    private static int? Number(string text) =>
        text == "root" ? 0
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
        : null;
}
