using System.Security.Cryptography;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Publishing;

namespace Hyperkube.Host;

/// <summary>Puts binaries of an image onto a host: streamed, verified, atomic, resumable, reversible.</summary>
/// <param name="root">The host.</param>
/// <param name="open">Opens the image's place; the installer disposes it.</param>
/// <param name="log">Told what happens.</param>
/// <param name="searchPath">Where programs are looked for: PATH.</param>
/// <param name="time">The clock.</param>
public sealed class HostInstaller(
    HostRoot root, Func<ImageReference, CancellationToken, Task<ImageSource>> open, IActivityLog log, string? searchPath, TimeProvider time)
{
    /// <summary>Installs.</summary>
    /// <exception cref="HyperkubeException">Nothing was changed, unless its kind is <see cref="ErrorKind.Unhealthy"/>.</exception>
    public async Task<InstallResult> InstallAsync(InstallRequest request, CancellationToken cancellationToken)
    {
        CheckVerification(request);
        if (request.Jitter > TimeSpan.Zero && !request.IsDry)
        {
            if (await RunAsync(request, isGlance: true, cancellationToken).ConfigureAwait(false) is { } current)
            {
                return current;
            }

            await WaitAsync(request, cancellationToken).ConfigureAwait(false); // Others may do their work meanwhile.
        }

        return (await RunAsync(request, isGlance: false, cancellationToken).ConfigureAwait(false))!;
    }

    // A glance ends with nothing where there is something to install.
    private async Task<InstallResult?> RunAsync(InstallRequest request, bool isGlance, CancellationToken cancellationToken)
    {
        using var state = request.IsDry
            ? HostState.Look(root, log.Warn)
            : await HostState.LockAsync(root, request.LockPatience, log.Warn, cancellationToken).ConfigureAwait(false);
        if (!request.IsDry)
        {
            new HostSwitch(root, state, log.Warn).Recover(cancellationToken);
        }

        UnitRestarts units = new(root, state, log, searchPath, time);
        InstallResult? result;
        try
        {
            result = await PlaceAsync(request, state, units, isGlance, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (!request.IsDry && e is not OperationCanceledException)
        {
            if (await units.MakeGoodAsync(request.Restart, cancellationToken).ConfigureAwait(false) is { } ill)
            {
                log.Warn(ill.Message);
                if (e is HyperkubeException failure && Seriousness.Most([failure, ill], f => f.Kind) == ill)
                {
                    throw new HyperkubeException(ill.Kind, $"{ill.Message}; this run has failed as well: {failure.Message}", failure)
                    {
                        Hint = ill.Hint,
                    };
                }
            }

            throw;
        }

        return result is null || request.IsDry ? result
            : await units.RunAsync(request, result, cancellationToken).ConfigureAwait(false);
    }

    private async Task<InstallResult?> PlaceAsync(
        InstallRequest request, HostState state, UnitRestarts units, bool isGlance, CancellationToken cancellationToken)
    {
        await units.CheckAsync(request.Restart, [.. request.Binaries.Select(b => b.Destination)], cancellationToken).ConfigureAwait(false);
        using var source = await open(request.Reference, cancellationToken).ConfigureAwait(false);
        using Destinations destinations = new(root, request.Binaries, request.IsDry, log.Warn);
        try
        {
            if (!request.IsDry)
            {
                destinations.RemoveAbandoned(state);
                state.RemoveAbandoned();
            }

            var result = await InstallAsync(request, state, source, destinations, units, isGlance, cancellationToken).ConfigureAwait(false);
            if (!request.IsDry && result is not null)
            {
                destinations.RemoveParts();
                state.Begin([]);
            }

            return result;
        }
        catch (HyperkubeException e) when (!request.IsDry && e.Kind is ErrorKind.BadContent or ErrorKind.BadDigest or ErrorKind.Unsigned
            or ErrorKind.BadSignature or ErrorKind.NotFound)
        {
            destinations.RemoveParts();
            throw;
        }
    }

    private async Task<InstallResult?> InstallAsync(
        InstallRequest request, HostState state, ImageSource source, Destinations destinations, UnitRestarts units, bool isGlance,
        CancellationToken cancellationToken)
    {
        Installed installed = new(state, destinations, request, new KeptProofs(request, state, log));
        if (installed.MayBeCurrent
            && await DigestOfAsync(request.Reference, source, cancellationToken).ConfigureAwait(false) is { } digest
            && installed.IsCurrent(digest, cancellationToken))
        {
            installed.Refresh(digest);
            return installed.Unchanged(digest);
        }

        if (isGlance)
        {
            return null;
        }

        var found = await source.FindAsync(cancellationToken).ConfigureAwait(false);
        if (request.Demand is { } demand)
        {
            await demand.CheckAsync(source.Content, found, cancellationToken).ConfigureAwait(false);
        }

        var image = await PlatformImage.OpenAsync(source.Content, request.Reference, found, request.Platform, cancellationToken)
            .ConfigureAwait(false);
        installed.CheckHolds(image);
        InstallRun run = new(request, image, new BinaryProofs(request, image, log), state, installed, units, root, log, time);
        return await run.RunAsync(source.Content, source.Reference is RegistryReference, cancellationToken).ConfigureAwait(false);
    }

    private static void CheckVerification(InstallRequest request)
    {
        if (request.Verify == VerificationMode.Digest && request.Reference.Pin is null)
        {
            throw new HyperkubeException(
                ErrorKind.Usage, $"--verify digest: {request.Reference} has no digest; expected a reference with @sha256:...")
            {
                Hint = "take the digest from whoever built the image: hyperkube inspect shows it",
            };
        }
    }

    // By digest nobody is asked; by tag the answer may only confirm that nothing changed.
    private static async Task<Digest?> DigestOfAsync(ImageReference reference, ImageSource source, CancellationToken cancellationToken) =>
        reference.Pin
        ?? (reference is RegistryReference { Tag: { } tag }
            ? await source.Content.ResolveAsync(tag, cancellationToken).ConfigureAwait(false)
            : await source.FindAsync(cancellationToken).ConfigureAwait(false))?.Digest;

    private async Task WaitAsync(InstallRequest request, CancellationToken cancellationToken)
    {
        var pause = TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32((int)request.Jitter.TotalMilliseconds + 1));
        using var activity = log.Begin($"wait {pause.TotalSeconds:F0} s of --jitter", totalBytes: null);
        await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
        activity.Complete("done");
    }
}
