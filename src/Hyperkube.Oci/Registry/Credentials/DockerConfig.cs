using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hyperkube.Oci.Registry.Credentials;

/// <summary>What a docker <c>config.json</c> or a podman <c>auth.json</c> says about logins.</summary>
/// <remarks>Source: https://docs.docker.com/reference/cli/docker/#docker-cli-configuration-file-configjson-properties</remarks>
internal sealed class DockerConfig
{
    private static readonly DockerConfigJson Json =
        new(new JsonSerializerOptions(DockerConfigJson.Default.Options) { AllowDuplicateProperties = false });

    /// <summary>Logins by key.</summary>
    public Dictionary<string, DockerAuth?>? Auths { get; init; }

    /// <summary>Names of helpers by host.</summary>
    public Dictionary<string, string?>? CredHelpers { get; init; }

    /// <summary>The helper of all other hosts.</summary>
    public string? CredsStore { get; init; }

    /// <summary>Reads the text of such a file.</summary>
    /// <exception cref="HyperkubeException">It is none (<see cref="ErrorKind.Usage"/>).</exception>
    public static DockerConfig Parse(ReadOnlySpan<byte> json, string where)
    {
        try
        {
            return JsonSerializer.Deserialize(json, Json.DockerConfig) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            // Its message may quote what stands there, so only the place is told, and the exception is not passed on.
            var line = e.LineNumber is { } number ? $":{number + 1}" : "";
            throw new HyperkubeException(
                ErrorKind.Usage, $"{where}{line}: not such a file; expected a JSON object with auths, credHelpers or credsStore")
            {
                Hint = "mend the file, or log in again to have it written anew",
            };
        }
    }
}

/// <summary>One login. No record: those print what they hold.</summary>
internal sealed class DockerAuth
{
    /// <summary>User and password, joined by a colon, in base64.</summary>
    public string? Auth { get; init; }

    /// <summary>The user; <see cref="Auth"/> comes first.</summary>
    public string? Username { get; init; }

    /// <summary>The password; <see cref="Auth"/> comes first.</summary>
    public string? Password { get; init; }

    /// <summary>A refresh token.</summary>
    public string? IdentityToken { get; init; }

    /// <summary>An access token.</summary>
    public string? RegistryToken { get; init; }

    /// <summary>Whether it holds anything; docker leaves empty entries for what its store keeps.</summary>
    [JsonIgnore]
    public bool IsEmpty =>
        string.IsNullOrEmpty(Auth) && string.IsNullOrEmpty(Username) && string.IsNullOrEmpty(Password)
        && string.IsNullOrEmpty(IdentityToken) && string.IsNullOrEmpty(RegistryToken);

    /// <summary>The login; null when it has a user without password, or the reverse.</summary>
    /// <remarks>
    /// Tokens first: beside them stands a user of zeros. A password may be padded with zero bytes, as old docker wrote it.
    /// Source: https://github.com/docker/cli/blob/v28.3.0/cli/config/configfile/file.go (decodeAuth)
    /// </remarks>
    /// <param name="where">File and key.</param>
    /// <exception cref="HyperkubeException">It cannot be understood (<see cref="ErrorKind.Usage"/>).</exception>
    public Credential? ToCredential(string where)
    {
        if (!string.IsNullOrEmpty(RegistryToken))
        {
            return new Credential.RegistryToken(RegistryToken);
        }

        if (!string.IsNullOrEmpty(IdentityToken))
        {
            return new Credential.IdentityToken(IdentityToken);
        }

        var (user, password) = string.IsNullOrEmpty(Auth) ? (Username, Password) : Decode(Auth, where);
        return string.IsNullOrEmpty(user) || string.IsNullOrEmpty(password) ? null : new Credential.Login(user, password);
    }

    private static (string User, string Password) Decode(string auth, string where)
    {
        var decoded = new byte[auth.Length];
        if (!Convert.TryFromBase64String(auth, decoded, out var length))
        {
            throw Malformed(where);
        }

        var text = Encoding.UTF8.GetString(decoded, 0, length);
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 ? (text[..colon], text[(colon + 1)..].Trim('\0')) : throw Malformed(where);
    }

    private static HyperkubeException Malformed(string where) =>
        new(ErrorKind.Usage, $"{where}: 'auth' is something else; expected the base64 of USER:PASSWORD") { Hint = "log in again" };
}

[JsonSourceGenerationOptions(PropertyNameCaseInsensitive = true)] // As Go reads it: podman and docker spell some in lower case.
[JsonSerializable(typeof(DockerConfig))]
internal sealed partial class DockerConfigJson : JsonSerializerContext;
