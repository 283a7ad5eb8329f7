using System.Text;
using Hyperkube.Oci;
using Hyperkube.Oci.Configuration;
using Hyperkube.Oci.Content;
using Hyperkube.Sigstore;

namespace Hyperkube.Publishing;

/// <summary>A policy file while it is read, line by line. Whatever is not known is refused: a word that is misspelled must not make a
/// policy weaker.</summary>
internal sealed class SignaturePolicyFile(string path)
{
    private const string Repository = "repository", Signer = "signer";

    private const string Expected =
        "trusted-root, [[repository]] with match and signatures, [[repository.signer]] with key, or with identity and issuer";

    private static readonly string[] Transports = ["oci:", "oci-archive:", "docker-archive:"];

    private readonly List<SignatureRule> _rules = [];
    private RuleLines? _rule;
    private SignerLines? _signer;

    internal TomlErrors Errors { get; } = new(path);

    /// <summary>What the file of <c>trusted-root</c> holds; null when none is named.</summary>
    internal ReadOnlyMemory<byte>? TrustedRoot { get; private set; }

    internal void Take(TomlLine line)
    {
        var isTable = line.Kind == TomlLineKind.TableArray;
        switch (line.Path)
        {
            case [Repository] when isTable:
                FinishRule();
                _rule = new RuleLines(line.Number);
                break;

            case [Repository, Signer] when isTable && _rule is not null:
                FinishSigner();
                _signer = new SignerLines(line.Number);
                break;

            case ["trusted-root"] when line.Value is not null:
                TrustedRoot = SmallFile.ReadNamed(Full(Text(line)), $"{path}:{line.Number}: trusted-root");
                break;

            case [Repository, "match"] when line.Value is not null && _rule is not null && _signer is null:
                _rule.Patterns.AddRange(Patterns(line));
                break;

            case [Repository, "signatures"] when line.Value is not null && _rule is not null && _signer is null:
                _rule.Needed = Value(line).Number(1, SignaturePolicy.MaxNeeded);
                break;

            case [Repository, Signer, "key" or "identity" or "issuer"] when line.Value is not null && _signer is not null:
                _signer.Fields[line.Path[^1]] = (Text(line), line.Number);
                break;

            default:
                throw Errors.At(line.Number, $"'{string.Join('.', line.Path)}' has no meaning here", Expected);
        }
    }

    internal IReadOnlyList<SignatureRule> Finish()
    {
        FinishRule();
        return _rules.Count > 0 ? _rules : throw Errors.At(0, "no [[repository]]", Expected);
    }

    private void FinishRule()
    {
        FinishSigner();
        if (_rule is not { } rule)
        {
            return;
        }

        if (rule.Patterns.Count == 0)
        {
            throw Errors.At(rule.Line, "a [[repository]] without match", "match = \"HOST/REPOSITORY\", or a list");
        }

        if (rule.Signers.Count < rule.Needed)
        {
            throw Errors.At(
                rule.Line, $"{rule.Signers.Count} signers, and {rule.Needed} have to have signed", "a [[repository.signer]] for each");
        }

        if (_rules.SelectMany(r => r.Patterns).Intersect(rule.Patterns, StringComparer.Ordinal).FirstOrDefault() is { } twice)
        {
            throw Errors.At(rule.Line, $"'{twice}' stands in two rules", "one rule for each pattern");
        }

        _rules.Add(new SignatureRule(rule.Patterns, rule.Signers, rule.Needed));
        _rule = null;
    }

    private void FinishSigner()
    {
        if (_signer is not { } lines)
        {
            return;
        }

        var fields = lines.Fields;
        TrustedSigner signer;
        if (fields.TryGetValue("key", out var key) && fields.Count == 1)
        {
            var file = SmallFile.ReadNamed(Full(key.Text), $"{path}:{key.Line}: key");
            signer = TrustedSigner.OfKey(Encoding.UTF8.GetString(file.Span), Full(key.Text));
        }
        else if (fields.TryGetValue("identity", out var identity) && fields.TryGetValue("issuer", out var issuer) && fields.Count == 2)
        {
            signer = TrustedSigner.OfIdentity(new SignerIdentity(identity.Text, issuer.Text));
        }
        else
        {
            throw Errors.At(lines.Line, "a signer that is neither a key nor an identity", "key = \"FILE\", or identity and issuer");
        }

        _rule!.Signers.Add(!_rule.Signers.Exists(signer.IsSameAs) ? signer
            : throw Errors.At(lines.Line, "the same signer twice", "each signer once, so that none counts twice"));
        _signer = null;
    }

    private IReadOnlyList<string> Patterns(TomlLine line)
    {
        var patterns = Value(line).TextOrTexts();
        return patterns.Count > 0 && patterns.All(IsPattern) ? patterns
            : throw Errors.At(line.Number, "match has a pattern that matches nothing", "HOST/REPOSITORY without a tag, HOST/PATH/* or *");
    }

    // A star stands at the end, and after a slash: "example.org/team*" would match somebody else's "example.org/teammate".
    private static bool IsPattern(string pattern)
    {
        var star = pattern.IndexOf('*', StringComparison.Ordinal);
        var isFile = Transports.Any(t => pattern.StartsWith(t, StringComparison.Ordinal));
        return star >= 0
            ? star == pattern.Length - 1 && (star == 0 || isFile || (star > 1 && pattern[star - 1] == '/'))
            : isFile || (RegistryReference.TryParseLocalName(pattern) is { Tag: null } name && $"{name.Host}/{name.Repository}" == pattern);
    }

    private string Full(string file) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, file);

    private string Text(TomlLine line) => Value(line).Text() is { Length: > 0 } text ? text
        : throw Errors.At(line.Number, $"{line.Path[^1]} is empty", "a text");

    private TomlValue Value(TomlLine line) => new(line.Path[^1], line.Value!, line.Number, Errors);

    private sealed record RuleLines(int Line)
    {
        internal List<string> Patterns { get; } = [];

        internal List<TrustedSigner> Signers { get; } = [];

        internal int Needed { get; set; } = 1;
    }

    private sealed record SignerLines(int Line)
    {
        internal Dictionary<string, (string Text, int Line)> Fields { get; } = new(StringComparer.Ordinal);
    }
}
