using System.CommandLine;
using Hyperkube.Cli.Output;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Layout;

namespace Hyperkube.Cli.Commands;

/// <summary><c>hyperkube inspect REF</c>: what is in an image.</summary>
internal static class InspectCommand
{
    private const string EvidenceSuffix = ".sigstore.json";
    private const string SleepPath = "/sleep";

    internal static Command Create(Func<ImageReference, CancellationToken, Task> run)
    {
        Argument<ImageReference> reference = new("REF")
        {
            Description = "The image: oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE",
            CustomParser = Parsers.One<ImageReference>,
        };
        Command command = new("inspect",
            "Shows the platforms, digests, sizes and binaries of an image. Writes nothing.\n\n" +
            "Example:\n" +
            "  hyperkube inspect oci:dist/hyperkube:v1.36.4") { reference };
        command.SetAction((line, token) => run(line.GetRequiredValue(reference), token));
        return command;
    }

    internal static async Task RunAsync(ImageReference reference, Session session, CancellationToken cancellationToken)
    {
        using var archive = reference is ArchiveReference file
            ? await ArchiveReader.OpenAsync(file.File, cancellationToken).ConfigureAwait(false)
            : null;
        IContentSource source = reference switch
        {
            LayoutReference layout => ImageLayout.Open(layout.Directory),
            ArchiveReference => archive!,
            _ => throw new HyperkubeException(ErrorKind.Usage, $"{reference}: reading from a registry is not there yet")
            {
                Hint = "copy it first: skopeo copy --all docker://HOST/REPO:TAG oci:DIR:TAG",
            },
        };
        var root = await ResolveAsync(reference, source, archive, cancellationToken).ConfigureAwait(false)
            ?? throw new HyperkubeException(ErrorKind.NotFound, $"{reference}: no such image")
            {
                Hint = "see which tags are there: leave the tag out",
            };
        var contents = await new ImageInspector(source).InspectAsync(root, cancellationToken).ConfigureAwait(false);
        session.Result(Result(reference, contents), CliJson.Default.InspectResult, Write);
    }

    private static async Task<Descriptor?> ResolveAsync(
        ImageReference reference, IContentSource source, ArchiveReader? archive, CancellationToken cancellationToken) => reference switch
        {
            LayoutReference layout => await source.ResolveAsync(layout.Tag, cancellationToken).ConfigureAwait(false),
            ArchiveReference { Format: ArchiveFormat.Docker, Name: { } name } =>
                (await archive!.ListAsync(cancellationToken).ConfigureAwait(false)).FirstOrDefault(m =>
                    m.Annotation(Annotations.ContainerdImageName) == RegistryReference.TryParseLocalName(name)?.ToString()),
            ArchiveReference other => await source.ResolveAsync(other.Name, cancellationToken).ConfigureAwait(false),
            _ => null,
        };

    private static InspectResult Result(ImageReference reference, ImageContents contents) => new(
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
        ]);

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
    }
}
