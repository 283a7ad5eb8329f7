namespace Hyperkube.Oci.Registry.Credentials;

/// <summary>A login in environment variables, for one host only: a job that talks to two registries must not show the
/// login of one to the other.</summary>
/// <param name="variable">The value of an environment variable, or null.</param>
public sealed class EnvironmentLogin(Func<string, string?> variable) : ICredentialSource
{
    /// <summary>For which host, with its port.</summary>
    public const string HostVariable = "HYPERKUBE_REGISTRY_HOST";

    /// <summary>The user.</summary>
    public const string UserVariable = "HYPERKUBE_REGISTRY_USERNAME";

    /// <summary>The password.</summary>
    public const string PasswordVariable = "HYPERKUBE_REGISTRY_PASSWORD";

    /// <inheritdoc/>
    public string Name => "environment";

    /// <inheritdoc/>
    public ValueTask<CredentialAnswer> FindAsync(string host, string repository, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Find(host));

    private CredentialAnswer Find(string host)
    {
        string[] names = [HostVariable, UserVariable, PasswordVariable];
        var missing = names.Where(name => string.IsNullOrEmpty(variable(name))).ToArray();
        return missing.Length == names.Length ? new CredentialAnswer(null, $"{HostVariable} is not set")
            : missing.Length > 0
                ? new CredentialAnswer(null, $"ignored without {string.Join(" and ", missing)}", IsProblem: true)
            : RegistryKey.IsSameHost(variable(HostVariable)!, host)
                ? new CredentialAnswer(new Credential.Login(variable(UserVariable)!, variable(PasswordVariable)!), UserVariable)
            : new CredentialAnswer(null, $"only for {OneLine.Of(variable(HostVariable)!)}");
    }
}
