namespace Hyperkube.Oci.Registry.Credentials;

/// <summary>Takes the fields of a map one by one, and refuses what nobody has taken: a field that is misspelt would count for
/// nothing otherwise.</summary>
internal sealed class YamlFields
{
    private readonly string _where;
    private readonly YamlTree.Map _map;
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);

    /// <summary>The fields of a map.</summary>
    /// <exception cref="HyperkubeException">It is none (<see cref="ErrorKind.Usage"/>).</exception>
    public YamlFields(YamlTree tree, string file, string path)
    {
        (_where, Path) = (file, path);
        _map = tree as YamlTree.Map ?? throw Error(tree, "something else", "fields with values");
    }

    /// <summary>Where in the document, as <c>providers[0]</c>.</summary>
    public string Path { get; }

    /// <summary>A text; null if it is not there, or null.</summary>
    public string? Text(string name) => Take(name) is { } tree ? Text(tree, name) : null;

    /// <summary>A text that must be there.</summary>
    public string RequiredText(string name) =>
        Text(name) is { Length: > 0 } text ? text : throw Error(_map, $"no {name}", "one");

    /// <summary>Yes or no; null if it is not there.</summary>
    public bool? Bool(string name) => Take(name) is not { } tree ? null
        : tree is YamlTree.Text { Kind: YamlTree.TextKind.Bool, Value: var value }
            ? value.ToUpperInvariant() is "TRUE" or "YES" or "ON" or "Y"
            : throw Error(tree, $"{name} is something else", "true or false");

    /// <summary>Texts in a row; none if it is not there.</summary>
    public IReadOnlyList<string> Texts(string name) =>
        [.. Items(name).Select((item, index) => Text(item, $"{name}[{index}]"))];

    /// <summary>Maps in a row; none if it is not there.</summary>
    public IReadOnlyList<YamlFields> Maps(string name) =>
        [.. Items(name).Select((item, index) => new YamlFields(item, _where, Below($"{name}[{index}]")))];

    /// <summary>A map; null if it is not there.</summary>
    public YamlFields? Map(string name) => Take(name) is { } tree ? new YamlFields(tree, _where, Below(name)) : null;

    /// <summary>Everything that can be there has been taken.</summary>
    /// <exception cref="HyperkubeException">There is more (<see cref="ErrorKind.Usage"/>).</exception>
    public void End()
    {
        foreach (var (name, value) in _map.Fields)
        {
            if (!_taken.Contains(name))
            {
                var known = string.Join(", ", _taken.Order(StringComparer.Ordinal));
                throw Error(value, $"an unknown field{(IsName(name) ? $" '{name}'" : "")}", known);
            }
        }
    }

    /// <summary>A value as a message may show it. Of several words the later ones may be the next line's, with a secret in it, if the
    /// indentation is wrong.</summary>
    public static string Shown(string value) => value.Any(char.IsWhiteSpace) ? "several words" : $"'{OneLine.Of(value)}'";

    /// <summary>Whether a text is certainly a field's name and no value that slipped.</summary>
    public static bool IsName(string text) => text.Length <= 40 && text.All(char.IsAsciiLetter);

    /// <summary>What is wrong with a field.</summary>
    public HyperkubeException Error(string name, string came, string expected) =>
        Error(_map.Fields.GetValueOrDefault(name) ?? _map, $"{name} {came}", expected);

    private HyperkubeException Error(YamlTree tree, string came, string expected) =>
        new(ErrorKind.Usage, $"{_where}:{tree.Line}: {(Path.Length == 0 ? "" : $"{Path}: ")}{came}; expected {expected}");

    private string Text(YamlTree tree, string name) => tree is YamlTree.Text { Kind: YamlTree.TextKind.String } text
        ? text.Value
        : throw Error(tree, $"{name} is something else", tree is YamlTree.Text ? "text, in quotes" : "text");

    private IReadOnlyList<YamlTree> Items(string name) => Take(name) is not { } tree ? []
        : tree is YamlTree.List list ? list.Items
        : throw Error(tree, $"{name} is something else", "a list");

    private YamlTree? Take(string name)
    {
        _taken.Add(name);
        return _map.Fields.GetValueOrDefault(name) is var tree && tree is YamlTree.Text { Kind: YamlTree.TextKind.Null } ? null : tree;
    }

    private string Below(string name) => Path.Length == 0 ? name : $"{Path}.{name}";
}
