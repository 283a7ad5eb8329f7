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
        using var state = request.IsDry
            ? HostState.Look(root, log.Warn)
            : await HostState.LockAsync(root, request.LockPatience, log.Warn, cancellationToken).ConfigureAwait(false);
        if (!request.IsDry)
        {
            new HostSwitch(root, state, log.Warn).Recover(cancellationToken);
        }

        UnitRestarts units = new(root, state, log, searchPath, time);
        await units.CheckAsync(request.Restart, [.. request.Binaries.Select(b => b.Destination)], cancellationToken).ConfigureAwait(false);

        using var source = await open(request.Reference, cancellationToken).ConfigureAwait(false);
        using Destinations destinations = new(root, request.Binaries, request.IsDry, log.Warn);
        InstallResult result;
        try
        {
            if (!request.IsDry)
            {
                destinations.RemoveAbandoned(state);
                state.RemoveAbandoned();
            }

            result = await InstallAsync(request, state, source, destinations, cancellationToken).ConfigureAwait(false);
        }
        catch (HyperkubeException e) when (!request.IsDry)
        {
            if (e.Kind is ErrorKind.BadContent or ErrorKind.BadDigest or ErrorKind.Unsigned or ErrorKind.BadSignature or ErrorKind.NotFound)
            {
                destinations.RemoveParts();
            }

            await units.MakeGoodAsync(request.Restart, cancellationToken).ConfigureAwait(false);
            throw;
        }

        if (!request.IsDry)
        {
            destinations.RemoveParts();
            state.Begin([]);
            result = await units.RunAsync(request, result, cancellationToken).ConfigureAwait(false);
        }

        return result;
    }

    private async Task<InstallResult> InstallAsync(
        InstallRequest request, HostState state, ImageSource source, Destinations destinations, CancellationToken cancellationToken)
    {
        Installed installed = new(state, destinations, request, new KeptProofs(request, state, log));
        if (installed.MayBeCurrent
            && await DigestOfAsync(request.Reference, source, cancellationToken).ConfigureAwait(false) is { } digest
            && installed.IsCurrent(digest, cancellationToken))
        {
            installed.Refresh(digest);
            return installed.Unchanged(digest);
        }

        await WaitAsync(request, cancellationToken).ConfigureAwait(false);
        var found = await source.FindAsync(cancellationToken).ConfigureAwait(false);
        if (request.Demand is { } demand)
        {
            await demand.CheckAsync(source.Content, found, cancellationToken).ConfigureAwait(false);
        }

        var image = await PlatformImage.OpenAsync(source.Content, request.Reference, found, request.Platform, cancellationToken)
            .ConfigureAwait(false);
        installed.CheckHolds(image);
        return await new InstallRun(request, image, new BinaryProofs(request, image, log), state, installed, root, log, time).RunAsync(
            source.Content, source.Reference is RegistryReference, cancellationToken).ConfigureAwait(false);
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
        if (request.Jitter > TimeSpan.Zero && !request.IsDry)
        {
            var pause = TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32((int)request.Jitter.TotalMilliseconds + 1));
            using var activity = log.Begin($"wait {pause.TotalSeconds:F0} s of --jitter", totalBytes: null);
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
            activity.Complete("done");
        }
    }
}
