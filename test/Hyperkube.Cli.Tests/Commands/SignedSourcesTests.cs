using Hyperkube.Testing;

namespace Hyperkube.Cli.Tests.Commands;

/// <summary>build with several sources, of which one lies: what one of them has proved holds for all.</summary>
public sealed class SignedSourcesTests : IAsyncDisposable
{
    private const string Version = Shell.Version;
    private const string Old = "v1.30.0";

    private readonly SignedShell _signed = new();

    public async ValueTask DisposeAsync() => await _signed.DisposeAsync();

    // Truly signed, each of them, and by the same team.
    [Fact]
    public async Task A_source_without_a_list_cannot_pass_off_an_older_release_under_the_list_of_another()
    {
        var honest = HonestWithout("kubelet");
        _signed.Release.WriteFile(Version, SignedShell.Amd64, "kubelet", StandInProgram.Kubernetes(SignedShell.Amd64, "kubelet", Old));
        DropList();

        var error = (await BuildAsync(honest, _signed.Tree)).With(4).Json.GetProperty("error");

        Assert.Equal("bad-digest", error.Text("kind"));
        Assert.Contains($"is not of {Version}: its signed list says", error.Text("message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_source_without_a_list_gave_is_checked_when_a_list_is_found()
    {
        var honest = HonestWithout("nothing");
        _signed.Release.WriteFile(Version, SignedShell.Amd64, "kubelet", StandInProgram.Kubernetes(SignedShell.Amd64, "kubelet", Old));
        File.Delete($"{_signed.PathOf(SignedShell.Amd64, "kubectl")}.sha256");
        DropList();

        var error = (await BuildAsync(_signed.Tree, honest)).With(4).Json.GetProperty("error");

        Assert.Equal("bad-digest", error.Text("kind"));
        Assert.Contains($"is not of {Version}: its signed list says", error.Text("message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_list_of_one_source_names_may_come_from_another()
    {
        var honest = HonestWithout("kubelet");
        DropList();

        var built = (await BuildAsync(honest, _signed.Tree)).With(0);

        Assert.DoesNotContain("nothing but the source says", built.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_list_of_a_later_source_proves_what_an_earlier_one_gave()
    {
        var honest = HonestWithout("nothing");
        File.Delete($"{_signed.PathOf(SignedShell.Amd64, "kubectl")}.sha256");
        DropList();

        (await BuildAsync(_signed.Tree, honest)).With(0);
    }

    private Task<Ended> BuildAsync(params string[] sources) => _signed.RunAsync(
    [
        "build", Version, .. sources.SelectMany(s => (string[])["--source", s]), "-o", _signed.Layout, "--platform", "linux/amd64",
        .. _signed.Release.BuildWords,
    ]);

    // A copy of the release, as it is now, in which one binary is missing.
    private string HonestWithout(string name)
    {
        var copy = _signed.Shell["honest"];
        foreach (var file in Directory.EnumerateFiles(_signed.Tree, "*", SearchOption.AllDirectories))
        {
            var to = Path.Combine(copy, Path.GetRelativePath(_signed.Tree, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }

        foreach (var file in Directory.EnumerateFiles(copy, $"{name}*", SearchOption.AllDirectories))
        {
            File.Delete(file);
        }

        return copy;
    }

    private void DropList() => File.Delete($"{_signed.Tree}/{Version}/kubernetes-release.spdx.sha256");
}
