using Hyperkube.Oci;
using Hyperkube.Oci.Registry;
using Hyperkube.Releases;

namespace Hyperkube.Publishing;

/// <summary>Finds out what a plan wants to know, from the registry and from upstream.</summary>
/// <param name="repository">The registry itself, never a mirror.</param>
/// <param name="upstream">Upstream.</param>
/// <param name="wanted">Which binaries a release is made of.</param>
/// <param name="holds">What is on hold.</param>
public sealed class ReleaseSurvey(
    RemoteRepository repository, UpstreamFiles upstream, Func<KubernetesVersion, IEnumerable<ReleaseFile>> wanted, HeldReleases holds)
{
    /// <summary>Each is a few small requests: enough to hide the round trips, few enough to be no load.</summary>
    private const int AtOnce = 6;

    /// <summary>Asks; a release of which one side does not answer carries that as its failure.</summary>
    /// <returns>In the order of the questions.</returns>
    public async Task<IReadOnlyList<ReleaseFacts>> AskAsync(IReadOnlyList<ReleaseQuestion> questions, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(questions);
        var facts = new ReleaseFacts[questions.Count];
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, questions.Count, parallel, async (i, token) =>
        {
            facts[i] = await AskAsync(questions[i], token).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return facts;
    }

    // What is known stays known when the rest cannot be asked for.
    private async Task<ReleaseFacts> AskAsync(ReleaseQuestion question, CancellationToken cancellationToken)
    {
        ReleaseFacts facts = new(question.Version, question.IsTagged) { Holds = question.IsTagged ? [] : holds.Of(question.Version) };
        try
        {
            if (question.LookIntoImage)
            {
                facts = facts with
                {
                    Published = await PublishedRelease.ReadAsync(repository, question.Version, question.Tag, cancellationToken)
                        .ConfigureAwait(false),
                };
            }

            // Of an image the binaries that it records are asked for, whatever is built today; of a foreign one none.
            if (question.AskUpstream)
            {
                var files = question.IsTagged ? facts.Published?.Files ?? [] : wanted(question.Version);
                facts = facts with
                {
                    Upstream = await UpstreamRelease.AskAsync(upstream, question.Version, files, cancellationToken).ConfigureAwait(false),
                };
            }
        }
        catch (HyperkubeException e)
        {
            facts = facts with { Failure = e };
        }

        return facts.Holds.Count > 0 && (facts.Upstream is { IsWhole: true } || facts.Failure is { Kind: ErrorKind.BadContent })
            ? await WithFingerprintAsync(facts, cancellationToken).ConfigureAwait(false)
            : facts;
    }

    private async Task<ReleaseFacts> WithFingerprintAsync(ReleaseFacts facts, CancellationToken cancellationToken)
    {
        try
        {
            var fingerprint = await UpstreamFingerprint.OfAsync(upstream, facts.Version, wanted(facts.Version), cancellationToken)
                .ConfigureAwait(false);
            return facts with { Fingerprint = fingerprint };
        }
        catch (HyperkubeException e)
        {
            return facts with { Failure = e };
        }
    }
}
