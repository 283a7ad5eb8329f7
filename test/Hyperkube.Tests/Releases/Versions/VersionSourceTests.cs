using System.Diagnostics;
using Hyperkube.Oci;
using Hyperkube.Releases;
using Hyperkube.Releases.Versions;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Releases.Versions;

/// <summary>Who knows which releases there are: upstream's index, git, a file.</summary>
public sealed class VersionSourceTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task The_index_names_releases_and_what_is_none_does_not_count()
    {
        await File.WriteAllTextAsync(_directory["release-notes-index.json"], """
            {
              "v1.36.4": "https://example.com/v1.36.4/release-notes.json",
              "v1.36.0-rc.1": "https://example.com/v1.36.0-rc.1/release-notes.json",
              "v1.36": "x", "1.36.3": "x", "v01.2.3": "x", "master": {"deep": [1]}
            }
            """, Ct);

        Assert.Equal("v1.36.4 v1.36.0-rc.1", await ReadAsync(Index(_directory.Path)));
    }

    [Theory]
    [InlineData("", ErrorKind.BadContent, "not JSON")]
    [InlineData("<html>", ErrorKind.BadContent, "not JSON")]
    [InlineData("{}", ErrorKind.BadContent, "no release in it")]
    [InlineData("[\"v1.36.4\"]", ErrorKind.BadContent, "no release in it")]
    [InlineData("{\"latest\":\"x\"}", ErrorKind.BadContent, "no release in it")]
    public async Task An_index_that_is_none_is_refused(string content, ErrorKind kind, string message)
    {
        await File.WriteAllTextAsync(_directory["release-notes-index.json"], content, Ct);

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => Index(_directory.Path).ReadAsync(Ct));

        Assert.Equal(kind, error.Kind);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_index_without_end_is_refused()
    {
        await using (var file = File.Create(_directory["release-notes-index.json"]))
        {
            file.SetLength((4 << 20) + 1);
        }

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => Index(_directory.Path).ReadAsync(Ct));

        Assert.Contains("more than 4194304 bytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_first_source_with_an_index_is_asked_and_without_any_it_says_so()
    {
        Directory.CreateDirectory(_directory["empty"]);
        Directory.CreateDirectory(_directory["full"]);
        await File.WriteAllTextAsync(_directory["full/release-notes-index.json"], """{"v1.36.4":""}""", Ct);

        Assert.Equal("v1.36.4", await ReadAsync(Index(_directory["empty"], _directory["full"])));
        var error = await Assert.ThrowsAsync<HyperkubeException>(() => Index(_directory["empty"]).ReadAsync(Ct));
        Assert.Equal(ErrorKind.NotFound, error.Kind);
        Assert.Contains("--versions git+https://", error.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("v1.36.4\n# old\n1.36.3 # the one before\n\n v1.36.0-rc.1 \r\n", "v1.36.4 v1.36.3 v1.36.0-rc.1")]
    [InlineData(" [\"v1.36.4\", \"1.36.3\"]", "v1.36.4 v1.36.3")]
    [InlineData("\n{\"v1.36.4\": \"https://example.com\"}", "v1.36.4")]
    public async Task A_file_has_lines_or_JSON(string content, string expected)
    {
        await File.WriteAllTextAsync(_directory["versions"], content, Ct);

        Assert.Equal(expected, await ReadAsync(new VersionFile(_directory["versions"])));
    }

    [Theory]
    [InlineData("v1.36.4\nv1.36\n", ":2: 'v1.36'; expected a version")]
    [InlineData("[\"v1.36.4\", 5]", ": [1]: '5'; expected a version")]
    [InlineData("[\"v1.36.4\"", ": not JSON")]
    [InlineData("# nothing\n", ": no release in it")]
    public async Task A_file_that_says_something_else_is_refused_with_its_place(string content, string message)
    {
        await File.WriteAllTextAsync(_directory["versions"], content, Ct);

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => new VersionFile(_directory["versions"]).ReadAsync(Ct));

        Assert.StartsWith(_directory["versions"] + message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_git_repository_is_asked_for_its_tags()
    {
        await MakeRepositoryAsync("v1.36.4", "v1.36.0-rc.1", "1.36.3", "v1.36", "release-1", "v1.36.4-zstd");
        await GitAsync("tag", "-a", "-m", "annotated", "v1.35.0");

        var versions = (await new GitTags(new Uri($"file://{_directory["git"]}"), Path, TimeProvider.System).ReadAsync(Ct)).Order();

        Assert.Equal("v1.35.0 v1.36.0-rc.1 v1.36.4-zstd v1.36.4", string.Join(' ', versions));
    }

    // Upstream has a hundred thousand of them, two for each pull request.
    [Fact]
    public async Task Refs_that_are_no_tags_are_not_even_sent()
    {
        await MakeRepositoryAsync("v1.36.4");
        await GitAsync("update-ref", "refs/pull/1/head", "HEAD");
        Directory.CreateDirectory(_directory["bin"]);
        await File.WriteAllTextAsync(
            _directory["bin/git"], $"#!/bin/sh\nPATH={Path} GIT_TRACE_PACKET={_directory["trace"]} exec git \"$@\"\n", Ct);
        File.SetUnixFileMode(_directory["bin/git"], UnixFileMode.UserRead | UnixFileMode.UserExecute);

        await new GitTags(new Uri($"file://{_directory["git"]}"), _directory["bin"], TimeProvider.System).ReadAsync(Ct);

        var trace = await File.ReadAllTextAsync(_directory["trace"], Ct);
        Assert.Contains("refs/tags/v1.36.4", trace, StringComparison.Ordinal);
        Assert.DoesNotContain("refs/pull", trace, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_git_repository_that_is_not_there_is_worth_another_try()
    {
        var error = await Assert.ThrowsAsync<HyperkubeException>(
            () => new GitTags(new Uri($"file://{_directory["none"]}"), Path, TimeProvider.System).ReadAsync(Ct));

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Contains("git ended with code 128: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_git_it_says_so()
    {
        var error = await Assert.ThrowsAsync<HyperkubeException>(
            () => new GitTags(new Uri("https://user:secret@example.com/x"), _directory.Path, TimeProvider.System).ReadAsync(Ct));

        Assert.Equal("git+https://example.com/x: the program git is not on PATH", error.Message);
        Assert.Equal(ErrorKind.HostFailed, error.Kind);
    }

    // "ext::sh -c ..." and "--upload-pack=..." have run programs elsewhere.
    [Theory]
    [InlineData("ext::sh -c touch% /tmp/x")]
    [InlineData("--upload-pack=touch")]
    [InlineData("/a/directory")]
    [InlineData("javascript:alert(1)")]
    [InlineData("")]
    public void Only_addresses_of_repositories_are_given_to_git(string url) =>
        Assert.Equal(ErrorKind.Usage, Assert.Throws<HyperkubeException>(() => GitTags.ParseUrl(url)).Kind);

    private static string? Path => Environment.GetEnvironmentVariable("PATH");

    private static ReleaseNotesIndex Index(params string[] directories) =>
        new(new UpstreamFiles([.. directories.Select(d => new DirectorySource(d))], NoActivityLog.Instance));

    private static async Task<string> ReadAsync(IVersionSource source) => string.Join(' ', await source.ReadAsync(Ct));

    private async Task MakeRepositoryAsync(params string[] tags)
    {
        Directory.CreateDirectory(_directory["git"]);
        await GitAsync("init", "--quiet");
        await GitAsync("commit", "--quiet", "--allow-empty", "-m", "first");
        foreach (var tag in tags)
        {
            await GitAsync("tag", tag);
        }
    }

    private async Task GitAsync(params string[] words)
    {
        ProcessStartInfo start = new("git", ["-c", "user.name=x", "-c", "user.email=x@example.com", .. words])
        {
            WorkingDirectory = _directory["git"],
        };
        start.Environment["GIT_CONFIG_GLOBAL"] = "/dev/null";
        using var git = Process.Start(start)!;
        await git.WaitForExitAsync(Ct);
        Assert.Equal(0, git.ExitCode);
    }
}
