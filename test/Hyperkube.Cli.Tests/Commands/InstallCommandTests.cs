using System.Text.Json;
using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.Cli.Tests.Commands;

/// <summary>install, status and rollback as a shell sees them, on a host that is mounted below the test's directory. Stand-ins of a few
/// hundred bytes; nothing is run, because that host is not this one.</summary>
public sealed class InstallCommandTests : IDisposable
{
    private const string Insecure = "--insecure-skip-signature";
    private const string Next = "v1.36.5";

    private readonly Shell _shell = new();

    private string Host => Directory.CreateDirectory(_shell["host"]).FullName;

    private string Layout => $"oci:{_shell["layout"]}";

    private string Receipt => Path.Combine(Host, "var/lib/hyperkube/receipt.json");

    private string Kubelet => Path.Combine(Host, "opt/bin/kubelet");

    private string Kubectl => Path.Combine(Host, "opt/bin/kubectl");

    public void Dispose() => _shell.Dispose();

    [Fact]
    public async Task The_JSON_result_is_the_contract()
    {
        var digest = await _shell.DigestAsync("-o", Layout);

        var json = (await InstallAsync($"{Layout}:{Shell.Version}", Insecure)).With(0).Json;

        Assert.Equal("reference version digest changed binaries restarted bytesDownloaded requests", Names(json));
        Assert.Equal(
            $"{Layout}:v1.36.4 v1.36.4 {digest} True",
            $"{json.GetProperty("reference")} {json.GetProperty("version")} {json.GetProperty("digest")} {json.GetProperty("changed")}");
        Assert.Equal("kubelet kubectl", string.Join(' ', json.GetProperty("binaries").EnumerateArray().Select(b => b.GetProperty("name"))));
        Assert.All(json.GetProperty("binaries").EnumerateArray(), binary =>
        {
            Assert.StartsWith("name path sha256 size verified action", Names(binary), StringComparison.Ordinal);
            var path = binary.GetProperty("path").GetString()!;
            Assert.Equal(Digest.Of(File.ReadAllBytes(path)).Hex, binary.GetProperty("sha256").GetString());
            Assert.Equal(new FileInfo(path).Length, binary.GetProperty("size").GetInt64());
            Assert.Equal("none installed claimed", $"{binary.GetProperty("verified")} {binary.GetProperty("action")} {binary.GetProperty("versionProof")}");
        });
    }

    [Fact]
    public async Task The_files_are_those_of_the_platform_and_executable()
    {
        await _shell.DigestAsync("-o", Layout);

        (await InstallAsync(Layout, Insecure, "--platform", "linux/arm64")).With(0);

        Assert.Equal(
            await File.ReadAllBytesAsync(_shell.PathOf("linux/arm64", "kubelet"), TestContext.Current.CancellationToken),
            await File.ReadAllBytesAsync(Kubelet, TestContext.Current.CancellationToken));
        Assert.Equal((UnixFileMode)0b111_101_101, File.GetUnixFileMode(Kubelet));
        Assert.Equal(
            (UnixFileMode)0b111_000_000, File.GetUnixFileMode(Path.GetDirectoryName(Receipt)!) & (UnixFileMode)0b111_111_111);
    }

    [Fact]
    public async Task Signatures_are_asked_for_unless_told()
    {
        await _shell.DigestAsync("-o", Layout);

        var ended = (await InstallAsync(Layout)).With(4);

        Assert.Equal("unsigned", ended.Json.GetProperty("error").GetProperty("kind").GetString());
        Assert.Contains("--insecure-skip-signature", ended.Hint, StringComparison.Ordinal);
        Assert.Contains("--verify digest", ended.Hint, StringComparison.Ordinal);
        Assert.False(Path.Exists(Kubelet));
    }

    [Fact]
    public async Task A_digest_must_be_in_the_reference_to_be_proved()
    {
        await _shell.DigestAsync("-o", Layout);

        var ended = (await InstallAsync($"{Layout}:{Shell.Version}", "--verify", "digest")).With(2);

        Assert.Contains("@sha256:", ended.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_there_already_is_left_alone()
    {
        await _shell.DigestAsync("-o", Layout);
        (await InstallAsync(Layout, Insecure)).With(0);
        var before = (File.GetLastWriteTimeUtc(Kubelet), await ReceiptAsync());

        var json = (await InstallAsync(Layout, Insecure)).With(0).Json;

        Assert.False(json.GetProperty("changed").GetBoolean());
        Assert.All(json.GetProperty("binaries").EnumerateArray(), b => Assert.Equal("unchanged", b.GetProperty("action").GetString()));
        Assert.Equal(before, (File.GetLastWriteTimeUtc(Kubelet), await ReceiptAsync()));
    }

    [Fact]
    public async Task A_touched_file_is_read_again_and_stays()
    {
        await _shell.DigestAsync("-o", Layout);
        (await InstallAsync(Layout, Insecure)).With(0);
        File.SetLastWriteTimeUtc(Kubelet, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));

        Assert.False((await InstallAsync(Layout, Insecure)).With(0).Json.GetProperty("changed").GetBoolean());
    }

    [Fact]
    public async Task A_changed_file_is_seen_by_status_and_mended_by_install()
    {
        await _shell.DigestAsync("-o", Layout);
        (await InstallAsync(Layout, Insecure)).With(0);
        await File.WriteAllTextAsync(Kubelet, "something else", TestContext.Current.CancellationToken);

        Assert.Contains(Kubelet, (await StatusAsync()).With(4).Message, StringComparison.Ordinal);
        var json = (await InstallAsync(Layout, Insecure)).With(0).Json;

        Assert.Equal("installed unchanged", Actions(json));
        (await StatusAsync()).With(0);
    }

    [Fact]
    public async Task A_file_that_is_gone_is_seen_too()
    {
        await _shell.DigestAsync("-o", Layout);
        (await InstallAsync(Layout, Insecure)).With(0);
        File.Delete(Kubectl);

        var ended = (await StatusAsync()).With(4);

        Assert.Equal("missing", FileOf(ended.Json, "kubectl").GetProperty("state").GetString());
    }

    [Fact]
    public async Task Status_of_a_host_without_installs_is_3() => (await StatusAsync()).With(3);

    [Fact]
    public async Task A_dry_run_says_the_truth_and_touches_nothing()
    {
        await _shell.DigestAsync("-o", Layout);

        var json = (await InstallAsync(Layout, Insecure, "--dry-run")).With(0).Json;

        Assert.True(json.GetProperty("changed").GetBoolean());
        Assert.Empty(Directory.EnumerateFileSystemEntries(Host));
        (await InstallAsync(Layout, Insecure)).With(0);
        Assert.False((await InstallAsync(Layout, Insecure, "--dry-run")).With(0).Json.GetProperty("changed").GetBoolean());
    }

    [Fact]
    public async Task What_was_replaced_can_be_put_back_once_and_the_digest_is_on_hold()
    {
        var (first, second) = await TwoVersionsAsync();
        (await InstallAsync($"{Layout}:{Shell.Version}", Insecure)).With(0);
        var old = await File.ReadAllBytesAsync(Kubelet, TestContext.Current.CancellationToken);
        var upgraded = (await InstallAsync($"{Layout}:{Next}", Insecure)).With(0).Json;
        Assert.Equal(Shell.Version, upgraded.GetProperty("previous").GetProperty("version").GetString());
        Assert.Equal(first, upgraded.GetProperty("previous").GetProperty("digest").GetString());

        var back = (await _shell.RunAsync("rollback", "--root", Host, "--format", "json")).With(0).Json;

        Assert.Equal(2, back.GetProperty("binaries").GetArrayLength());
        Assert.Equal(old, await File.ReadAllBytesAsync(Kubelet, TestContext.Current.CancellationToken));
        Assert.Equal(first, FileOf((await StatusAsync()).With(0).Json, "kubelet").GetProperty("digest").GetString());
        (await _shell.RunAsync("rollback", "--root", Host)).With(3);
        var held = (await InstallAsync($"{Layout}:{Next}", Insecure)).With(8);
        Assert.Contains(second, held.Message, StringComparison.Ordinal);
        Assert.Contains("--force", held.Hint, StringComparison.Ordinal);
        (await InstallAsync($"{Layout}:{Next}", Insecure, "--force")).With(0);
        (await InstallAsync($"{Layout}:{Shell.Version}", Insecure)).With(0);
        (await InstallAsync($"{Layout}:{Next}", Insecure)).With(0); // The reference pointed elsewhere meanwhile.
    }

    [Fact]
    public async Task One_binary_can_go_back_alone()
    {
        await TwoVersionsAsync();
        (await InstallAsync($"{Layout}:{Shell.Version}", Insecure)).With(0);
        (await InstallAsync($"{Layout}:{Next}", Insecure)).With(0);

        (await _shell.RunAsync("rollback", "kubelet", "--root", Host)).With(0);

        var status = (await StatusAsync()).With(0).Json;
        Assert.Equal(Shell.Version, FileOf(status, "kubelet").GetProperty("version").GetString());
        Assert.Equal(Next, FileOf(status, "kubectl").GetProperty("version").GetString());
        (await _shell.RunAsync("rollback", "kube-proxy", "--root", Host)).With(3);
    }

    [Fact]
    public async Task Runs_that_change_nothing_do_not_age_the_history()
    {
        await TwoVersionsAsync();
        (await InstallAsync($"{Layout}:{Shell.Version}", Insecure)).With(0);
        (await InstallAsync($"{Layout}:{Next}", Insecure)).With(0);
        (await InstallAsync($"{Layout}:{Next}", Insecure)).With(0);
        (await InstallAsync($"{Layout}:{Next}", Insecure, "--verify-content")).With(0);

        (await _shell.RunAsync("rollback", "--root", Host)).With(0);

        Assert.Equal(Shell.Version, FileOf((await StatusAsync()).With(0).Json, "kubelet").GetProperty("version").GetString());
    }

    [Fact]
    public async Task A_link_at_the_destination_is_replaced_and_comes_back()
    {
        await _shell.DigestAsync("-o", Layout);
        Directory.CreateDirectory(Path.GetDirectoryName(Kubelet)!);
        await File.WriteAllTextAsync(Path.Combine(Host, "opt/bin/kubelet-1.30"), "old", TestContext.Current.CancellationToken);
        File.CreateSymbolicLink(Kubelet, "kubelet-1.30");

        var json = (await InstallAsync(Layout, Insecure)).With(0).Json;

        Assert.Null(File.ResolveLinkTarget(Kubelet, returnFinalTarget: false));
        Assert.Equal("kubelet-1.30", json.GetProperty("binaries")[0].GetProperty("replacedLink").GetString());
        (await _shell.RunAsync("rollback", "--root", Host)).With(0);
        Assert.Equal("old", await File.ReadAllTextAsync(Kubelet, TestContext.Current.CancellationToken));
        Assert.NotNull(File.ResolveLinkTarget(Kubelet, returnFinalTarget: false));
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{\"binaries\":null}")]
    [InlineData("{\"binaries\":[{\"path\":1}]}")]
    public async Task A_damaged_receipt_never_blocks_an_install(string content)
    {
        await _shell.DigestAsync("-o", Layout);
        (await InstallAsync(Layout, Insecure)).With(0);
        await File.WriteAllTextAsync(Receipt, content, TestContext.Current.CancellationToken);

        var ended = (await InstallAsync(Layout, Insecure)).With(0);

        Assert.Contains("cannot be read", ended.Error, StringComparison.Ordinal);
        Assert.False(ended.Json.GetProperty("changed").GetBoolean());
        (await StatusAsync()).With(0);
    }

    [Fact]
    public async Task What_a_later_version_wrote_into_the_receipt_stays_there()
    {
        await TwoVersionsAsync();
        (await InstallAsync($"{Layout}:{Shell.Version}", Insecure)).With(0);
        var receipt = await ReceiptAsync();
        await File.WriteAllTextAsync(
            Receipt, "{ \"comesLater\": 7," + receipt[(receipt.IndexOf('{', StringComparison.Ordinal) + 1)..],
            TestContext.Current.CancellationToken);

        (await InstallAsync($"{Layout}:{Next}", Insecure)).With(0);

        Assert.Contains("\"comesLater\": 7", await ReceiptAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_may_be_paths_in_the_image_and_destinations_anywhere_below_the_root()
    {
        await _shell.DigestAsync("-o", Layout);

        (await InstallAsync(Layout, "/kubelet=/usr/local/bin/node-agent", "kubectl", "--to", "/usr/bin", Insecure)).With(0);

        Assert.True(File.Exists(Path.Combine(Host, "usr/local/bin/node-agent")));
        Assert.True(File.Exists(Path.Combine(Host, "usr/bin/kubectl")));
        Assert.False(Path.Exists(Kubelet));
    }

    [Theory]
    [InlineData("kubelet=opt/bin/kubelet", "is no destination")]
    [InlineData("kubelet=/opt/../../kubelet", "is no destination")]
    [InlineData("kubelet=", "is no destination")]
    [InlineData("kubelet=/opt/bin/.hyperkube-prev-kubelet", "is no destination")]
    [InlineData("../kubelet", "names no file of an image")]
    [InlineData("", "names no file of an image")]
    public async Task A_name_that_cannot_be_is_2(string name, string expected) =>
        Assert.Contains(expected, (await InstallAsync(Layout, name, Insecure)).With(2).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("kubelet", "kubelet=/usr/bin/kubelet")]
    [InlineData("kubelet=/opt/bin/x", "kubectl=/opt/bin/x")]
    public async Task Two_of_one_are_2(string first, string second) =>
        (await InstallAsync(Layout, first, second, Insecure)).With(2);

    [Theory]
    [InlineData("--to", "bin")]
    [InlineData("--owner", "nobody")]
    [InlineData("--health", "kubelet")]
    [InlineData("--minimum-version", "1.36")]
    [InlineData("--jitter", "soon")]
    public async Task A_value_that_cannot_be_is_2(string flag, string value) =>
        Assert.Contains(value, (await InstallAsync(Layout, Insecure, flag, value)).With(2).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Signature_and_digest_are_all_that_can_be_asked_for()
    {
        Assert.Contains("checksum", (await InstallAsync(Layout, "--verify", "checksum")).With(2).Message, StringComparison.Ordinal);
        Assert.Contains("expected one of them", (await InstallAsync(Layout, "--verify", "digest", Insecure)).With(2).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Units_of_a_mounted_host_are_not_restarted()
    {
        await _shell.DigestAsync("-o", Layout);

        Assert.Contains("--root", (await InstallAsync(Layout, Insecure, "--restart", "kubelet")).With(2).Message, StringComparison.Ordinal);
        Assert.False(Path.Exists(Kubelet));
    }

    [Fact]
    public async Task A_version_that_only_the_image_claims_is_not_enough_for_a_minimum()
    {
        await _shell.DigestAsync("-o", Layout);

        var ended = (await InstallAsync(Layout, Insecure, "--minimum-version", "v1.30.0")).With(4);

        Assert.Contains("nothing proves the version", ended.Message, StringComparison.Ordinal);
        Assert.False(Path.Exists(Kubelet));
    }

    [Fact]
    public async Task A_directory_at_the_destination_is_7_and_stays()
    {
        await _shell.DigestAsync("-o", Layout);
        Directory.CreateDirectory(Kubelet);

        (await InstallAsync(Layout, Insecure)).With(7);

        Assert.True(Directory.Exists(Kubelet));
        Assert.False(Path.Exists(Kubectl));
    }

    [Fact]
    public async Task The_text_says_how_it_was_verified_and_what_is_there()
    {
        await _shell.DigestAsync("-o", Layout);

        var text = (await _shell.RunAsync("install", Layout, "--root", Host, Insecure)).With(0).Out;

        Assert.Contains("NOTHING but the registry's word", text, StringComparison.Ordinal);
        Assert.Contains($"{Kubelet}  v1.36.4 (claimed)  installed", text, StringComparison.Ordinal);
        Assert.Contains($"{Kubelet}  v1.36.4 (claimed)\n", (await _shell.RunAsync("status", "--root", Host)).With(0).Out, StringComparison.Ordinal);
    }

    private Task<Ended> InstallAsync(string reference, params IReadOnlyList<string> words) =>
        _shell.RunAsync(["install", reference, "--root", Host, "--format", "json", .. words]);

    private Task<Ended> StatusAsync() => _shell.RunAsync("status", "--root", Host, "--format", "json");

    private Task<string> ReceiptAsync() => File.ReadAllTextAsync(Receipt, TestContext.Current.CancellationToken);

    private async Task<(string First, string Second)> TwoVersionsAsync()
    {
        ReleaseTree.Write(_shell.Tree, Next);
        var first = await _shell.DigestAsync("-o", $"{Layout}:{Shell.Version}");
        var second = (await _shell.RunAsync("build", Next, "--source", _shell.Tree, "-o", $"{Layout}:{Next}", "--format", "json")).With(0);
        return (first, second.Json.GetProperty("digest").GetString()!);
    }

    private static JsonElement FileOf(JsonElement status, string name) =>
        status.GetProperty("files").EnumerateArray().Single(f => f.GetProperty("name").GetString() == name);

    private static string Actions(JsonElement json) =>
        string.Join(' ', json.GetProperty("binaries").EnumerateArray().Select(b => b.GetProperty("action")));

    private static string Names(JsonElement json) => string.Join(' ', json.EnumerateObject().Select(p => p.Name));
}
