using Hyperkube.Oci;
using Hyperkube.Oci.Registry;
using Hyperkube.Releases;

namespace Hyperkube.Publishing;

/// <summary>Finds out what a plan wants to know, from the registry and from upstream.</summary>
/// <param name="repository">The registry itself, never a mirror.</param>
/// <param name="files">Upstream.</param>
/// <param name="wanted">Which binaries a release is made of.</param>
/// <param name="holds">What is on hold.</param>
public sealed class ReleaseSurvey(
    RemoteRepository repository, UpstreamFiles files, Func<KubernetesVersion, IEnumerable<ReleaseFile>> wanted, HeldReleases holds)
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
            var question = questions[i];
            try
            {
                facts[i] = await AskAsync(question, token).ConfigureAwait(false);
            }
            catch (HyperkubeException e)
            {
                facts[i] = new ReleaseFacts(question.Version, question.IsTagged) { Failure = e };
            }
        }).ConfigureAwait(false);
        return facts;
    }

    private async Task<ReleaseFacts> AskAsync(ReleaseQuestion question, CancellationToken cancellationToken)
    {
        var published = question.LookIntoImage
            ? await PublishedRelease.ReadAsync(repository, question.Version, question.Tag, cancellationToken).ConfigureAwait(false)
            : null;

        // Of an image the binaries that it records are asked for, whatever is built today; of a foreign one none.
        var binaries = question.IsTagged
            ? published?.Platforms.SelectMany(p => p.Binaries).Select(b => b.File) ?? []
            : wanted(question.Version);
        var upstream = question.AskUpstream
            ? await UpstreamRelease.AskAsync(files, question.Version, binaries, cancellationToken).ConfigureAwait(false)
            : null;
        var held = question.IsTagged ? [] : holds.Of(question.Version);
        if (held.Count > 0 && upstream is not null && upstream.Binaries.All(b => b.Sha256 is not null))
        {
            upstream = await upstream.WithFingerprintAsync(files, cancellationToken).ConfigureAwait(false);
        }

        return new ReleaseFacts(question.Version, question.IsTagged) { Published = published, Upstream = upstream, Holds = held };
    }
}
