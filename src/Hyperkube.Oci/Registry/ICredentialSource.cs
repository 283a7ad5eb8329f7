namespace Hyperkube.Oci.Registry;

/// <summary>One place where a login may be found: a file, a helper program.</summary>
public interface ICredentialSource
{
    /// <summary>For a person: the path of the file, the name of the program.</summary>
    string Name { get; }

    /// <summary>Looks for the login of an image.</summary>
    /// <param name="host">The registry with its port, as it is asked; Docker Hub is <c>docker.io</c>.</param>
    /// <param name="repository">The repository's path.</param>
    /// <param name="cancellationToken">Ends the wait, and a helper program too.</param>
    /// <exception cref="HyperkubeException">The file cannot be understood (<see cref="ErrorKind.Usage"/>).</exception>
    ValueTask<CredentialAnswer> FindAsync(string host, string repository, CancellationToken cancellationToken);
}

/// <summary>What one place answered.</summary>
/// <param name="Credential">The login; null when it has none.</param>
/// <param name="Says">For a person: which entry it was, or why there is none. Never the secret.</param>
/// <param name="IsProblem">Whether somebody should hear of it although another place may do: a helper that is not there.</param>
public sealed record CredentialAnswer(Credential? Credential, string Says, bool IsProblem = false);
