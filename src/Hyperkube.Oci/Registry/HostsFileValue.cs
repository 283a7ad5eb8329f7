using Hyperkube.Oci.Configuration;
using Tomlyn.Syntax;

namespace Hyperkube.Oci.Registry;

/// <summary>The value of a setting in a hosts.toml, read as what the setting has to be.</summary>
internal sealed record HostsFileValue(string Name, ValueSyntax Value, int Line, TomlErrors Errors) : TomlValue(Name, Value, Line, Errors)
{
    internal bool Boolean() => Value is BooleanValueSyntax boolean ? boolean.Value : throw Wrong("true or false");

    /// <summary>A text, a list of texts, or a list in which also pairs of texts stand.</summary>
    internal IReadOnlyList<(string First, string? Second)> Pairs()
    {
        const string Expected = "\"FILE\", [\"FILE\", ...] or [[\"CERTIFICATE\", \"KEY\"], ...]";
        return TextOf(Value) is { } text ? [(text, null)]
            : Value is ArraySyntax array ? [.. array.Items.Select(item =>
                TextOf(item.Value) is { } one ? (one, (string?)null)
                : TextsOf(item.Value) is [var first, var second] ? (first, second)
                : throw Wrong(Expected))]
            : throw Wrong(Expected);
    }

    /// <summary>A length of time; nothing is no time.</summary>
    internal TimeSpan Duration() => Text() is { Length: > 0 } text
        ? GoDuration.TryParse(text) ?? throw Errors.At(Line, $"{Name} '{text}' is no length of time", "one such as 500ms, 5s or 1m30s")
        : TimeSpan.Zero;

    /// <summary>A list of what a host may be asked for; an empty one does not say.</summary>
    internal HostCapabilities Capabilities() =>
        TextsOf(Value) is not { } words ? throw Wrong("a list of texts")
        : words.Length == 0 ? HostCapabilities.All
        : words.Aggregate(HostCapabilities.None, (all, word) => all | Capability(word));

    private HostCapabilities Capability(string word) =>
        word.Equals("pull", StringComparison.OrdinalIgnoreCase) ? HostCapabilities.Pull
        : word.Equals("resolve", StringComparison.OrdinalIgnoreCase) ? HostCapabilities.Resolve
        : word.Equals("push", StringComparison.OrdinalIgnoreCase) ? HostCapabilities.Push
        : word.Equals("referrers", StringComparison.OrdinalIgnoreCase) ? HostCapabilities.Referrers
        : throw Errors.At(Line, $"capability '{word}' is unknown", "pull, resolve, push or referrers");
}
