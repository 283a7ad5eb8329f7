using System.Diagnostics.CodeAnalysis;

namespace Hyperkube.Releases;

/// <summary>The name of a binary of a release, such as <c>kubelet</c>; safe as a file name and in a URL.</summary>
public sealed record BinaryName : IParsable<BinaryName>, IComparable<BinaryName>
{
    private const int MaxLength = 64;

    private BinaryName(string text) => Text = text;

    /// <summary>The agent of a node.</summary>
    public static BinaryName Kubelet { get; } = new("kubelet");

    /// <summary>The command line of a cluster.</summary>
    public static BinaryName Kubectl { get; } = new("kubectl");

    /// <summary>The name itself.</summary>
    public string Text { get; }

    /// <summary>Reads a name: lower-case letters, digits and dashes. <c>sleep</c> is refused: it is the image's own.</summary>
    /// <exception cref="FormatException">It is none; the message quotes it.</exception>
    public static BinaryName Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var name) ? name
        : s == "sleep" ? throw new FormatException("'sleep' is the image's own entrypoint and cannot be a binary's name")
        : throw new FormatException($"'{s}' is not a binary's name; expected lower-case letters, digits and dashes, such as kubelet");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [NotNullWhen(true)] out BinaryName? result)
    {
        var valid = s is { Length: > 0 and <= MaxLength } && char.IsAsciiLetterLower(s[0]) && s != "sleep"
            && s.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
        result = valid ? new BinaryName(s!) : null;
        return valid;
    }

    /// <summary>kubelet, kubectl, then the others by name: the order of an image's layers.</summary>
    public int CompareTo(BinaryName? other) => other is null ? 1
        : Rank != other.Rank ? Rank.CompareTo(other.Rank)
        : string.CompareOrdinal(Text, other.Text);

    private int Rank => Text switch
    {
        "kubelet" => 0,
        "kubectl" => 1,
        _ => 2,
    };

    /// <inheritdoc/>
    public override string ToString() => Text;
}
