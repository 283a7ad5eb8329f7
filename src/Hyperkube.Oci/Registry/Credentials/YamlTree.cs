using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Hyperkube.Oci.Registry.Credentials;

/// <summary>A small YAML document, of which JSON is a part, as text, lists and maps. Nothing in it is turned into types of
/// ours by reflection.</summary>
internal abstract class YamlTree
{
    /// <summary>A configuration has six levels; the parser below would go as deep as it is told.</summary>
    private const int MaxDepth = 32;

    private YamlTree(int line) => Line = line;

    /// <summary>Where it begins.</summary>
    public int Line { get; }

    /// <summary>Reads the first document, as the kubelet does.</summary>
    /// <exception cref="HyperkubeException">It is not YAML, or too clever (<see cref="ErrorKind.Usage"/>).</exception>
    public static YamlTree Parse(string text, string where)
    {
        try
        {
            Parser parser = new(new StringReader(text));
            parser.Consume<StreamStart>();
            return parser.TryConsume<DocumentStart>(out _)
                ? Read(parser, new Dictionary<string, YamlTree>(StringComparer.Ordinal), where, depth: 0)
                : throw new HyperkubeException(ErrorKind.Usage, $"{where}: an empty file; expected a YAML document");
        }
        catch (Exception e) when (e is not (HyperkubeException or OutOfMemoryException))
        {
            // The parser lets slips of its own through as well, as InvalidOperationException for a directive without document.
            // A message may quote what stands there, so only the place is told, and the exception is not passed on.
            var place = e is YamlException yaml ? $":{yaml.Start.Line}: not YAML at column {yaml.Start.Column}" : ": not YAML";
            throw new HyperkubeException(ErrorKind.Usage, $"{where}{place}; expected a YAML or JSON document");
        }
    }

    private static YamlTree Read(Parser parser, Dictionary<string, YamlTree> anchors, string where, int depth)
    {
        var start = parser.Consume<ParsingEvent>();
        var line = (int)start.Start.Line;
        if (start is AnchorAlias alias)
        {
            return anchors.GetValueOrDefault(alias.Value.Value) ?? throw Unfit(where, line, "an alias of nothing before it");
        }

        if (depth > MaxDepth)
        {
            throw Unfit(where, line, $"more than {MaxDepth} levels");
        }

        var node = (NodeEvent)start;
        YamlTree tree = node switch
        {
            Scalar scalar => Text.Of(scalar, where),
            SequenceStart when IsPlain(node, "seq") => ReadList(parser, anchors, where, line, depth),
            MappingStart when IsPlain(node, "map") => ReadMap(parser, anchors, where, line, depth),
            _ => throw Unfit(where, line, "a tag"),
        };
        if (!node.Anchor.IsEmpty)
        {
            anchors[node.Anchor.Value] = tree;
        }

        return tree;
    }

    private static List ReadList(Parser parser, Dictionary<string, YamlTree> anchors, string where, int line, int depth)
    {
        List<YamlTree> items = [];
        while (!parser.TryConsume<SequenceEnd>(out _))
        {
            items.Add(Read(parser, anchors, where, depth + 1));
        }

        return new List(items, line);
    }

    private static Map ReadMap(Parser parser, Dictionary<string, YamlTree> anchors, string where, int line, int depth)
    {
        OrderedDictionary<string, YamlTree> fields = new(StringComparer.Ordinal);
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            var key = Read(parser, anchors, where, depth + 1);
            if (key is not Text { Kind: TextKind.String, Value: var name } || !fields.TryAdd(name, Read(parser, anchors, where, depth + 1)))
            {
                var again = key is Text { Value: var text } && YamlFields.IsName(text) ? $"the field '{text}' again" : "a field again";
                throw Unfit(where, key.Line, key is Text { Kind: TextKind.String } ? again : "a key that is no word");
            }
        }

        return new Map(fields, line);
    }

    private static bool IsPlain(NodeEvent node, string type) => node.Tag.IsEmpty || node.Tag.Value == $"tag:yaml.org,2002:{type}";

    private static HyperkubeException Unfit(string where, int line, string came) =>
        new(ErrorKind.Usage, $"{where}:{line}: {came}; expected plain YAML without it");

    /// <summary>What plain text is taken for.</summary>
    internal enum TextKind
    {
        /// <summary>Text.</summary>
        String,

        /// <summary>Nothing.</summary>
        Null,

        /// <summary>Yes or no.</summary>
        Bool,

        /// <summary>A number.</summary>
        Number,
    }

    /// <summary>Text, or what else one word can be.</summary>
    internal sealed class Text : YamlTree
    {
        private Text(string value, TextKind kind, int line)
            : base(line) => (Value, Kind) = (value, kind);

        /// <summary>As it is written, without quotes.</summary>
        public string Value { get; }

        /// <summary>What it is taken for.</summary>
        public TextKind Kind { get; }

        internal static Text Of(Scalar scalar, string where)
        {
            var line = (int)scalar.Start.Line;
            var isTagged = !scalar.Tag.IsEmpty;
            if (isTagged && !scalar.Tag.IsNonSpecific && !IsPlain(scalar, "str"))
            {
                throw Unfit(where, line, "a tag");
            }

            return scalar.Value.Contains('\0', StringComparison.Ordinal)
                ? throw Unfit(where, line, "a zero byte") // No argument and no variable of a program can hold it.
                : new Text(scalar.Value, isTagged || scalar.Style != ScalarStyle.Plain ? TextKind.String : KindOf(scalar.Value), line);
        }

        // As the kubelet's reader has it, which is YAML 1.1 where these words are concerned.
        // Source: https://github.com/kubernetes-sigs/yaml/blob/v1.6.0/goyaml.v2/resolve.go
        private static TextKind KindOf(string value) => value switch
        {
            "" or "~" or "null" or "Null" or "NULL" => TextKind.Null,
            "y" or "Y" or "yes" or "Yes" or "YES" or "true" or "True" or "TRUE" or "on" or "On" or "ON" => TextKind.Bool,
            "n" or "N" or "no" or "No" or "NO" or "false" or "False" or "FALSE" or "off" or "Off" or "OFF" => TextKind.Bool,
            _ => IsNumber(value) ? TextKind.Number : TextKind.String,
        };

        private static bool IsNumber(string value)
        {
            const NumberStyles Decimal = NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
            var digits = value.TrimStart('-', '+').Replace("_", "", StringComparison.Ordinal);
            return digits.Length > 0 && (char.IsAsciiDigit(digits[0]) || digits[0] == '.')
                && (digits is ".inf" or ".Inf" or ".INF" or ".nan" or ".NaN" or ".NAN"
                    || double.TryParse(digits, Decimal, CultureInfo.InvariantCulture, out _)
                    || (digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && digits[2..].All(char.IsAsciiHexDigit))
                    || (digits.StartsWith("0b", StringComparison.OrdinalIgnoreCase) && digits[2..].All(c => c is '0' or '1'))
                    || (digits.StartsWith("0o", StringComparison.OrdinalIgnoreCase) && digits[2..].All(c => c is >= '0' and <= '7')));
        }
    }

    /// <summary>Items in a row.</summary>
    internal sealed class List(IReadOnlyList<YamlTree> items, int line) : YamlTree(line)
    {
        /// <summary>The items.</summary>
        public IReadOnlyList<YamlTree> Items => items;
    }

    /// <summary>Fields by name.</summary>
    internal sealed class Map(IReadOnlyDictionary<string, YamlTree> fields, int line) : YamlTree(line)
    {
        /// <summary>The fields.</summary>
        public IReadOnlyDictionary<string, YamlTree> Fields => fields;
    }
}
