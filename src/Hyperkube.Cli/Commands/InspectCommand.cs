using System.CommandLine;
using Hyperkube.Cli.Output;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Publishing;

namespace Hyperkube.Cli.Commands;

/// <summary><c>hyperkube inspect REF</c>: what is in an image.</summary>
internal static class InspectCommand
{
    private const string EvidenceSuffix = ".sigstore.json";
    private const string SleepPath = "/sleep";

    /// <summary>What the command line asked for, parsed.</summary>
    internal sealed record Request(ImageReference Reference, RegistryAccess Access);

    internal static Command Create(Func<Request, CancellationToken, Task> run)
    {
        Argument<ImageReference> reference = new("REF")
        {
            Description = "The image: HOST/REPO:TAG, HOST/REPO@sha256:..., oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE",
            CustomParser = Parsers.One<ImageReference>,
        };
        Command command = new("inspect",
            "Shows the platforms, digests, sizes and binaries of an image, and what refers to it. Writes nothing.\n\n" +
            "Examples:\n" +
            "  hyperkube inspect oci:dist/hyperkube:v1.36.4\n" +
            "  hyperkube inspect registry.example.com/hyperkube:v1.36.4") { reference };
        RegistryFlags registry = new(command, withMirrors: true);
        command.SetAction((line, token) => run(new Request(line.GetRequiredValue(reference), registry.Read(line)), token));
        return command;
    }

    internal static async Task RunAsync(Request request, Session session, CancellationToken cancellationToken)
    {
        using var registries = request.Access.Open(session);
        using var source = await registries.Transports.OpenSourceAsync(request.Reference, cancellationToken).ConfigureAwait(false);
        var root = await source.FindAsync(cancellationToken).ConfigureAwait(false);
        var contents = await new ImageInspector(source.Content).InspectAsync(root, cancellationToken).ConfigureAwait(false);
        var referrers = await ReferrersAsync(source.Content, contents, session, cancellationToken).ConfigureAwait(false);
        session.Result(Result(request.Reference, contents, referrers), CliJson.Default.InspectResult, Write);
    }

    // Not worth a failure: what is in the image is known by now.
    private static async Task<IReadOnlyList<InspectedReferrer>> ReferrersAsync(
        IContentSource source, ImageContents contents, Session session, CancellationToken cancellationToken)
    {
        List<InspectedReferrer> found = [];
        try
        {
            foreach (var subject in contents.Platforms.Select(p => p.Manifest.Digest).Prepend(contents.Root.Digest).Distinct())
            {
                var referrers = await source.ReferrersAsync(subject, cancellationToken).ConfigureAwait(false);
                found.AddRange(referrers.Select(r => Referrer(r, subject, tag: null)));
            }

            foreach (var suffix in AttachedTags.Suffixes)
            {
                var tag = ReferrersIndex.TagOf(contents.Root.Digest) + suffix;
                if (await source.ResolveAsync(tag, cancellationToken).ConfigureAwait(false) is { } attached)
                {
                    found.Add(Referrer(attached, contents.Root.Digest, tag));
                }
            }
        }
        catch (HyperkubeException e)
        {
            session.Log.Warn($"{e.Message}; what refers to the image is not known");
        }

        return found;
    }

    private static InspectedReferrer Referrer(Descriptor referrer, Digest subject, string? tag) =>
        new(referrer.Digest.ToString(), referrer.ArtifactType, subject.ToString(), tag);

    private static InspectResult Result(
        ImageReference reference, ImageContents contents, IReadOnlyList<InspectedReferrer> referrers) => new(
        reference.ToString(),
        contents.Root.Digest.ToString(),
        contents.Root.MediaType,
        contents.Version,
        contents.Created,
        [
            .. contents.Platforms.Select(p => new InspectedPlatform(
                p.Platform.ToString(),
                p.Manifest.Digest.ToString(),
                p.Size,
                p.User,
                p.Entrypoint,
                [
                    .. p.Files.Where(f => f.Path != SleepPath && !IsEvidence(f))
                        .Select(f => new InspectedFile(Path.GetFileName(f.Path), f.Path, f.Sha256, f.Size, f.Layer.ToString(), f.IsClaim)),
                ],
                [.. p.Files.Where(IsEvidence).Select(f => f.Path)],
                [.. p.Layers.Select(l => new InspectedLayer(l.Digest.ToString(), l.MediaType, l.Size))])),
        ],
        referrers);

    private static bool IsEvidence(ImageFile file) => file.Path.EndsWith(EvidenceSuffix, StringComparison.Ordinal);

    private static void Write(InspectResult result, TextWriter text)
    {
        text.WriteLine($"{result.Reference}  {result.Digest}");
        text.WriteLine($"  version {result.Version ?? "not said"}, created {result.Created ?? "not said"}");
        foreach (var platform in result.Platforms)
        {
            text.WriteLine($"  {platform.Platform,-14}{platform.Digest}  {Sizes.Text(platform.Size)}");
            text.WriteLine($"    runs {string.Join(' ', platform.Entrypoint)} as {platform.User ?? "root"}");
            foreach (var file in platform.Binaries)
            {
                var origin = file.Claimed ? "" : ", read from the layer";
                text.WriteLine($"    {file.Path,-12} sha256:{file.Sha256}  {Sizes.Text(file.Size)}{origin}");
            }

            text.WriteLine(platform.Evidence.Count > 0
                ? $"    evidence {string.Join(' ', platform.Evidence)}"
                : "    no evidence of upstream's signature inside");
        }

        foreach (var referrer in result.Referrers)
        {
            var subject = result.Platforms.FirstOrDefault(p => p.Digest == referrer.Subject)?.Platform ?? "the image";
            text.WriteLine($"  {referrer.Digest} refers to {subject}: {referrer.Tag ?? referrer.ArtifactType ?? "of no type"}");
        }
    }
}
