using Hyperkube.Oci;
using Hyperkube.Oci.Http;
using Hyperkube.Oci.Registry;
using Hyperkube.Oci.Registry.Credentials;

namespace Hyperkube.Publishing;

/// <summary>How one host would be asked for an image, and what it says.</summary>
/// <param name="Host">The host.</param>
/// <param name="Proxy">Through which proxy, or null.</param>
/// <param name="Logins">Each place of logins in order, and what it has; those behind the one that has it are not asked.</param>
/// <param name="Answer">What it answered, or why it did not.</param>
public sealed record HostExplanation(RegistryHost Host, string? Proxy, IReadOnlyList<LoginPlace> Logins, HostAnswer Answer);

/// <summary>A place of logins.</summary>
/// <param name="Name">The file or program.</param>
/// <param name="Outcome"><c>found</c>, <c>tried</c> or <c>skipped</c>.</param>
/// <param name="Says">What it has, never the secret.</param>
public sealed record LoginPlace(string Name, string Outcome, string Says);

/// <summary>What a host answered.</summary>
/// <param name="Image">What the reference stands for there; null if it does not.</param>
/// <param name="Failure">Why not; null if it does.</param>
/// <param name="Elapsed">How long it took, the dial and the login included.</param>
public sealed record HostAnswer(Descriptor? Image, HyperkubeException? Failure, TimeSpan Elapsed);

/// <summary>Says how an image would be had, without getting it: one question to each host, each asked once.</summary>
public sealed class RegistryExplainer(RegistryOptions options, CredentialChain credentials)
{
    /// <summary>Asks each host.</summary>
    /// <param name="reference">The image.</param>
    /// <param name="hosts">The hosts in the order in which they would be asked.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<IReadOnlyList<HostExplanation>> ExplainAsync(
        RegistryReference reference, IReadOnlyList<RegistryHost> hosts, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(reference);
        using RegistryClient client = new(options with { Retry = options.Retry with { MaxAttempts = 1 } });
        List<HostExplanation> explained = [];
        foreach (var host in hosts)
        {
            var proxy = options.Proxy.IsBypassed(host.Root) ? null : options.Proxy.GetProxy(host.Root);
            explained.Add(new HostExplanation(
                host,
                proxy is null ? null : HttpFailure.Where(proxy),
                await LoginsAsync(host, reference.Repository, cancellationToken).ConfigureAwait(false),
                await AskAsync(client, host, reference, cancellationToken).ConfigureAwait(false)));
        }

        return explained;
    }

    private async Task<IReadOnlyList<LoginPlace>> LoginsAsync(RegistryHost host, string repository, CancellationToken cancellationToken)
    {
        List<LoginPlace> places = [];
        var isFound = false;
        foreach (var source in credentials.Sources)
        {
            if (isFound)
            {
                places.Add(new LoginPlace(source.Name, "skipped", "an earlier place has a login"));
                continue;
            }

            try
            {
                var answer = await source.FindAsync(host.CredentialName, repository, cancellationToken).ConfigureAwait(false);
                isFound = answer.Credential is not null;
                places.Add(new LoginPlace(source.Name, isFound ? "found" : "tried", answer.Says));
            }
            catch (HyperkubeException e)
            {
                isFound = true; // The job would fail here.
                places.Add(new LoginPlace(source.Name, "failed", e.Message));
            }
        }

        return places;
    }

    private async Task<HostAnswer> AskAsync(
        RegistryClient client, RegistryHost host, RegistryReference reference, CancellationToken cancellationToken)
    {
        var begun = options.Retry.Time.GetTimestamp();
        TimeSpan Elapsed() => options.Retry.Time.GetElapsedTime(begun);
        var needed = reference.Digest is null ? HostCapabilities.Pull | HostCapabilities.Resolve : HostCapabilities.Pull;
        if ((host.Capabilities & needed) != needed)
        {
            return Failed($"not asked: its capabilities lack {needed & ~host.Capabilities}", TimeSpan.Zero);
        }

        try
        {
            var repository = client.Repository(reference.Repository, [host]);
            var image = await repository.ResolveAsync(reference.Digest?.ToString() ?? reference.Tag, cancellationToken)
                .ConfigureAwait(false);
            return image is null ? Failed("no such image there", Elapsed()) : new HostAnswer(image, Failure: null, Elapsed());
        }
        catch (HyperkubeException e)
        {
            return new HostAnswer(null, e, Elapsed());
        }
    }

    private static HostAnswer Failed(string why, TimeSpan elapsed) =>
        new(Image: null, new HyperkubeException(ErrorKind.NotFound, why), elapsed);
}
