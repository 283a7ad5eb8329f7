using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hyperkube.Testing.Sigstore;

/// <summary>Rekor's first version on loopback: finds entries by their names, at most ten at a time, as the public one does.</summary>
/// <remarks>Source: https://github.com/sigstore/rekor/blob/v1.4.2/openapi.yaml</remarks>
public sealed class RekorServer(SigstoreAuthority authority) : LoopbackServer(certificate: null)
{
    private const string Retrieve = "/api/v1/log/entries/retrieve";
    private const int MaxNames = 10;

    private readonly ConcurrentDictionary<string, JsonObject> _entries = new(StringComparer.Ordinal);

    /// <summary>Answers instead where it does not answer null.</summary>
    public Func<RegistryCall, SiteAnswer?> Intercept { get; set; } = _ => null;

    /// <summary>How many names each question so far had.</summary>
    public IReadOnlyList<int> Questions => [.. Calls.Where(c => c.Path == Retrieve).Select(c => Names(c)?.Count ?? -1)];

    /// <summary>Takes in what was logged.</summary>
    public void Add(SignedArtifact artifact)
    {
        ArgumentNullException.ThrowIfNull(artifact);
        _entries[NameOf(artifact)] = artifact.Entry;
    }

    /// <summary>Answers to a name with what was logged under another.</summary>
    public void Lie(SignedArtifact asked, SignedArtifact answered)
    {
        ArgumentNullException.ThrowIfNull(asked);
        ArgumentNullException.ThrowIfNull(answered);
        _entries[NameOf(asked)] = answered.Entry;
    }

    protected override SiteAnswer Answer(RegistryCall asked)
    {
        ArgumentNullException.ThrowIfNull(asked);
        if (Intercept(asked) is { } answer)
        {
            return answer;
        }

        if (asked.Path != Retrieve || asked.Method != "POST")
        {
            return SiteAnswer.Of(404);
        }

        return asked.Header("Content-Type") is not { } type || !type.StartsWith("application/json", StringComparison.Ordinal) ? SiteAnswer.Of(415)
            : Names(asked) is not { Count: > 0 } names ? SiteAnswer.Of(400)
            : names.Count > MaxNames ? SiteAnswer.Of(422)
            : Json(new JsonArray([.. names.Select(n => _entries.GetValueOrDefault(n)).OfType<JsonObject>().Select(Read)]));
    }

    private string NameOf(SignedArtifact artifact) => authority.Rekor.Answer(artifact.Entry).First().Key[^64..];

    private JsonObject Read(JsonObject entry) => authority.Rekor.Answer(authority.Rekor.ReadAgain(entry));

    protected override void TakePart(RegistryCall asked)
    {
        // Half a question is none.
    }

    private static SiteAnswer Json(JsonNode answer) =>
        SiteAnswer.Text(answer.ToJsonString()) with { Headers = ImmutableDictionary<string, string>.Empty.Add("Content-Type", "application/json") };

    private static List<string>? Names(RegistryCall asked)
    {
        try
        {
            return JsonNode.Parse(asked.Body.Span)?["entryUUIDs"]?.AsArray().Select(n => n!.GetValue<string>()).ToList();
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
