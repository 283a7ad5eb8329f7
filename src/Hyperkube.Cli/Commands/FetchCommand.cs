using System.CommandLine;
using System.Text;
using Hyperkube.Cli.Output;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Releases;

namespace Hyperkube.Cli.Commands;

/// <summary><c>hyperkube fetch VERSION --to DIR</c>: release files into a directory that serves as <c>--source</c>.</summary>
internal static class FetchCommand
{
    /// <summary>What the command line asked for, parsed.</summary>
    internal sealed record Request(ReleaseName Name, ReleaseRequest Release, string Directory, RegistryAccess Access);

    internal static Command Create(Func<Request, CancellationToken, Task> run)
    {
        ReleaseOptions release = new();
        release.Version.Arity = ArgumentArity.ExactlyOne;
        Option<string> to = new("--to")
        {
            Description = "The directory",
            HelpName = "DIR",
            Required = true,
            CustomParser = Parsers.Text,
        };
        Command command = new("fetch",
            "Downloads and checks the files of a release, into a directory that serves as --source.\n\n" +
            "Example:\n" +
            "  hyperkube fetch stable-1.36 --to /media/usb/release");
        release.AddTo(command);
        command.Options.Add(to);
        RegistryFlags registry = new(command, release.PlainHttp, release.Authorities);
        command.SetAction((line, token) => run(
            new Request(line.GetRequiredValue(release.Version)!, release.Read(line), line.GetRequiredValue(to), registry.Read(line)),
                token));
        return command;
    }

    internal static async Task RunAsync(Request request, Session session, CancellationToken cancellationToken)
    {
        using ReleaseReader reader = new(request.Release, session, present: request.Directory);
        var version = await reader.ResolveAsync(request.Name, cancellationToken).ConfigureAwait(false);
        using var registries = request.Access.Open(session);
        using var release = await reader.FetchAsync(version, registries.Transports, [], request.Release.Jobs, cancellationToken)
            .ConfigureAwait(false);
        if (release.List is { } list)
        {
            await PlaceAsync(list, request.Directory, cancellationToken).ConfigureAwait(false);
        }

        List<FetchedFile> files = [];
        foreach (var binary in release.Binaries)
        {
            files.Add(await PlaceAsync(binary, request.Directory, cancellationToken).ConfigureAwait(false));
        }

        FetchResult result = new(version.ToString(), request.Directory, files);
        session.Result(result, CliJson.Default.FetchResult, Write);
    }

    // What a build without the log, and without upstream, can check the version by.
    private static async Task PlaceAsync(VerifiedDocument document, string directory, CancellationToken cancellationToken)
    {
        var path = PathIn(directory, document.Path);
        await WriteAsync(path, document.OpenRead(), new Descriptor(MediaTypes.Bytes, document.Digest, document.Size), FileModes.Plain,
            cancellationToken)
            .ConfigureAwait(false);
        await StagedFile.WriteAsync(path + PublishedEvidence.Extension, document.Evidence.Bundle, cancellationToken).ConfigureAwait(false);
        await StagedFile.WriteAsync($"{path}.sha256", Encoding.ASCII.GetBytes(document.Digest.Hex), cancellationToken)
            .ConfigureAwait(false);
    }

    // The checksums go last: a directory without them is no source for the file yet.
    private static async Task<FetchedFile> PlaceAsync(VerifiedBinary binary, string directory, CancellationToken cancellationToken)
    {
        var path = PathIn(directory, binary.File.Path);
        var isPresent = Path.GetFullPath(path) == binary.Path;
        if (!isPresent)
        {
            await WriteAsync(
                path, binary.OpenRead(), new Descriptor(MediaTypes.Bytes, binary.Digest, binary.Size), FileModes.Executable,
                    cancellationToken)
                .ConfigureAwait(false);
        }

        if (binary.Evidence is { } evidence)
        {
            await StagedFile.WriteAsync(path + PublishedEvidence.Extension, evidence.Bundle, cancellationToken).ConfigureAwait(false);
        }

        await StagedFile.WriteAsync($"{path}.sha256", Encoding.ASCII.GetBytes(binary.Digest.Hex), cancellationToken).ConfigureAwait(false);
        await StagedFile.WriteAsync($"{path}.sha512", Encoding.ASCII.GetBytes(binary.Sha512), cancellationToken).ConfigureAwait(false);
        return new FetchedFile(
            binary.File.Platform.ToString(), binary.File.Name.Text, path, binary.Digest.Hex, binary.Size,
            Verified.Text(binary.Verification), isPresent ? "present" : "fetched");
    }

    private static string PathIn(string directory, string path)
    {
        var full = Path.Combine(directory, path);
        var parent = Path.GetDirectoryName(Path.GetFullPath(full))!;
        Directory.CreateDirectory(parent);
        StagedFile.RemoveAbandoned(parent);
        return full;
    }

    private static async Task WriteAsync(
        string path, Stream source, Descriptor descriptor, UnixFileMode mode, CancellationToken cancellationToken)
    {
        var staged = StagedFile.CreateIn(Path.GetDirectoryName(Path.GetFullPath(path))!);
        await using (staged.ConfigureAwait(false))
        {
            var content = new VerifyingStream(source, descriptor);
            await using (content.ConfigureAwait(false))
            {
                await content.CopyToAsync(staged.Content, StreamSizes.CopyBytes, cancellationToken).ConfigureAwait(false);
            }

            staged.Commit(path, mode);
        }
    }

    private static void Write(FetchResult result, TextWriter text)
    {
        foreach (var file in result.Files)
        {
            text.WriteLine($"{file.Path}  sha256:{file.Sha256}  {Sizes.Text(file.Size)}, {file.Action}, verified by {file.Verified}");
        }

        text.WriteLine(
            $"{result.Version} is in {result.Directory}; "
            + $"build from it with: hyperkube build {result.Version} --source {result.Directory}");
    }
}
