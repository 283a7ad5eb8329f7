using System.Buffers;

namespace Hyperkube.Oci.Registry.Credentials;

/// <summary>Which images a provider is asked for and a login of its is meant for: <c>*.dkr.ecr.*.amazonaws.com</c>.</summary>
/// <remarks>
/// As many labels as the host has, each a glob of its own; the same port, or none on both sides; and a path that the
/// image's begins with, by letters and not by slashes.
/// Source: https://github.com/kubernetes/kubernetes/blob/v1.35.0/pkg/credentialprovider/keyring.go (URLsMatch)
/// </remarks>
internal sealed class ImagePattern
{
    private static readonly SearchValues<char> NeverInHost = SearchValues.Create(" \\^`{|}%");

    private readonly string[] _labels;
    private readonly string _port;
    private readonly string _path;

    private ImagePattern(string host, string port, string path) => (_labels, _port, _path) = (host.Split('.'), port, path);

    /// <summary>Reads a pattern, or an image's name; null where Go finds no URL.</summary>
    public static ImagePattern? TryParse(string text)
    {
        if (text.Any(char.IsControl))
        {
            return null;
        }

        var query = text.AsSpan().IndexOfAny('?', '#');
        var url = query < 0 ? text : text[..query];
        var slash = url.IndexOf('/', StringComparison.Ordinal);
        var authority = slash < 0 ? url : url[..slash];
        var host = authority[(authority.LastIndexOf('@') + 1)..];
        if (host.AsSpan().ContainsAny(NeverInHost))
        {
            return null;
        }

        var bracket = host.StartsWith('[') ? host.IndexOf(']', StringComparison.Ordinal) : -1;
        if (host.StartsWith('[') && bracket < 0)
        {
            return null;
        }

        var colon = host.IndexOf(':', bracket + 1);
        var port = colon < 0 ? "" : host[(colon + 1)..];
        var name = colon < 0 ? host : host[..colon];
        return port.All(char.IsAsciiDigit) && (bracket < 0 || bracket + 1 == host.Length || colon == bracket + 1)
            ? new ImagePattern(bracket < 0 ? name : name[1..bracket], port, slash < 0 ? "" : url[slash..])
            : null;
    }

    /// <summary>Whether an image is meant.</summary>
    /// <param name="image">Host and repository.</param>
    public bool Matches(string image) =>
        TryParse(image) is { } target
        && target._port == _port
        && target._labels.Length == _labels.Length
        && target._path.StartsWith(_path, StringComparison.Ordinal)
        && _labels.Zip(target._labels).All(pair => IsMatch(pair.First, pair.Second));

    // Goes back to the last star only: what stood before it has matched as early as possible.
    private static bool IsMatch(string pattern, string text)
    {
        int p = 0, t = 0, star = -1, mark = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                (star, mark) = (p++, t);
            }
            else if (p < pattern.Length && TakeOne(pattern, p, text[t]) is { } next)
            {
                (p, t) = (next, t + 1);
            }
            else if (star >= 0)
            {
                (p, t) = (star + 1, ++mark);
            }
            else
            {
                return false;
            }
        }

        return pattern.AsSpan(p).TrimStart('*').IsEmpty;
    }

    // One letter, or one of a set as [a-z] or [^a-z]: where the pattern goes on, or null.
    // Source: https://pkg.go.dev/path/filepath#Match
    private static int? TakeOne(string pattern, int at, char letter)
    {
        if (pattern[at] != '[')
        {
            return pattern[at] == letter ? at + 1 : null;
        }

        at++;
        var isNegated = at < pattern.Length && pattern[at] == '^';
        at += isNegated ? 1 : 0;
        var isIn = false;
        for (var ranges = 0; ; ranges++)
        {
            if (at >= pattern.Length)
            {
                return null; // Nothing closes the set: no such pattern.
            }

            if (pattern[at] == ']' && ranges > 0)
            {
                return isIn != isNegated ? at + 1 : null;
            }

            var low = pattern[at++];
            var high = low;
            if (at + 1 < pattern.Length && pattern[at] == '-')
            {
                high = pattern[at + 1];
                at += 2;
            }

            if (low is '-' or ']' || high is '-' or ']')
            {
                return null;
            }

            isIn |= low <= letter && letter <= high;
        }
    }
}
