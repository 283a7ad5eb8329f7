using System.Collections.Immutable;
using Tomlyn;
using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace Hyperkube.Oci.Configuration;

/// <summary>One key with its value, or one table, of a TOML file: in the order of the file, each under its whole path.</summary>
/// <param name="Path">The names from the root: <c>host</c>, <c>https://mirror</c>, <c>ca</c>.</param>
/// <param name="Value">Null for a table.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Number">The line, from 1.</param>
public sealed record TomlLine(ImmutableArray<string> Path, ValueSyntax? Value, TomlLineKind Kind, int Number)
{
    private const string Expected = "KEY = VALUE, [TABLE] or a comment on each line, and each key once";

    /// <summary>Reads a text into its lines.</summary>
    /// <remarks>The parser's own words quote the text, which may hold secrets: they are not passed on.</remarks>
    /// <param name="text">What stands in the file.</param>
    /// <param name="errors">Says what is wrong.</param>
    /// <exception cref="HyperkubeException">It is no TOML (<see cref="ErrorKind.Usage"/>).</exception>
    public static IReadOnlyList<TomlLine> Read(string text, TomlErrors errors)
    {
        DocumentSyntax document;
        try
        {
            document = SyntaxParser.Parse(text, errors.Path, validate: true);
        }
        catch (TomlException) // Lists in lists, more than 64 deep. It does not tell where.
        {
            throw errors.At(line: 0, "this is not TOML, or too deep", Expected);
        }
        catch (ArgumentOutOfRangeException) // Half a character, such as \ud800, in a key.
        {
            throw errors.At(line: 0, "a character in it is not Unicode", Expected);
        }

        // They come as the parser's parts find them; the first line is where to look.
        if (document.Diagnostics.Where(d => d.Kind == DiagnosticMessageKind.Error).MinBy(d => d.Span.Start.Line) is { } problem)
        {
            var isTwice = problem.Message.Contains("is already defined", StringComparison.Ordinal);
            throw errors.At(problem.Span.Start.Line + 1, isTwice ? "a key is defined twice" : "this is not TOML", Expected);
        }

        List<TomlLine> lines = [];
        AddAll(lines, [], document.KeyValues);
        foreach (var table in document.Tables)
        {
            var path = Names(table.Name);
            lines.Add(new TomlLine(
                path, Value: null, table is TableArraySyntax ? TomlLineKind.TableArray : TomlLineKind.Header, Line(table)));
            AddAll(lines, path, table.Items);
        }

        return lines;
    }

    private static void AddAll(List<TomlLine> lines, ImmutableArray<string> above, IEnumerable<SyntaxNode> items)
    {
        foreach (var item in items)
        {
            var pair = item as KeyValueSyntax ?? ((InlineTableItemSyntax)item).KeyValue;
            if (pair is null)
            {
                continue;
            }

            var path = above.AddRange(Names(pair.Key));
            if (pair.Value is InlineTableSyntax table)
            {
                lines.Add(new TomlLine(path, Value: null, TomlLineKind.InlineTable, Line(pair)));
                AddAll(lines, path, table.Items);
            }
            else
            {
                lines.Add(new TomlLine(path, pair.Value, TomlLineKind.Value, Line(pair)));
            }
        }
    }

    private static ImmutableArray<string> Names(KeySyntax? key)
    {
        var names = ImmutableArray.CreateBuilder<string>();
        names.Add(Name(key?.Key));
        foreach (var part in key?.DotKeys ?? Enumerable.Empty<DottedKeyItemSyntax>())
        {
            names.Add(Name(part.Key));
        }

        return names.ToImmutable();
    }

    private static string Name(BareKeyOrStringValueSyntax? key) => key switch
    {
        StringValueSyntax quoted => quoted.Value ?? "",
        BareKeySyntax bare => bare.Key?.Text ?? "",
        _ => "",
    };

    private static int Line(SyntaxNodeBase node) => node.Span.Start.Line + 1;
}

/// <summary>What stands in a line of a TOML file.</summary>
public enum TomlLineKind
{
    /// <summary><c>key = 1</c></summary>
    Value,

    /// <summary><c>key = {}</c></summary>
    InlineTable,

    /// <summary><c>[key]</c></summary>
    Header,

    /// <summary><c>[[key]]</c></summary>
    TableArray,
}
