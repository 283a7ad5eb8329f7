using System.Globalization;
using Tomlyn.Syntax;

namespace Hyperkube.Oci.Configuration;

/// <summary>The value of a setting in a TOML file, read as what the setting has to be.</summary>
/// <remarks>Messages never quote a value but where it can be no secret.</remarks>
/// <param name="Name">The setting.</param>
/// <param name="Value">What stands there.</param>
/// <param name="Line">In which line, from 1.</param>
/// <param name="Errors">Says what is wrong.</param>
public record TomlValue(string Name, ValueSyntax Value, int Line, TomlErrors Errors)
{
    /// <summary>Its text.</summary>
    /// <exception cref="HyperkubeException">It is something else.</exception>
    public string Text() => TextOf(Value) ?? throw Wrong("a text");

    /// <summary>Its whole number.</summary>
    /// <exception cref="HyperkubeException">It is something else, or out of range.</exception>
    public int Number(int min, int max) =>
        Value is IntegerValueSyntax { Value: var number } && number >= min && number <= max
            ? (int)number
            : throw Errors.At(Line, $"{Name} is no number in range", string.Create(CultureInfo.InvariantCulture, $"{min} to {max}"));

    /// <summary>A text, or a list of them.</summary>
    /// <exception cref="HyperkubeException">It is something else.</exception>
    public IReadOnlyList<string> TextOrTexts() =>
        TextOf(Value) is { } text ? [text] : TextsOf(Value) ?? throw Wrong("a text or a list of texts");

    private protected static string? TextOf(ValueSyntax? value) => value is StringValueSyntax text ? text.Value ?? "" : null;

    private protected static string[]? TextsOf(ValueSyntax? value)
    {
        if (value is not ArraySyntax array)
        {
            return null;
        }

        string[] texts = [.. array.Items.Select(item => TextOf(item.Value)).OfType<string>()];
        return texts.Length == array.Items.ChildrenCount ? texts : null;
    }

    private protected HyperkubeException Wrong(string expected) => Errors.At(Line, $"{Name} has a value of another type", expected);
}
