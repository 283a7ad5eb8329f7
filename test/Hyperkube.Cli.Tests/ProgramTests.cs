using System.Diagnostics;
using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.Cli.Tests;

/// <summary>The program as a process: what belongs to a process can only be seen there.</summary>
public sealed class ProgramTests : IDisposable
{
    private readonly Shell _shell = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _shell.Dispose();

    [Fact]
    public async Task The_file_KUBERNETES_VERSION_in_the_current_directory_names_the_release_and_the_output_says_so()
    {
        await File.WriteAllTextAsync(_shell["KUBERNETES_VERSION"], "v1.36.4\n", Ct);

        var ended = (await _shell.RunProcessAsync("build", "--source", "tree")).With(0);

        Assert.StartsWith("v1.36.4 (from the file KUBERNETES_VERSION)  sha256:", ended.Out, StringComparison.Ordinal);
        Assert.EndsWith("written to oci:dist/hyperkube:v1.36.4\n", ended.Out, StringComparison.Ordinal);
        Assert.True(File.Exists(_shell["dist/hyperkube/index.json"]));
    }

    [Fact]
    public async Task The_variable_wins_over_the_file()
    {
        await File.WriteAllTextAsync(_shell["KUBERNETES_VERSION"], "v1.99.0\n", Ct);
        _shell.Variables["KUBERNETES_VERSION"] = "v1.36.4";

        var ended = (await _shell.RunProcessAsync("build", "--source", "tree")).With(0);

        Assert.Contains("from the variable", ended.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_at_sign_is_part_of_a_path_and_names_no_file_of_words()
    {
        await File.WriteAllTextAsync(_shell["words"], "--jobs 1", Ct);

        (await _shell.RunProcessAsync("fetch", Shell.Version, "--source", "tree", "--to", "@words")).With(0);

        Assert.True(Directory.Exists(_shell["@words"]));
    }

    [Fact]
    public async Task Without_any_version_the_call_is_refused()
    {
        var ended = (await _shell.RunProcessAsync("build", "--source", "tree")).With(2);

        Assert.Contains("no VERSION", ended.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_version_names_the_commit()
    {
        var ended = (await _shell.RunProcessAsync("--version")).With(0);

        Assert.Matches(@"^\d+\.\d+\.\d+\S*\n$", ended.Out);
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public async Task A_signal_ends_it_with_the_shells_code_and_what_came_is_kept(string signal, int code)
    {
        await using var site = ReleaseSite.Start(_shell.Tree);
        site.Intercept = request =>
            request.Path.EndsWith("arm64/kubectl", StringComparison.Ordinal) ? new SiteAnswer { Silent = true } : null;
        string[] words = ["fetch", Shell.Version, "--source", site.Url.ToString(), "--to", "to", "--jobs", "1", "--format", "json"];
        using var process = _shell.Start(words);
        while (!site.Requests.Any(r => r.Request.Path.EndsWith("arm64/kubectl", StringComparison.Ordinal)))
        {
            Assert.False(process.HasExited);
            await Task.Delay(5, Ct);
        }

        using (var kill = Process.Start("/bin/sh", ["-c", $"kill -{signal} {process.Id}"]))
        {
            await kill.WaitForExitAsync(Ct);
        }

        var ended = (await Ended.OfAsync(process)).With(code);
        Assert.Equal(code, ended.Json.GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal("interrupted", ended.Json.GetProperty("error").GetProperty("kind").GetString());

        site.Intercept = _ => null;
        var before = site.Requests.Count;
        (await _shell.RunProcessAsync(words)).With(0);
        var downloaded = site.Requests.Skip(before).Select(r => r.Request.Path).Where(p => !p.Contains(".sha", StringComparison.Ordinal));
        Assert.Equal("v1.36.4/bin/linux/arm64/kubectl", string.Join(' ', downloaded));
    }

    [Fact]
    public async Task Load_hands_this_hosts_image_to_the_first_engine_that_answers()
    {
        WriteEngine("docker", "exit 1"); // installed, and its daemon is down
        WriteEngine("podman", "[ \"$1\" = version ] && exit 0; [ \"$1\" = load ] && exec cat > podman.tar; exit 9");
        WriteEngine("ctr", "exit 9");

        var ended = (await BuildAsync("--load", "--tag", "example/hyperkube:mine")).With(0);

        Assert.EndsWith("written to podman:example/hyperkube:mine\n", ended.Out, StringComparison.Ordinal);
        var shown = (await _shell.RunAsync("inspect", $"docker-archive:{_shell["podman.tar"]}", "--format", "json")).With(0).Json;
        Assert.Equal($"{Platform.Host}", $"{Assert.Single(shown.GetProperty("platforms").EnumerateArray()).GetProperty("platform")}");
        Assert.False(Directory.Exists(_shell["dist"]));
    }

    [Fact]
    public async Task Containerd_imports_from_standard_input()
    {
        WriteEngine("ctr", "[ \"$*\" = version ] && exit 0; [ \"$*\" = 'images import -' ] && exec cat > ctr.tar; exit 9");

        (await BuildAsync("--load")).With(0);

        Assert.True(new FileInfo(_shell["ctr.tar"]).Length > 0);
    }

    [Fact]
    public async Task Load_without_an_engine_is_6_and_the_hint_says_how_to_do_it_by_hand()
    {
        WriteEngine("docker", "exit 1");

        var ended = (await BuildAsync("--load", "-o", "docker-archive:image.tar")).With(6);

        Assert.Contains("no container engine answers", ended.Message, StringComparison.Ordinal);
        Assert.Contains("docker load -i image.tar", ended.Hint, StringComparison.Ordinal);
        Assert.True(File.Exists(_shell["image.tar"]));
    }

    [Fact]
    public async Task Try_load_without_an_engine_is_a_warning()
    {
        WriteEngine("docker", "exit 1");

        var ended = (await BuildAsync("--try-load", "-o", "docker-archive:image.tar")).With(0);

        Assert.Contains("hyperkube: warning: no container engine answers", ended.Error, StringComparison.Ordinal);
        Assert.Contains("docker load -i image.tar", ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_engine_that_refuses_is_7_in_its_own_words()
    {
        WriteEngine("docker", "[ \"$1\" = version ] && exit 0; cat > /dev/null; echo 'no space left on device' >&2; exit 1");

        var ended = (await BuildAsync("--load")).With(7);

        Assert.Contains("no space left on device", ended.Message, StringComparison.Ordinal);
    }

    private Task<Ended> BuildAsync(params IReadOnlyList<string> words) =>
        _shell.RunProcessAsync(["build", Shell.Version, "--source", "tree", .. words]);

    private void WriteEngine(string name, string script)
    {
        _shell.WriteScript($"bin/{name}", $"PATH=/usr/bin:/bin\n{script}");
        _shell.Variables["PATH"] = _shell["bin"];
    }
}
