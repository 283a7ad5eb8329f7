using System.Text;
using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Registry.Credentials;

/// <summary>One provider, as a configuration describes it.</summary>
/// <param name="Name">Of its program.</param>
/// <param name="ApiVersion">Of the talk with it.</param>
/// <param name="Patterns">For which images it is asked.</param>
/// <param name="DefaultCacheDuration">For how long an answer holds that does not say so.</param>
/// <param name="Arguments">Of its program.</param>
/// <param name="Variables">Set for its program.</param>
/// <param name="NeedsServiceAccount">Whether it wants the token of a pod's account, and does nothing without.</param>
internal sealed record ProviderConfig(
    string Name,
    string ApiVersion,
    IReadOnlyList<ImagePattern> Patterns,
    TimeSpan DefaultCacheDuration,
    IReadOnlyList<string> Arguments,
    IReadOnlyList<KeyValuePair<string, string>> Variables,
    bool NeedsServiceAccount)
{
    private const string NotThere = "expected a CredentialProviderConfig, or a directory of such files";

    /// <summary>Reads a configuration, or all in a directory by their names.</summary>
    /// <remarks>Source: https://github.com/kubernetes/kubernetes/blob/v1.35.0/pkg/credentialprovider/plugin/config.go</remarks>
    /// <exception cref="HyperkubeException">It is none (<see cref="ErrorKind.Usage"/>).</exception>
    public static IReadOnlyList<ProviderConfig> Load(string path)
    {
        var files = Directory.Exists(path) ? FilesOf(path) : [path];
        List<ProviderConfig> providers = [];
        foreach (var file in files)
        {
            var content = SmallFile.Read(file);
            if (content.Absence is { } absence)
            {
                throw new HyperkubeException(ErrorKind.Usage, $"{file}: {absence}; {NotThere}");
            }

            foreach (var provider in Parse(Encoding.UTF8.GetString(content.Bytes.Span), file))
            {
                providers.Add(providers.All(p => p.Name != provider.Name)
                    ? provider
                    : throw new HyperkubeException(ErrorKind.Usage, $"{file}: two providers named '{provider.Name}'; expected one"));
            }
        }

        return providers;
    }

    /// <summary>Reads the text of a configuration.</summary>
    /// <exception cref="HyperkubeException">It is none (<see cref="ErrorKind.Usage"/>).</exception>
    public static IReadOnlyList<ProviderConfig> Parse(string yaml, string where)
    {
        YamlFields root = new(YamlTree.Parse(yaml, where), where, path: "");
        OneOf(root, "apiVersion", ProviderApi.ConfigVersions);
        OneOf(root, "kind", [ProviderApi.ConfigKind]);
        var providers = root.Maps("providers").Select(Read).ToArray();
        root.End();
        return providers.Length > 0 ? providers : throw root.Error("providers", "is empty", "one at least");
    }

    private static string[] FilesOf(string directory)
    {
        try
        {
            string[] files =
            [
                .. Directory.EnumerateFiles(directory)
                    .Where(file => Path.GetExtension(file) is ".json" or ".yaml" or ".yml")
                    .Order(StringComparer.Ordinal),
            ];
            return files.Length > 0 ? files
                : throw new HyperkubeException(ErrorKind.Usage, $"{directory}: no .json, .yaml or .yml file in it; {NotThere}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"{directory}: cannot be listed; {NotThere}", e);
        }
    }

    private static ProviderConfig Read(YamlFields fields)
    {
        var name = fields.RequiredText("name");
        if (name is "." or ".." || name.Any(c => c is '/' or ' ' || char.IsControl(c)))
        {
            throw fields.Error("name", "is no name of a program", "a word without slashes and spaces");
        }

        var version = OneOf(fields, "apiVersion", ProviderApi.Versions);
        var patterns = fields.Texts("matchImages").Select(pattern =>
            ImagePattern.TryParse(pattern)
            ?? throw fields.Error("matchImages", $"holds {YamlFields.Shown(pattern)}", "patterns as *.example.com:5000/path")).ToArray();
        if (patterns.Length == 0)
        {
            throw fields.Error("matchImages", "is empty", "one pattern at least");
        }

        var duration = GoDuration.TryParse(fields.RequiredText("defaultCacheDuration")) is { } parsed && parsed >= TimeSpan.Zero ? parsed
            : throw fields.Error("defaultCacheDuration", "is no duration", "one such as 12h or 0s");
        var needsAccount = fields.Map("tokenAttributes") is { } attributes && NeedsAccount(attributes);
        ProviderConfig provider = new(
            name, version, patterns, duration, fields.Texts("args"), [.. fields.Maps("env").Select(ReadVariable)], needsAccount);
        fields.End();
        return provider;
    }

    private static KeyValuePair<string, string> ReadVariable(YamlFields fields)
    {
        var name = fields.RequiredText("name");
        if (name.Contains('=', StringComparison.Ordinal))
        {
            throw fields.Error("name", "is no name of a variable", "one without '='");
        }

        KeyValuePair<string, string> variable = new(name, fields.Text("value") ?? "");
        fields.End();
        return variable;
    }

    // A provider that does not require an account is also asked without, for pods that have none; so can we.
    private static bool NeedsAccount(YamlFields attributes)
    {
        _ = attributes.RequiredText("serviceAccountTokenAudience");
        var isRequired = attributes.Bool("requireServiceAccount")
            ?? throw attributes.Error("requireServiceAccount", "is missing", "true or false");
        _ = attributes.Text("cacheType");
        _ = attributes.Texts("requiredServiceAccountAnnotationKeys");
        _ = attributes.Texts("optionalServiceAccountAnnotationKeys");
        attributes.End();
        return isRequired;
    }

    private static string OneOf(YamlFields fields, string name, IReadOnlyCollection<string> expected) =>
        fields.RequiredText(name) is var text && expected.Contains(text, StringComparer.Ordinal) ? text
            : throw fields.Error(name, $"is {YamlFields.Shown(text)}", string.Join(" or ", expected.Order(StringComparer.Ordinal)));
}
