using System.CommandLine;
using Hyperkube.Cli.Output;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Publishing;

namespace Hyperkube.Cli.Commands;

/// <summary><c>hyperkube copy SRC... DST</c>: images from anywhere to anywhere.</summary>
internal static class CopyCommand
{
    /// <summary>What the command line asked for, parsed.</summary>
    internal sealed record Request(
        IReadOnlyList<ImageReference> Places, string? ImagesFile, MirrorRequest Mirror, string? DigestFile, string? ImageVectorFile,
        RegistryAccess Access);

    internal static Command Create(Func<Request, CancellationToken, Task> run)
    {
        CopyOptions options = new();
        Command command = new("copy",
            "Copies images between registries, layouts and archives, byte for byte, with what refers to them.\n\n" +
            "Examples:\n" +
            "  hyperkube copy registry.example.com/hyperkube:v1.36.4 oci-archive:/media/usb/hyperkube.tar\n" +
            "  hyperkube copy oci-archive:/media/usb/hyperkube.tar registry.fenced.example/hyperkube\n" +
            "  hyperkube copy registry.example.com/hyperkube registry.fenced.example/hyperkube --platform linux/amd64");
        options.AddTo(command);
        command.SetAction((line, token) => run(options.Read(line), token));
        return command;
    }

    internal static async Task RunAsync(Request request, Session session, CancellationToken cancellationToken)
    {
        var listed = await ListedAsync(request.ImagesFile, cancellationToken).ConfigureAwait(false);
        List<ImageReference> sources = [.. request.Places.SkipLast(1), .. listed];
        if (sources.Count == 0)
        {
            throw new HyperkubeException(ErrorKind.Usage, "copy: one place; expected a source and a destination")
            {
                Hint = "hyperkube copy SRC DST",
            };
        }

        using var registries = request.Access.Open(session);
        Mirror mirror = new(registries.Transports, request.Mirror, session.Log);
        var images = await mirror.CopyAsync(sources, request.Places[^1], cancellationToken).ConfigureAwait(false);
        if (request.DigestFile is { } file)
        {
            var digests = string.Concat(images.Select(i => $"{i.Digest}\n"));
            await StagedFile.WriteAsync(file, System.Text.Encoding.ASCII.GetBytes(digests), cancellationToken).ConfigureAwait(false);
        }

        if (request.ImageVectorFile is { } vector)
        {
            await ImageVector.WriteAsync(vector, Entries(images, session), cancellationToken).ConfigureAwait(false);
        }

        var traffic = registries.Client.Traffic;
        session.Result(
            new CopyResult(
                [
                    .. images.Select(i => new CopiedImage(
                        i.Source, i.Destination.ToString(), i.Digest.ToString(), i.IsChanged ? "copied" : "present")),
                ],
                traffic.BytesDownloaded,
                traffic.Requests),
            CliJson.Default.CopyResult,
            Write);
    }

    private static List<ImageVectorEntry> Entries(IReadOnlyList<MirroredImage> images, Session session)
    {
        List<ImageVectorEntry> entries = [];
        foreach (var image in images)
        {
            var there = (RegistryReference)image.Destination;
            if (ImageVector.VersionOf(there) is not { } version)
            {
                session.Log.Warn($"{there}: the tag is no version vX.Y.Z; not in the image vector");
                continue;
            }

            entries.Add(new ImageVectorEntry(version, there, image.Digest, image.Platforms));
        }

        return entries;
    }

    private static void Write(CopyResult result, TextWriter text)
    {
        foreach (var image in result.Images)
        {
            text.WriteLine($"{image.Destination}  {image.Digest}  {image.Action}");
        }
    }

    private static async Task<IReadOnlyList<ImageReference>> ListedAsync(string? file, CancellationToken cancellationToken)
    {
        if (file is null)
        {
            return [];
        }

        using var reader = file == "-" ? Console.In : OpenList(file);
        List<ImageReference> listed = [];
        for (var number = 1; await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line; number++)
        {
            var text = line.Trim();
            if (text.Length > 0 && text[0] != '#')
            {
                listed.Add(Parse(text, $"{(file == "-" ? "standard input" : file)}:{number}"));
            }
        }

        return listed;
    }

    private static StreamReader OpenList(string file)
    {
        try
        {
            return new StreamReader(file);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"--images {file}: no such file", e);
        }
    }

    private static ImageReference Parse(string text, string where)
    {
        try
        {
            return ImageReference.ParsePlace(text);
        }
        catch (FormatException e)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"{where}: {e.Message}", e);
        }
    }
}
