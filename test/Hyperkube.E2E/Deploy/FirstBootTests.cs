using System.Security.Cryptography;
using System.Text.Json;
using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;
using YamlDotNet.Serialization;

namespace Hyperkube.E2E.Deploy;

/// <summary>What a new machine is told: judged by cloud-init's schema, and carried out by Ignition into a directory. Debian has
/// no Butane, so its file and Ignition's are compared here.</summary>
public sealed class FirstBootTests
{
    // Where it goes, how it may be used, and which file of deploy/systemd it is.
    private static readonly (string Path, UnixFileMode Mode, string Name)[] Files =
    [
        ("etc/hyperkube/reference", Mode(0b110_100_100), "reference"),
        ("etc/hyperkube/install.env", Mode(0b110_000_000), "install.env"),
        ("etc/tmpfiles.d/hyperkube.conf", Mode(0b110_100_100), "hyperkube.conf"),
        ("etc/systemd/system/hyperkube-install.service", Mode(0b110_100_100), "hyperkube-install.service"),
        ("etc/systemd/system/hyperkube-install.timer", Mode(0b110_100_100), "hyperkube-install.timer"),
    ];

    [Fact]
    public async Task Cloud_init_finds_its_data_valid()
    {
        var ended = await CloudInitAsync("cloud-init/user-data.yaml");

        Assert.Equal("Valid cloud-config: ", ended.Well().Out[..20]);
    }

    [Fact]
    public async Task Cloud_init_would_find_a_mistake()
    {
        using TempDirectory work = new();
        var text = await File.ReadAllTextAsync(PathOf("cloud-init/user-data.yaml"), TestContext.Current.CancellationToken);
        await WriteAsync(work["user-data.yaml"], text.Replace("permissions:", "permission:"));

        Assert.Contains("'permission' was unexpected", (await CloudInitAsync(work["user-data.yaml"])).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Cloud_init_writes_the_units_as_they_are()
    {
        var written = List(Yaml("cloud-init/user-data.yaml")["write_files"]);

        Assert.Equal(
            Files.Select(f => ($"/{f.Path}", Octal(f.Mode), Source(f.Name))),
            written.Select(f => ((string)f["path"], (string)f["permissions"], (string)f["content"])));
    }

    [Fact]
    public async Task Ignition_has_nothing_to_say_against_its_configuration()
    {
        var ended = (await Run.ProgramAsync(
            Machine.Input("ignition/usr/bin/ignition-validate"), [PathOf("ignition/hyperkube.ign")])).Well();

        Assert.Empty(ended.Out + ended.Error);
    }

    [Fact]
    public async Task Ignition_writes_the_units_as_they_are_and_enables_the_timer()
    {
        using Sandbox work = new();
        Directory.CreateDirectory(work["root/etc/selinux/any/contexts/files"]);

        // Debian's Ignition labels at the end, with a program that is not here.
        await WriteAsync(work["root/etc/selinux/config"], "SELINUX=permissive\nSELINUXTYPE=any\n");
        await WriteAsync(work["setfiles"], "#!/bin/sh\n");
        File.SetUnixFileMode(work["setfiles"], Mode(0b111_101_101));

        // There is no server for the exe: it is in the configuration.
        await WriteAsync(
            work["config.ign"],
            (await File.ReadAllTextAsync(PathOf("ignition/hyperkube.ign"), TestContext.Current.CancellationToken))
                .Replace("https://files.example.com/hyperkube/VERSION/hyperkube-linux-amd64", "data:,")
                .Replace(new string('0', 64), Convert.ToHexStringLower(SHA256.HashData([]))));
        foreach (var stage in new[] { "fetch", "files" })
        {
            (await work.RunAsync(
                "env", $"IGNITION_CONFIG_FILE={work["config.ign"]}", $"PATH={work[""]}:/usr/sbin:/usr/bin:/sbin:/bin",
                Machine.Input("ignition/usr/lib/dracut/modules.d/30ignition/ignition"),
                "--platform=file", $"--stage={stage}", $"--root={work["root"]}", $"--config-cache={work["cache"]}",
                $"--neednet={work["neednet"]}", "--log-to-stdout")).Well();
        }

        Assert.Equal(
            Files.Select(f => (f.Mode, Source(f.Name))),
            Files.Select(f => (File.GetUnixFileMode(work[$"root/{f.Path}"]), File.ReadAllText(work[$"root/{f.Path}"]))));
        Assert.Equal(Mode(0b111_101_101), File.GetUnixFileMode(work["root/opt/bin/hyperkube"]));
        Assert.Contains(
            "enable hyperkube-install.timer\n",
            await File.ReadAllTextAsync(work["root/etc/systemd/system-preset/20-ignition.preset"], TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Butane_and_Ignition_say_the_same()
    {
        using var json = JsonDocument.Parse(
            await File.ReadAllBytesAsync(PathOf("ignition/hyperkube.ign"), TestContext.Current.CancellationToken));
        var ignition = json.RootElement;
        var butane = Yaml("ignition/hyperkube.bu");
        var storage = (Dictionary<object, object>)butane["storage"];

        // flatcar 1.0.0 is Ignition 3.3.0: https://coreos.github.io/butane/specs/
        Assert.Equal(("flatcar", "1.0.0"), ((string)butane["variant"], (string)butane["version"]));
        Assert.Equal("3.3.0", ignition.GetProperty("ignition").GetProperty("version").GetString());
        Assert.Equal(
            List(storage["directories"]).Select(d => ((string)d["path"], Decimal(d["mode"]))),
            ignition.GetProperty("storage").GetProperty("directories").EnumerateArray()
                .Select(d => (d.GetProperty("path").GetString()!, d.GetProperty("mode").GetInt32())));
        Assert.Equal(
            List(storage["files"])
                .Select(f => ((string)f["path"], Decimal(f["mode"]), Content((Dictionary<object, object>)f["contents"]))),
            ignition.GetProperty("storage").GetProperty("files").EnumerateArray()
                .Select(f => (f.GetProperty("path").GetString()!, f.GetProperty("mode").GetInt32(), Content(f.GetProperty("contents")))));
        Assert.Equal(
            List(((Dictionary<object, object>)butane["systemd"])["units"]).Select(Unit),
            ignition.GetProperty("systemd").GetProperty("units").EnumerateArray().Select(Unit));
    }

    private static string Content(Dictionary<object, object> contents) =>
        contents.TryGetValue("local", out var local)
            ? File.ReadAllText(PathOf((string)local))
            : $"{contents["source"]} {((Dictionary<object, object>)contents["verification"])["hash"]}";

    private static string Content(JsonElement contents)
    {
        var source = contents.GetProperty("source").GetString()!;
        return source.StartsWith("data:,", StringComparison.Ordinal)
            ? Uri.UnescapeDataString(source[6..])
            : $"{source} {contents.GetProperty("verification").GetProperty("hash").GetString()}";
    }

    private static string Unit(Dictionary<object, object> unit) => string.Join(
        '\n',
        [
            unit["name"], unit.GetValueOrDefault("enabled", "-"), unit.GetValueOrDefault("contents", ""),
            .. unit.TryGetValue("dropins", out var dropIns) ? List(dropIns).SelectMany(d => new[] { d["name"], d["contents"] }) : [],
        ]);

    private static string Unit(JsonElement unit) => string.Join(
        '\n',
        [
            unit.GetProperty("name").GetString(),
            unit.TryGetProperty("enabled", out var enabled) ? enabled.GetRawText() : "-",
            unit.TryGetProperty("contents", out var contents) ? contents.GetString() : "",
            .. unit.TryGetProperty("dropins", out var dropIns)
                ? dropIns.EnumerateArray()
                    .SelectMany(d => new[] { d.GetProperty("name").GetString(), d.GetProperty("contents").GetString() })
                : [],
        ]);

    // Its own program, unpacked: installed, it would set this machine up.
    private static Task<Ended> CloudInitAsync(string file)
    {
        Machine.Needs("python3");
        return Run.ProgramAsync(
            "python3",
            [Machine.Input("cloud-init/usr/bin/cloud-init"), "schema", "-c", PathOf(file)],
            new Dictionary<string, string>
            {
                ["PYTHONPATH"] = Machine.Input("cloud-init/usr/lib/python3/dist-packages"),
                ["PYTHONDONTWRITEBYTECODE"] = "1",
            });
    }

    private static Task WriteAsync(string path, string text) =>
        File.WriteAllTextAsync(path, text, TestContext.Current.CancellationToken);

    private static Dictionary<object, object> Yaml(string name) =>
        new DeserializerBuilder().Build().Deserialize<Dictionary<object, object>>(File.ReadAllText(PathOf(name)));

    private static IReadOnlyList<Dictionary<object, object>> List(object list) =>
        [.. ((List<object>)list).Cast<Dictionary<object, object>>()];

    private static int Decimal(object mode) => Convert.ToInt32((string)mode, 8);

    private static string Octal(UnixFileMode mode) => $"0{Convert.ToString((int)mode, 8)}";

    private static UnixFileMode Mode(int bits) => (UnixFileMode)bits;

    private static string Source(string name) => File.ReadAllText(PathOf($"systemd/{name}"));

    private static string PathOf(string name) => Path.Combine(Machine.Repository, "deploy", name);
}
