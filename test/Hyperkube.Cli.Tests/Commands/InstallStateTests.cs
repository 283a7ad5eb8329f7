using System.Text.Json.Nodes;
using Hyperkube.Oci.Content;
using Hyperkube.Testing;

namespace Hyperkube.Cli.Tests.Commands;

/// <summary>What a host remembers of its installs: holds, what later versions say, and what somebody has made of it.</summary>
public sealed class InstallStateTests : IDisposable
{
    private const string Next = "v1.36.5";
    private const string Third = "v1.36.6";

    private readonly Shell _shell = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Host => Directory.CreateDirectory(_shell["host"]).FullName;

    private string Receipt => Path.Combine(Host, "var/lib/hyperkube/receipt.json");

    public void Dispose() => _shell.Dispose();

    [Fact]
    public async Task A_hold_stays_where_no_other_image_has_come_to()
    {
        await BuildAsync(Shell.Version, Next, Third);
        (await InstallAsync(Shell.Version)).With(0);
        (await InstallAsync(Next)).With(0);
        (await _shell.RunAsync("rollback", "--root", Host)).With(0);

        (await InstallAsync(Third, "kubectl")).With(0);

        var hold = Assert.Single((await StatusAsync()).With(0).Json.GetProperty("holds").EnumerateArray());
        Assert.Equal("/opt/bin/kubelet", Assert.Single(hold.GetProperty("paths").EnumerateArray()).GetString());
        (await InstallAsync(Next, "kubelet")).With(8);
        (await InstallAsync(Third, "kubectl")).With(0); // Nothing to do.
        (await InstallAsync(Next, "kubelet")).With(8);
        (await InstallAsync(Shell.Version, "kubelet")).With(0); // It points to what is here.
        Assert.Empty((await StatusAsync()).With(0).Json.GetProperty("holds").EnumerateArray());
        (await InstallAsync(Next, "kubelet")).With(0);
    }

    [Fact]
    public async Task Status_says_what_is_on_hold_also_where_nothing_of_ours_is_left()
    {
        await BuildAsync(Next);
        Directory.CreateDirectory(Path.Combine(Host, "opt/bin"));
        foreach (var name in (string[])["kubelet", "kubectl"])
        {
            await File.WriteAllTextAsync(Path.Combine(Host, "opt/bin", name), "theirs", Ct);
        }

        (await InstallAsync(Next)).With(0);
        (await _shell.RunAsync("rollback", "--root", Host)).With(0);

        var status = (await StatusAsync()).With(3).Json;
        Assert.Empty(status.GetProperty("files").EnumerateArray());
        Assert.Single(status.GetProperty("holds").EnumerateArray());
        Assert.Contains("on hold", (await _shell.RunAsync("status", "--root", Host)).With(3).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_later_version_wrote_anywhere_in_the_receipt_stays_there()
    {
        await BuildAsync(Shell.Version, Next, Third);
        (await InstallAsync(Shell.Version)).With(0);
        (await InstallAsync(Next, "kubelet")).With(0);
        (await _shell.RunAsync("rollback", "kubelet", "--root", Host)).With(0);
        (await InstallAsync(Next, "kubectl")).With(0);
        var receipt = JsonNode.Parse(await File.ReadAllTextAsync(Receipt, Ct))!.AsObject();
        var kubelet = receipt["binaries"]!.AsArray().Single(b => b!["name"]!.GetValue<string>() == "kubelet")!.AsObject();
        var kubectl = receipt["binaries"]!.AsArray().Single(b => b!["name"]!.GetValue<string>() == "kubectl")!.AsObject();
        kubelet["verified"] = "attested";
        kubelet["later"] = 1;
        kubectl["previous"]!["later"] = 2;
        receipt["holds"]![0]!["later"] = 3;
        receipt["owed"] = JsonNode.Parse("""[{"unit":"x.service","isRestarted":false,"paths":[],"later":4}]""");
        await File.WriteAllTextAsync(Receipt, receipt.ToJsonString(), Ct);

        var ended = (await InstallAsync(Shell.Version, "kubelet=/opt/bin/another")).With(0);

        Assert.DoesNotContain("cannot be read", ended.Error, StringComparison.Ordinal);
        var written = await File.ReadAllTextAsync(Receipt, Ct);
        Assert.Contains("\"verified\": \"attested\"", written, StringComparison.Ordinal);
        Assert.All(Enumerable.Range(1, 4), n => Assert.Contains($"\"later\": {n}", written, StringComparison.Ordinal));
        (await InstallAsync(Next, "kubelet")).With(8);
        (await StatusAsync()).With(0);

        // A word that this version does not know proves nothing.
        (await _shell.RunAsync("install", LayoutOf(Shell.Version), "kubelet", "--root", Host)).With(4);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("kubelet")]
    [InlineData("/opt/../etc/passwd")]
    public async Task A_path_that_can_be_none_is_nobodys(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Receipt)!);
        await File.WriteAllTextAsync(
            Receipt,
            $$"""
            {"binaries":[{"path":"{{path}}","name":"kubelet","reference":"r","digest":"d","manifest":"m","platform":"linux/amd64","sha256":"",
            "size":1,"verified":"none","installedAt":"2026-01-01T00:00:00Z"}]}
            """,

            Ct);

        (await StatusAsync()).With(3);
        (await _shell.RunAsync("rollback", "--root", Host)).With(3);
    }

    [Fact]
    public async Task A_receipt_that_is_a_link_never_blocks_an_install_nor_is_followed()
    {
        await BuildAsync(Shell.Version);
        Directory.CreateDirectory(Path.GetDirectoryName(Receipt)!);
        await File.WriteAllTextAsync(_shell["theirs"], "{}", Ct);
        File.CreateSymbolicLink(Receipt, _shell["theirs"]);

        var ended = (await InstallAsync(Shell.Version)).With(0);

        Assert.Contains("cannot be read", ended.Error, StringComparison.Ordinal);
        Assert.Equal("{}", await File.ReadAllTextAsync(_shell["theirs"], Ct));
        (await StatusAsync()).With(0);
    }

    [Fact]
    public async Task The_lock_is_named_by_whom_a_timeout_keeps_from_waiting_longer()
    {
        await BuildAsync(Shell.Version);
        _shell.Time = TimeProvider.System;
        var state = Directory.CreateDirectory(Path.GetDirectoryName(Receipt)!).FullName;
        using var held = await DirectoryLock.AcquireAsync(state, TimeSpan.Zero, Ct);

        var message = (await InstallAsync(Shell.Version, "--timeout", "1s")).With(6).Message;

        Assert.Contains("another process has held its lock", message, StringComparison.Ordinal);
        Assert.Contains("/var/lib/hyperkube", message, StringComparison.Ordinal);
    }

    private async Task BuildAsync(params IReadOnlyList<string> versions)
    {
        foreach (var version in versions)
        {
            ReleaseTree.Write(_shell.Tree, version);
            (await _shell.RunAsync("build", version, "--source", _shell.Tree, "-o", LayoutOf(version))).With(0);
        }
    }

    private string LayoutOf(string version) => $"oci:{_shell["layout"]}:{version}";

    private Task<Ended> InstallAsync(string version, params IReadOnlyList<string> words) =>
        _shell.RunAsync(["install", LayoutOf(version), "--root", Host, "--insecure-skip-signature", "--format", "json", .. words]);

    private Task<Ended> StatusAsync() => _shell.RunAsync("status", "--root", Host, "--format", "json");
}
