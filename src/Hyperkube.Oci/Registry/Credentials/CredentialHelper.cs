using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Registry.Credentials;

/// <summary>One of docker's credential helpers: a program that keeps or makes logins.</summary>
/// <param name="name">What a configuration calls it: <c>ecr-login</c> is the program <c>docker-credential-ecr-login</c>.</param>
/// <param name="searchPath">Directories, as in the variable <c>PATH</c>; null or empty for none.</param>
/// <param name="time">Measures how long it takes.</param>
/// <remarks>Source: https://github.com/docker/docker-credential-helpers/blob/v0.9.3/client/client.go</remarks>
public sealed class CredentialHelper(string name, string? searchPath, TimeProvider time)
{
    private const string NotFound = "credentials not found in native keychain";

    /// <summary>Under this user name a helper hands out an identity token.</summary>
    private const string TokenUser = "<token>";

    private static readonly CredentialHelperJson Json =
        new(new JsonSerializerOptions(CredentialHelperJson.Default.Options) { AllowDuplicateProperties = false });

    /// <summary>What is run.</summary>
    public string Program { get; } = $"docker-credential-{OneLine.Of(name)}";

    /// <summary>Asks for the login of a server.</summary>
    /// <param name="server">As docker spells it: <c>registry.example.com</c>, or <c>https://index.docker.io/v1/</c>.</param>
    /// <param name="cancellationToken">Ends the program, too.</param>
    public async Task<HelperAnswer> AskAsync(string server, CancellationToken cancellationToken)
    {
        if (!IsName(name))
        {
            return new HelperAnswer(null, $"'{Program}' is no name of a program");
        }

        if (ChildProgram.Locate($"docker-credential-{name}", searchPath) is not { } path)
        {
            return new HelperAnswer(null, $"{Program} is not installed on PATH");
        }

        var answer = await new ChildProgram(path, ["get"], [])
            .AskAsync(Encoding.UTF8.GetBytes(server), time, cancellationToken).ConfigureAwait(false);
        return answer.Failure is { } failure ? new HelperAnswer(null, $"{path} {failure}")
            : answer.ExitCode == 0 ? Read(answer.Output, path)
            : Refused(answer, path);
    }

    private static bool IsName(string name) =>
        name.Length is > 0 and <= 100 && char.IsAsciiLetterOrDigit(name[0])
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private static HelperAnswer Refused(ChildAnswer answer, string path)
    {
        var output = Encoding.UTF8.GetString(answer.Output.Span).Trim();
        if (output == NotFound)
        {
            return new HelperAnswer(null, null);
        }

        // Helpers complain on standard output; a document there may hold the secret all the same.
        var said = answer.Errors.Length > 0 ? answer.Errors
            : output.Contains('{', StringComparison.Ordinal) ? "" : OneLine.Of(output);
        return new HelperAnswer(null, $"{path} ended with code {answer.ExitCode}{(said.Length > 0 ? $", saying '{said}'" : "")}");
    }

    private static HelperAnswer Read(ReadOnlyMemory<byte> output, string path)
    {
        HelperLogin? login;
        try
        {
            login = JsonSerializer.Deserialize(output.Span, Json.HelperLogin);
        }
        catch (JsonException)
        {
            login = null; // The message quotes what may be the secret.
        }

        return login switch
        {
            null => new HelperAnswer(null, $"{path} did not answer with a JSON object of ServerURL, Username and Secret"),
            { Username: null or "", Secret: null or "" } => new HelperAnswer(null, null),
            { Username: null or "" } => new HelperAnswer(null, $"{path} answered without a Username"),
            { Secret: null or "" } => new HelperAnswer(null, $"{path} answered without a Secret"),
            { Username: TokenUser } => new HelperAnswer(new Credential.IdentityToken(login.Secret), null),
            _ => new HelperAnswer(new Credential.Login(login.Username, login.Secret), null),
        };
    }
}

/// <summary>What a credential helper answered.</summary>
/// <param name="Credential">The login; null when it has none.</param>
/// <param name="Problem">Why it has not answered, for a person; null when it has.</param>
public sealed record HelperAnswer(Credential? Credential, string? Problem);

// No record: those print what they hold.
internal sealed class HelperLogin
{
    public string? Username { get; init; }

    public string? Secret { get; init; }
}

[JsonSourceGenerationOptions(PropertyNameCaseInsensitive = true)]
[JsonSerializable(typeof(HelperLogin))]
internal sealed partial class CredentialHelperJson : JsonSerializerContext;
