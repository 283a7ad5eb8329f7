using System.CommandLine;
using System.Globalization;
using Hyperkube.Cli.Output;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layers;
using Hyperkube.Oci.Layout;
using Hyperkube.Publishing;
using Hyperkube.Releases;

namespace Hyperkube.Cli.Commands;

/// <summary><c>hyperkube build [VERSION]</c>: the image of a release.</summary>
internal static class BuildCommand
{
    private const string VersionVariable = "KUBERNETES_VERSION";

    /// <summary>What the command line asked for, parsed.</summary>
    internal sealed record Request(
        ReleaseName? Name, ReleaseRequest Release, IReadOnlyList<ImageReference> Outputs, RegistryReference? Tag,
        LayerCompression Compression,
        bool Load, bool TryLoad, bool MoveTag, string? DigestFile, AttachmentRequest Attachments, RegistryAccess Access);

    internal static Command Create(Func<Request, CancellationToken, Task> run)
    {
        BuildOptions options = new();
        Command command = new("build",
            "Builds the image of a release, without a daemon: fetches the binaries, checks them, packs them.\n" +
            "VERSION defaults to the variable KUBERNETES_VERSION, else to the file KUBERNETES_VERSION.\n\n" +
            "Examples:\n" +
            "  hyperkube build v1.36.4\n" +
            "  hyperkube build stable-1.35 --source /media/usb/release -o oci-archive:hyperkube.tar\n" +
            "  hyperkube build v1.36.4 --platform linux/amd64 --load\n" +
            "  hyperkube build v1.36.4 -o registry.example.com/hyperkube:v1.36.4");
        options.AddTo(command);
        command.SetAction((line, token) => run(options.Read(line), token));
        return command;
    }

    internal static async Task RunAsync(Request request, Session session, CancellationToken cancellationToken)
    {
        CheckOutputs(request);
        var (name, origin) = ChooseVersion(request.Name, session.Host);
        var created = SourceDate(session.Host.Variable);
        using var signing = request.Attachments.OpenSigning(request.Access, session);
        using ReleaseReader reader = new(request.Release, session);
        var version = await reader.ResolveAsync(name, cancellationToken).ConfigureAwait(false);
        var tag = PublishedTags.TagOf(version, request.Compression.Algorithm);
        var outputs = Outputs(request, tag);
        using var registries = request.Access.Open(session);
        using var release = await reader.FetchAsync(
            version, registries.Transports, outputs.Select(o => Published(o, tag)).OfType<ImageReference>(), request.Release.Jobs,
            cancellationToken).ConfigureAwait(false);
        // Built where it is wanted first; if no layout is wanted, out of sight.
        using var scratch = outputs.OfType<LayoutReference>().Any() ? null
            : StagedDirectory.CreateIn(reader.CacheDirectory);
        var directory = scratch is null ? outputs.OfType<LayoutReference>().First().Directory : Path.Combine(scratch.Path, "layout");
        var layout = await ImageLayout.OpenOrCreateAsync(directory, cancellationToken).ConfigureAwait(false);
        NodeImageBuilder builder = new(layout, request.Compression, request.Release.Jobs, session.Log);
        var image = (await builder.BuildAsync(version, release.Binaries, created, cancellationToken).ConfigureAwait(false)) with
        {
            ReleaseList = release.List?.Digest,
        };
        ImageOutput output = new(layout, image, tag, request.Tag ?? RegistryReference.TryParseLocalName($"hyperkube:{tag}")!);
        List<string> written = [];
        foreach (var reference in outputs)
        {
            written.Add(reference is RegistryReference remote
                ? await PublishAsync(layout, image, remote with { Tag = remote.Tag ?? tag }, created, request, registries, signing, session,
                    cancellationToken).ConfigureAwait(false)
                : await WriteAsync(output, reference, request, tag, registries.Transports, session, cancellationToken)
                    .ConfigureAwait(false));
        }

        if (request.Load || request.TryLoad)
        {
            written.AddRange(await LoadAsync(output, request, session, cancellationToken).ConfigureAwait(false));
        }

        if (request.DigestFile is { } file)
        {
            await StagedFile.WriteAsync(file, System.Text.Encoding.ASCII.GetBytes($"{image.Index.Digest}\n"), cancellationToken)
                .ConfigureAwait(false);
        }

        session.Result(Result(image, written), CliJson.Default.BuildResult, (r, text) => Write(r, origin, text));
    }

    private static IReadOnlyList<ImageReference> Outputs(Request request, string tag) =>
        request.Outputs.Count > 0 ? request.Outputs
        : request.Load ? []
        : [new LayoutReference("dist/hyperkube", tag)];

    // All that can be known before anything is fetched.
    private static void CheckOutputs(Request request)
    {
        foreach (var reference in request.Outputs)
        {
            switch (reference)
            {
                case RegistryReference { Digest: not null } or LayoutReference { Digest: not null }:
                    var form = reference is LayoutReference ? "oci:DIR:TAG" : "HOST/REPO:TAG";
                    throw new HyperkubeException(ErrorKind.Usage, $"--output {reference}: a digest; expected {form}")
                    {
                        Hint = "the digest follows from the content: it is printed, and written to --digest-file",
                    };
                case ArchiveReference { Format: ArchiveFormat.Docker }:
                    _ = ImageOutput.OnePlatform([.. request.Release.Platforms], reference.ToString());
                    break;
                default:
                    break;
            }
        }

        if (request.Load)
        {
            _ = ImageOutput.OnePlatform([.. request.Release.Platforms], "--load");
        }
    }

    // What a run before this one may have left under the same name.
    private static ImageReference? Published(ImageReference output, string tag) => output switch
    {
        RegistryReference remote => remote with { Tag = remote.Tag ?? tag },
        LayoutReference layout => layout with { Tag = layout.Tag ?? tag },
        _ => null,
    };

    private static (ReleaseName Name, string Origin) ChooseVersion(ReleaseName? given, CliHost host)
    {
        if (given is not null)
        {
            return (given, "");
        }

        var fromVariable = host.Variable(VersionVariable) is { Length: > 0 } value ? value.Trim() : null;
        var text = fromVariable ?? (File.Exists(VersionVariable) ? File.ReadAllText(VersionVariable).Trim() : null);
        var origin = fromVariable is null ? "the file KUBERNETES_VERSION" : "the variable KUBERNETES_VERSION";
        return text is null
            ? throw new HyperkubeException(ErrorKind.Usage,
                "no VERSION: neither on the command line, nor in a variable or a file KUBERNETES_VERSION")
            {
                Hint = "hyperkube build v1.36.4",
            }
            : ReleaseName.TryParse(text, null, out var name)
                ? (name, $" (from {origin})")
                : throw new HyperkubeException(ErrorKind.Usage, $"{origin}: '{text}' is not a release; expected v1.34.2 or stable-1.34");
    }

    // https://reproducible-builds.org/specs/source-date-epoch/
    internal static DateTimeOffset SourceDate(Func<string, string?> variable) => variable("SOURCE_DATE_EPOCH") switch
    {
        null or "" => DateTimeOffset.UnixEpoch,
        var text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds <= 253402300799 =>
            DateTimeOffset.FromUnixTimeSeconds(seconds),
        var text => throw new HyperkubeException(
            ErrorKind.Usage, $"SOURCE_DATE_EPOCH: '{text}'; expected seconds since 1970, as date +%s prints them"),
    };

    private static async Task<string> WriteAsync(
        ImageOutput output, ImageReference reference, Request request, string tag, Transports transports, Session session,
        CancellationToken cancellationToken)
    {
        if (reference is ArchiveReference archive)
        {
            await output.ToArchiveAsync(archive, cancellationToken).ConfigureAwait(false);
            return archive.ToString();
        }

        var destination = await transports.OpenDestinationAsync(reference, source: null, cancellationToken).ConfigureAwait(false);
        var present = await output.ToAsync(destination.Content, destination.Tag, request.MoveTag, cancellationToken).ConfigureAwait(false);
        var written = destination.With(destination.Tag ?? tag).ToString();
        WarnOf(present, written, session);
        return written;
    }

    private static async Task<string> PublishAsync(
        ImageLayout layout, NodeImage image, RegistryReference remote, DateTimeOffset created, Request request, RegistrySession registries,
        SigningSession? signing, Session session, CancellationToken cancellationToken)
    {
        using var activity = session.Log.Begin($"push {remote}", totalBytes: null);
        var attachments = request.Attachments.Open(
            request.Release, request.Compression, created, signing, _ => remote, session.Host.Time);
        var published = await new Publisher(attachments).PublishAsync(
            layout, image, () => registries.Repository(remote), remote.Tag!, request.MoveTag, cancellationToken).ConfigureAwait(false);
        WarnOf(published.WasPresent ? published.Image.Root.Digest : null, remote.ToString(), session);
        activity.Complete(published.WasPresent ? "present" : "done");
        return remote.ToString();
    }

    private static void WarnOf(Digest? present, string written, Session session)
    {
        if (present is not null)
        {
            session.Log.Warn($"{written}: is there already as {present}, with the same binaries and other evidence, and stays; " +
                "--move-tag puts this one in its place");
        }
    }

    private static async Task<IReadOnlyList<string>> LoadAsync(
        ImageOutput output, Request request, Session session, CancellationToken cancellationToken)
    {
        var archive = request.Outputs.OfType<ArchiveReference>().FirstOrDefault(a => a.Format == ArchiveFormat.Docker)?.File;
        var byHand = archive is null
            ? "write an archive with -o docker-archive:FILE and load that where an engine runs: docker load -i FILE"
            : $"where an engine runs: {string.Join("   or   ", ContainerEngine.Known.Select(e => e.LoadCommand(archive)))}";
        if (await ContainerEngine.FindAsync(cancellationToken).ConfigureAwait(false) is { } engine)
        {
            using var activity = session.Log.Begin($"load into {engine.Name}", totalBytes: null);
            await output.ToEngineAsync(engine, cancellationToken).ConfigureAwait(false);
            activity.Complete("done");
            return [$"{engine.Name}:{output.Name}"];
        }

        if (request.Load)
        {
            throw ContainerEngine.NoneAnswers(byHand);
        }

        session.Log.Warn($"no container engine answers; load it {byHand}");
        return [];
    }

    private static BuildResult Result(NodeImage image, IReadOnlyList<string> written) => new(
        image.Version.ToString(),
        image.Index.Digest.ToString(),
        image.Size,
        [
            .. image.Platforms.Select(p => new BuiltPlatform(
                p.Manifest.Platform!.ToString(), p.Manifest.Digest.ToString(), p.Size,
                [.. p.Binaries.Select(b => new BinaryEntry(b.File.Name.Text, b.Digest.Hex, b.Size, Verified.Text(b.Verification)))])),
        ],
        written);

    private static void Write(BuildResult result, string origin, TextWriter text)
    {
        text.WriteLine($"{result.Version}{origin}  {result.Digest}  {Sizes.Text(result.Size)}");
        foreach (var platform in result.Platforms)
        {
            text.WriteLine($"  {platform.Platform,-14}{platform.Digest}  {Sizes.Text(platform.Size)}");
            foreach (var binary in platform.Binaries)
            {
                text.WriteLine($"    {binary.Name,-12}sha256:{binary.Sha256}  {Sizes.Text(binary.Size)}, verified by {binary.Verified}");
            }
        }

        foreach (var output in result.Outputs)
        {
            text.WriteLine($"written to {output}");
        }
    }
}
