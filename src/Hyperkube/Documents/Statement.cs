using System.Text;
using System.Text.Json;
using Hyperkube.Oci;

namespace Hyperkube.Documents;

/// <summary>What is said about manifests, in the form that is signed: an in-toto statement.</summary>
/// <remarks>Source: https://github.com/in-toto/attestation/blob/v1.1.0/spec/v1/statement.md</remarks>
public static class Statement
{
    /// <summary>The media type, and the type of the artifact that holds one that is not signed.</summary>
    public const string MediaType = "application/vnd.in-toto+json";

    private const string Type = "https://in-toto.io/Statement/v1";

    /// <summary>Says what a document says.</summary>
    /// <param name="subjects">Which manifests, with a name for a person.</param>
    /// <param name="predicateType">What kind of document.</param>
    /// <param name="predicate">The document, in JSON.</param>
    public static byte[] Write(
        IReadOnlyList<(string Name, Digest Digest)> subjects, string predicateType, ReadOnlyMemory<byte> predicate) =>
        Write(subjects, predicateType, json =>
        {
            json.WritePropertyName("predicate");
            json.WriteRawValue(Encoding.UTF8.GetString(predicate.Span).TrimEnd());
        });

    internal static byte[] Write(
        IReadOnlyList<(string Name, Digest Digest)> subjects, string predicateType, Action<Utf8JsonWriter> predicate) =>
        JsonDocumentWriter.Write(json =>
        {
            json.WriteString("_type", Type);
            json.WriteObjects("subject", subjects, s =>
            {
                json.WriteString("name", s.Name);
                json.WriteObject("digest", () => json.WriteString("sha256", s.Digest.Hex));
            });
            json.WriteString("predicateType", predicateType);
            predicate(json);
        });
}
