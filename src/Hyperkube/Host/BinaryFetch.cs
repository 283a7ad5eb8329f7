using System.Runtime.ExceptionServices;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layers;
using Hyperkube.Releases;

namespace Hyperkube.Host;

/// <summary>Where a file of the image goes.</summary>
/// <param name="Name">What it is called: <c>kubelet</c>.</param>
/// <param name="ImagePath">Where it is in the image, without a slash in front.</param>
/// <param name="Directory">The directory it goes to.</param>
/// <param name="FileName">Its name there.</param>
internal sealed record Destination(string Name, string ImagePath, HostDirectory Directory, string FileName)
{
    /// <summary>The path as the host sees it.</summary>
    internal string Path => System.IO.Path.Combine(Directory.Path, FileName);
}

/// <summary>Brings the wanted files out of an image's layers: from those that say that they hold them, else from the topmost that does.
/// </summary>
/// <param name="source">Where the layers are.</param>
/// <param name="image">The image.</param>
/// <param name="isRemote">Whether bytes that have come are worth keeping.</param>
/// <param name="isDry">Whether files are only measured.</param>
/// <param name="log">Told of each layer.</param>
internal sealed class BinaryFetch(IContentSource source, PlatformImage image, bool isRemote, bool isDry, IActivityLog log)
{
    /// <summary>Two layers keep the line and two cores busy; each more costs memory.</summary>
    private const int MaxParallel = 2;

    /// <summary>Bytes that a disk must have room for: the files, and what has not yet come of their layers.</summary>
    internal long NeededBytes(IReadOnlyCollection<Destination> wanted)
    {
        var needed = 0L;
        foreach (var work in Plan(wanted))
        {
            var open = !IsKept(work) ? 0
                : work.Layer.Size - Math.Min(work.Layer.Size, PartialBlob.TakenOf(work.Wanted[0].Directory, work.Layer));
            needed += open + (ClaimedFile.Of(work.Layer)?.Size ?? 0);
        }

        return needed;
    }

    /// <summary>Brings them.</summary>
    /// <param name="wanted">Which.</param>
    /// <param name="makeReady">What is done with each as soon as it is certain that no layer hides it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Each staged; the caller disposes them.</returns>
    /// <exception cref="HyperkubeException">The image has no such file (<see cref="ErrorKind.NotFound"/>), or is not what it
    /// says.</exception>
    internal async Task<IReadOnlyDictionary<Destination, StagedBinary>> RunAsync(
        IReadOnlyCollection<Destination> wanted, Func<Destination, StagedBinary, CancellationToken, Task> makeReady,
        CancellationToken cancellationToken)
    {
        async Task MakeReadyAsync(Destination destination, StagedBinary binary, CancellationToken token)
        {
            if (!isDry)
            {
                await makeReady(destination, binary, token).ConfigureAwait(false);
            }
        }

        var plan = Plan(wanted);
        var found = new LayerFiles?[plan.Count];
        var failed = new HyperkubeException?[plan.Count];
        try
        {
            await Parallel.ForAsync(
                0,
                plan.Count,
                new ParallelOptions { MaxDegreeOfParallelism = MaxParallel, CancellationToken = cancellationToken },
                async (i, token) =>
                {
                    if (plan[i].Wanted.All(w => IsDecided(w.ImagePath, found.AsSpan(0, i))) || failed.Take(i).Any(f => f is not null))
                    {
                        return;
                    }

                    try
                    {
                        found[i] = await ReadAsync(plan[i], token).ConfigureAwait(false);
                        if (plan[i].IsCertain)
                        {
                            await MakeReadyAsync(plan[i].Wanted[0], found[i]!.Of(plan[i].Wanted[0].ImagePath), token).ConfigureAwait(false);
                        }
                    }
                    catch (HyperkubeException e)
                    {
                        failed[i] = e; // Is it of interest? The layers above may hide all of it, and what else is on its way may be worse.
                    }
                }).ConfigureAwait(false);
            return await TakeAsync(wanted, plan, found, failed, MakeReadyAsync, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            foreach (var layer in found)
            {
                layer?.Dispose();
            }
        }
    }

    private async Task<IReadOnlyDictionary<Destination, StagedBinary>> TakeAsync(
        IReadOnlyCollection<Destination> wanted, List<Work> plan, LayerFiles?[] found, HyperkubeException?[] failed,
        Func<Destination, StagedBinary, CancellationToken, Task> makeReady, CancellationToken cancellationToken)
    {
        Dictionary<Destination, StagedBinary> taken = [];
        try
        {
            List<HyperkubeException> failures = [];
            foreach (var destination in wanted)
            {
                try
                {
                    taken.Add(destination, Take(destination, plan, found, failed));
                }
                catch (HyperkubeException e)
                {
                    failures.Add(e);
                }
            }

            ThrowMostSerious(failures);
            var certain = plan.Where(w => w.IsCertain).SelectMany(w => w.Wanted).ToHashSet();
            await Parallel.ForEachAsync(
                taken.Where(t => !certain.Contains(t.Key)),
                new ParallelOptions { MaxDegreeOfParallelism = MaxParallel, CancellationToken = cancellationToken },
                async (binary, token) =>
                {
                    try
                    {
                        await makeReady(binary.Key, binary.Value, token).ConfigureAwait(false);
                    }
                    catch (HyperkubeException e)
                    {
                        lock (failures)
                        {
                            failures.Add(e);
                        }
                    }
                }).ConfigureAwait(false);
            ThrowMostSerious(failures);
            return taken;
        }
        catch
        {
            foreach (var staged in taken.Values)
            {
                staged.Dispose();
            }

            throw;
        }
    }

    private static void ThrowMostSerious(List<HyperkubeException> failures)
    {
        if (failures.Count > 0)
        {
            ExceptionDispatchInfo.Throw(Seriousness.Most(failures, f => f.Kind));
        }
    }

    // Topmost first. A layer that says what it holds is only read for that; one that does not, for all that no layer above it claims.
    private List<Work> Plan(IReadOnlyCollection<Destination> wanted)
    {
        List<Work> plan = [];
        var open = wanted.ToList();
        for (var i = image.Layers.Count - 1; i >= 0 && open.Count > 0; i--)
        {
            var claim = ClaimedFile.Of(image.Layers[i]);
            var here = claim is null ? [.. open] : open.Where(w => w.ImagePath == claim.Path).ToList();
            if (here.Count > 0)
            {
                CheckSizes(image.Layers[i], claim);
                var isCertain = claim is not null && plan.TrueForAll(w => w.IsCertain);
                plan.Add(new Work(image.Layers[i], image.DiffIds[i], here, isCertain));
            }

            open.RemoveAll(w => w.ImagePath == claim?.Path);
        }

        return plan;
    }

    // Before anybody looks for so much space.
    private static void CheckSizes(Descriptor layer, ClaimedFile? claim)
    {
        if (layer.Size > LayerTar.MaxBytes)
        {
            throw new HyperkubeException(
                ErrorKind.BadContent, $"layer {layer.Digest}: {layer.Size} bytes; expected at most {LayerTar.MaxBytes} (16 GiB)");
        }

        FileLimits.Check($"layer {layer.Digest}: /{claim?.Path}", claim?.Size ?? 0);
    }

    private static bool IsDecided(string path, ReadOnlySpan<LayerFiles?> above)
    {
        foreach (var layer in above)
        {
            if (layer?.Has(path) == true || layer?.Hides(path) == true)
            {
                return true;
            }
        }

        return false;
    }

    private bool IsKept(Work work) => isRemote && work.Layer.Size >= PartialBlob.WorthKeepingBytes;

    private async Task<LayerFiles> ReadAsync(Work work, CancellationToken cancellationToken)
    {
        var wanted = work.Wanted.ToDictionary(w => w.ImagePath, StringComparer.Ordinal);
        var paths = wanted.Keys.ToHashSet(StringComparer.Ordinal);
        var names = string.Join(", ", work.Wanted.Select(w => w.Name));
        using var activity = log.Begin($"{(isDry ? "look for" : "install")} {names}", work.Layer.Size);
        Func<KeptBlob>? open = IsKept(work) && !isDry ? () => PartialBlob.Open(work.Wanted[0].Directory, source, work.Layer) : null;
        var files = await new LayerFetch(source, work.Layer, work.DiffId, open, activity).RunAsync(
            async (tar, token) =>
            {
                var read = await LayerFiles.ReadAsync(tar, paths, (path, size) => Stage(wanted[path], size), token)
                    .ConfigureAwait(false);
                return Checked(read, work);
            },
            cancellationToken).ConfigureAwait(false);
        activity.Complete(work.Layer.Digest.ToString());
        return files;
    }

    private StagedBinary Stage(Destination destination, long size) => isDry
        ? StagedBinary.Measure(destination.Directory, destination.FileName, size)
        : StagedBinary.Create(destination.Directory, destination.FileName, size);

    // The annotations of a layer are a promise of the image's maker; one that is broken is no accident.
    private static LayerFiles Checked(LayerFiles files, Work work)
    {
        if (ClaimedFile.Of(work.Layer) is { } claim && files.ContentOf(claim.Path) is var content
            && (content?.Digest, content?.Size) != (claim.Sha256, claim.Size))
        {
            files.Dispose();
            throw new HyperkubeException(
                ErrorKind.BadContent,
                content is null
                    ? $"layer {work.Layer.Digest}: has no /{claim.Path}; its annotations say that it has"
                    : $"layer {work.Layer.Digest}: /{claim.Path} is {content.Digest}; its annotations say {claim.Sha256}");
        }

        return files;
    }

    private StagedBinary Take(Destination destination, List<Work> plan, LayerFiles?[] found, HyperkubeException?[] failed)
    {
        for (var i = 0; i < plan.Count; i++)
        {
            if (failed[i] is { } failure && plan[i].Wanted.Contains(destination))
            {
                throw failure;
            }

            if (found[i]?.Take(destination.ImagePath) is { } staged)
            {
                return staged;
            }

            if (found[i]?.Hides(destination.ImagePath) == true)
            {
                break;
            }
        }

        throw new HyperkubeException(ErrorKind.NotFound, $"{image.Root.Digest}: has no file /{destination.ImagePath} for this platform")
        {
            Hint = "see what is in it: hyperkube inspect REF",
        };
    }

    /// <param name="Layer">Which layer is read.</param>
    /// <param name="DiffId">Of its tar.</param>
    /// <param name="Wanted">For which files.</param>
    /// <param name="IsCertain">Whether it holds its one file by its maker's word, and no layer above can hide it.</param>
    private sealed record Work(Descriptor Layer, Digest DiffId, IReadOnlyList<Destination> Wanted, bool IsCertain);
}
