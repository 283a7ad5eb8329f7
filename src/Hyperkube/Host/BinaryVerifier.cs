using System.Security.Cryptography;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Publishing;
using Hyperkube.Releases;

namespace Hyperkube.Host;

/// <summary>A binary that was looked at, and what proves it.</summary>
/// <param name="Name">What it is called: <c>kubelet</c>.</param>
/// <param name="Path">Where it lies: in the image, or on this machine.</param>
/// <param name="Sha256">64 hex digits.</param>
/// <param name="Size">In bytes.</param>
public sealed record CheckedBinary(string Name, string Path, string Sha256, long Size)
{
    /// <summary>By what it is proved; <see cref="VerificationMode.None"/> with a <see cref="Failure"/>.</summary>
    public VerificationMode Verified { get; init; }

    /// <summary>By whose signature; null without one.</summary>
    public SignatureProof? Signature { get; init; }

    /// <summary>The main package, by the build information inside the signed bytes.</summary>
    public string? Package { get; init; }

    /// <summary>The commit, by the same information.</summary>
    public string? Commit { get; init; }

    /// <summary>The version, by the image's word; null when nobody says.</summary>
    public string? Version { get; init; }

    /// <summary>Why it is not proved; null if it is.</summary>
    public HyperkubeException? Failure { get; init; }
}

/// <summary>The binaries of one platform.</summary>
/// <param name="Platform">For what.</param>
/// <param name="Manifest">Of the image; null for a file with a bundle.</param>
/// <param name="Binaries">Each, by path.</param>
public sealed record CheckedPlatform(Platform Platform, Digest? Manifest, IReadOnlyList<CheckedBinary> Binaries);

/// <summary>What was looked at.</summary>
/// <param name="Root">What the reference stood for; null for a file with a bundle.</param>
/// <param name="Platforms">One for each platform.</param>
public sealed record CheckedImage(Digest? Root, IReadOnlyList<CheckedPlatform> Platforms);

/// <summary>Checks binaries against the release team's signature, offline, and changes nothing.</summary>
/// <param name="trust">Whom to believe.</param>
/// <param name="exceptions">What is accepted although its published signature is wrong.</param>
/// <param name="log">Told what happens.</param>
/// <param name="scratch">A directory with room for one binary; nothing is seen there.</param>
public sealed class BinaryVerifier(ReleaseTrust trust, ExemptBinaries exceptions, IActivityLog log, string scratch)
{
    /// <summary>Checks all binaries of an image, in one pass over its layers.</summary>
    /// <param name="source">Where the image is.</param>
    /// <param name="root">What its reference stands for: resolved once, so that all that is asked about it is asked about the same.</param>
    /// <param name="platform">The only platform to look at; null for all.</param>
    /// <param name="names">The only binaries to look at; none for all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Each binary with what proves it, or why nothing does.</returns>
    /// <exception cref="HyperkubeException">There is no such platform or binary (<see cref="ErrorKind.NotFound"/>), or what there is
    /// is no image.</exception>
    public async Task<CheckedImage> CheckImageAsync(
        ImageSource source, Descriptor root, Platform? platform, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        var images = platform is null
            ? await PlatformImage.OpenAllAsync(source.Content, source.Reference, root, cancellationToken).ConfigureAwait(false)
            : [await PlatformImage.OpenAsync(source.Content, source.Reference, root, platform, cancellationToken).ConfigureAwait(false)];
        if (images.Count == 0)
        {
            throw new HyperkubeException(ErrorKind.NotFound, $"{source.Reference}: has no image for any platform");
        }

        List<CheckedPlatform> platforms = [];
        foreach (var image in images)
        {
            platforms.Add(await CheckPlatformAsync(source, image, names, cancellationToken).ConfigureAwait(false));
        }

        if (names.FirstOrDefault(n => platforms.Exists(p => p.Binaries.All(b => b.Name != n))) is { } missing)
        {
            throw new HyperkubeException(ErrorKind.NotFound, $"{source.Reference}: has no {missing} for every platform");
        }

        return platforms.Exists(p => p.Binaries.Count > 0)
            ? new CheckedImage(root.Digest, platforms)
            : throw new HyperkubeException(ErrorKind.NotFound, $"{source.Reference}: has no binary in it");
    }

    /// <summary>Checks a file by the evidence in an image.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">What it must be: <c>kubelet</c>.</param>
    /// <param name="platform">For what it must be; null for what it says.</param>
    /// <param name="source">Where the image is.</param>
    /// <param name="root">What its reference stands for.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="HyperkubeException">There is no such file or platform, or the file is no program.</exception>
    public async Task<CheckedImage> CheckFileAsync(
        string path, string name, Platform? platform, ImageSource source, Descriptor root, CancellationToken cancellationToken)
    {
        using var file = Open(path);
        var program = PlatformOf(file, path);
        var image = await PlatformImage.OpenAsync(source.Content, source.Reference, root, platform ?? program, cancellationToken)
            .ConfigureAwait(false);
        var proofs = ProofsOf(source.Reference, image);
        await proofs.ReadAsync(source.Content, [name], cancellationToken).ConfigureAwait(false);
        var binary = await CheckAsync(file, path, name, image.Platform, proofs.Of, cancellationToken).ConfigureAwait(false);
        return new CheckedImage(
            root.Digest, [new CheckedPlatform(image.Platform, image.Manifest.Digest, [binary with { Version = image.Version }])]);
    }

    /// <summary>Checks a file by a bundle, or by an exception for exactly its bytes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">What it must be: <c>kubelet</c>.</param>
    /// <param name="platform">For what it must be; null for what it says.</param>
    /// <param name="bundle">The evidence; null when there is none.</param>
    /// <param name="where">Which evidence, for messages.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="HyperkubeException">There is no such file, or it is no program.</exception>
    public async Task<CheckedImage> CheckFileAsync(
        string path, string name, Platform? platform, ReadOnlyMemory<byte>? bundle, string where, CancellationToken cancellationToken)
    {
        using var file = Open(path);
        platform ??= PlatformOf(file, path);
        var binary = await CheckAsync(
            file, path, name, platform, (_, sha256) => ProveFile(name, platform, sha256, bundle, where), cancellationToken)
            .ConfigureAwait(false);
        return new CheckedImage(Root: null, [new CheckedPlatform(platform, Manifest: null, [binary])]);
    }

    private BinaryProof ProveFile(string name, Platform platform, Digest sha256, ReadOnlyMemory<byte>? bundle, string where)
    {
        try
        {
            var evidence = trust.Check(
                bundle ?? throw new HyperkubeException(ErrorKind.Unsigned, $"{where}: not there; expected evidence of {name}"),
                sha256,
                where);
            return new BinaryProof(VerificationMode.Signature, SignatureProof.Of(evidence.Proof, trust.Fingerprint));
        }
        catch (HyperkubeException e) when (e.Kind is ErrorKind.Unsigned or ErrorKind.BadSignature)
        {
            if (exceptions.Find(name, platform, sha256, log) is not { } exempt)
            {
                throw;
            }

            return BinaryProof.Of(exempt, e, log);
        }
    }

    private async Task<CheckedPlatform> CheckPlatformAsync(
        ImageSource source, PlatformImage image, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        using ScratchFile file = new(scratch);
        var found = await new ImageWalk(source.Content, image, file, names, log).RunAsync(cancellationToken).ConfigureAwait(false);
        var proofs = ProofsOf(source.Reference, image);
        await proofs.ReadAsync(source.Content, [.. found.Select(f => f.Name).Distinct(StringComparer.Ordinal)], cancellationToken)
            .ConfigureAwait(false);
        return new CheckedPlatform(image.Platform, image.Manifest.Digest,
        [
            .. found.Select(f => Judge(
                new CheckedBinary(f.Name, $"/{f.Path}", f.Sha256.Hex, f.Size) { Version = image.Version },
                () => proofs.Of(f.Name, f.Sha256),
                () => f.Built ?? throw f.Failure!)),
        ]);
    }

    // First whose it is, then which it is.
    private static CheckedBinary Judge(CheckedBinary binary, Func<BinaryProof> prove, Func<GoBuildInfo> bind)
    {
        try
        {
            var proof = prove();
            var built = bind();
            return binary with
            {
                Verified = proof.Verified,
                Signature = proof.Signature,
                Package = built.Path,
                Commit = built.Settings.GetValueOrDefault("vcs.revision"),
            };
        }
        catch (HyperkubeException e) when (e.Kind is ErrorKind.Unsigned or ErrorKind.BadSignature or ErrorKind.BadContent)
        {
            return binary with { Failure = e };
        }
    }

    // What an install of all of it would ask for.
    private BinaryProofs ProofsOf(ImageReference reference, PlatformImage image) => new(
        new InstallRequest
        {
            Reference = reference,
            Binaries = [],
            Platform = image.Platform,
            Verify = VerificationMode.Signature,
            Trust = trust,
            Exceptions = exceptions,
        },
        image,
        log);

    private async Task<CheckedBinary> CheckAsync(
        FileStream file, string path, string name, Platform platform, Func<string, Digest, BinaryProof> prove,
        CancellationToken cancellationToken)
    {
        using var activity = log.Begin($"read {path}", file.Length);
        file.Position = 0;
        var sha256 = Digest.FromHash(await SHA256.HashDataAsync(file, cancellationToken).ConfigureAwait(false));
        activity.Complete(sha256.ToString());
        return Judge(
            new CheckedBinary(name, path, sha256.Hex, file.Length),
            () => prove(name, sha256),
            () => BinaryBinding.Check(file, platform, name, path));
    }

    private static Platform PlatformOf(FileStream file, string path)
    {
        var architecture = ElfFile.Open(file, path).Architecture;
        return Platform.TryParse($"linux/{architecture}", null, out var platform)
            ? platform
            : throw new HyperkubeException(ErrorKind.BadContent,
                $"{path}: a program for {architecture}; expected one of a platform of Kubernetes");
    }

    private static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, StreamSizes.CopyBytes);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new HyperkubeException(ErrorKind.NotFound, $"{path}: no such file", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HyperkubeException(ErrorKind.HostFailed, $"{path}: {e.Message}", e) { Hint = "run as a user who may read it" };
        }
    }
}
