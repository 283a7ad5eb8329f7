using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hyperkube.Oci.Registry.Credentials;

/// <summary>The names that the node's agent has given to credential providers, their configuration and their talk. The only
/// code of this room where its name occurs: the interface is its own, and is spoken far beyond it.</summary>
/// <remarks>
/// Source: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1/
/// Source: https://kubernetes.io/docs/reference/config-api/kubelet-credentialprovider.v1/
/// </remarks>
internal static class ProviderApi
{
    /// <summary>The kind of a configuration.</summary>
    public const string ConfigKind = "CredentialProviderConfig";

    /// <summary>The kind of an answer.</summary>
    public const string ResponseKind = "CredentialProviderResponse";

    /// <summary>The agent's own logins, in docker's form.</summary>
    public const string NodeConfigPath = "var/lib/kubelet/config.json";

    private static readonly ProviderJson Json =
        new(new JsonSerializerOptions(ProviderJson.Default.Options) { AllowDuplicateProperties = false });

    /// <summary>The versions of a configuration; v1 is the one to write, the others differ in name alone.</summary>
    public static FrozenSet<string> ConfigVersions { get; } = FrozenSet.Create(
        StringComparer.Ordinal, "kubelet.config.k8s.io/v1", "kubelet.config.k8s.io/v1beta1", "kubelet.config.k8s.io/v1alpha1");

    /// <summary>The versions of the talk; the same holds.</summary>
    public static FrozenSet<string> Versions { get; } = FrozenSet.Create(
        StringComparer.Ordinal, "credentialprovider.kubelet.k8s.io/v1", "credentialprovider.kubelet.k8s.io/v1beta1",
        "credentialprovider.kubelet.k8s.io/v1alpha1");

    /// <summary>The question.</summary>
    /// <param name="version">In which version it is put, and to be answered.</param>
    /// <param name="image">Host and repository.</param>
    public static byte[] Request(string version, string image) =>
        JsonSerializer.SerializeToUtf8Bytes(new ProviderRequest("CredentialProviderRequest", version, image), Json.ProviderRequest);

    /// <summary>Reads an answer; null if it is none.</summary>
    public static ProviderResponse? Response(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, Json.ProviderResponse);
        }
        catch (JsonException)
        {
            return null; // The message quotes what may be a secret.
        }
    }
}

/// <summary>The question to a provider.</summary>
internal sealed record ProviderRequest(string Kind, string ApiVersion, string Image);

/// <summary>A provider's answer. Unknown fields are refused, as the kubelet does. No record: those print what they hold.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed class ProviderResponse
{
    /// <summary>What it is.</summary>
    public string? Kind { get; init; }

    /// <summary>In which version.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>For what else the answer holds.</summary>
    public string? CacheKeyType { get; init; }

    /// <summary>For how long; null for the configuration's default.</summary>
    public string? CacheDuration { get; init; }

    /// <summary>Logins by pattern.</summary>
    public Dictionary<string, ProviderAuth?>? Auth { get; init; }
}

/// <summary>A login of a provider. No record: those print what they hold.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed class ProviderAuth
{
    /// <summary>The user.</summary>
    public string? Username { get; init; }

    /// <summary>The secret.</summary>
    public string? Password { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ProviderRequest))]
[JsonSerializable(typeof(ProviderResponse))]
internal sealed partial class ProviderJson : JsonSerializerContext;
