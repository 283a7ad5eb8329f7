using System.CommandLine;
using Hyperkube.Cli.Output;
using Hyperkube.Oci;
using Hyperkube.Publishing;

namespace Hyperkube.Cli.Commands;

/// <summary><c>hyperkube versions</c>: which releases there are.</summary>
internal static class VersionsCommand
{
    /// <summary>What the command line asked for, parsed.</summary>
    internal sealed record Request(VersionRequest Versions, ReleaseRequest Release, RegistryReference? Published, RegistryAccess Access);

    internal static Command Create(Func<Request, CancellationToken, Task> run)
    {
        Command command = new("versions",
            "Lists upstream's releases, newest first.\n\n" +
            "Examples:\n" +
            "  hyperkube versions --minimum v1.34.0\n" +
            "  hyperkube versions --published registry.example.com/hyperkube\n" +
            "  hyperkube versions --versions git+https://github.com/kubernetes/kubernetes");
        VersionFlags versions = new(command);
        Option<RegistryReference?> published = new("--published")
        {
            Description = "Say which of them this repository has",
            HelpName = "REPO",
            CustomParser = RepositoryArgument.Parse,
        };
        command.Options.Add(published);
        ReleaseOptions release = new();
        release.AddSourceTo(command);
        RegistryFlags registry = new(command, release.PlainHttp, release.Authorities);
        command.SetAction((line, token) => run(
            new Request(versions.Read(line), release.ReadSource(line), line.GetValue(published), registry.Read(line)), token));
        return command;
    }

    internal static async Task RunAsync(Request request, Session session, CancellationToken cancellationToken)
    {
        var filter = request.Versions.Filter();
        using ReleaseReader reader = new(request.Release, session);
        var source = request.Versions.Open(reader.Files, session.Host);
        var versions = filter.Of(await source.ReadAsync(cancellationToken).ConfigureAwait(false));
        PublishedTags? published = null;
        if (request.Published is { } repository)
        {
            using var registries = request.Access.Open(session);
            published = await PublishedTags.ReadAsync(registries.Repository(repository), cancellationToken).ConfigureAwait(false);
        }

        bool? Has(string version) => published is null ? null : published.Has(version) || published.Has($"{version}-zstd");

        session.Result(
            new VersionsResult(
                source.Location, filter.Minimum?.ToString(), request.Published?.ToString(),
                [.. versions.Select(v => new ListedVersion(v.ToString(), $"{v.Major}.{v.Minor}", Has(v.ToString())))]),
            CliJson.Default.VersionsResult,
            Write);
    }

    private static void Write(VersionsResult result, TextWriter text)
    {
        foreach (var version in result.Versions)
        {
            text.WriteLine(version.Published is { } isPublished
                ? $"{version.Version,-18}{(isPublished ? "published" : "missing")}"
                : version.Version);
        }
    }
}
