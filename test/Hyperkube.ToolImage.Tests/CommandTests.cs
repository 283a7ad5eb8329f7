using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layout;
using Hyperkube.ToolImage.Tests.Fixtures;

namespace Hyperkube.ToolImage.Tests;

public sealed class CommandTests
{
    private static readonly Platform Amd64 = Platform.Parse("linux/amd64");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_same_inputs_make_the_same_image_in_whatever_order_and_nothing_else_is_left()
    {
        using var scene = await Scene.CreateAsync();

        var one = await scene.RunAsync($"oci:{scene["one"]}:v1");
        await File.WriteAllLinesAsync(scene["packages.txt"], (await File.ReadAllLinesAsync(scene["packages.txt"], Ct)).Reverse(), Ct);
        var two = await scene.RunAsync($"oci:{scene["two"]}:v1", $"linux/arm64={scene["arm64"]}", $"linux/amd64={scene["amd64"]}");

        Assert.Equal((0, "", 0, ""), (one.Code, one.Error, two.Code, two.Error));
        Assert.Equal(one.Out.Split("  ")[1], two.Out.Split("  ")[1]);
        Assert.Equal(["blobs", "index.json", "oci-layout"], Directory.EnumerateFileSystemEntries(scene["one"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task Each_package_is_a_layer_and_the_exe_is_the_last()
    {
        using var scene = await Scene.CreateAsync();
        Assert.Equal(0, (await scene.RunAsync($"oci:{scene["out"]}:v1")).Code);
        var layout = ImageLayout.Open(scene["out"]);

        var contents = await new ImageInspector(layout).InspectAsync((await layout.ResolveAsync("v1", Ct))!, Ct);
        var amd64 = contents.Platforms.Single(p => p.Platform == Amd64);
        var config = OciJson.ReadConfig(await ReadAsync(layout, amd64.Config), "config");

        Assert.Equal(["linux/amd64", "linux/arm64"], contents.Platforms.Select(p => p.Platform.ToString()));
        Assert.Equal(
            [
                "ca-certificates 1.0-1 all of Debian", "libc6 1.0-1 amd64 of Debian", "libssl3 1.0-1 amd64 of Debian",
                "/etc, /home, /tmp, /usr/share/doc/hyperkube", "/usr/bin/hyperkube",
            ],
            config.History!.Select(h => h.CreatedBy));
        Assert.Equal(("65532:65532", "/usr/bin/hyperkube"), (config.Container!.User, Assert.Single(config.Container.Entrypoint!)));
        Assert.Contains("SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", config.Container.Environment!);
        Assert.Equal("1970-01-01T00:00:00Z", config.Created);
        Assert.Equal("hyperkube-tool", config.Container.Labels![Annotations.Title]);
        Assert.Equal(Digest.Of(await File.ReadAllBytesAsync(scene["amd64"], Ct)).Hex, amd64.Files[^1].Sha256);
        Assert.Equal(
            Digest.Of(System.Text.Encoding.UTF8.GetBytes($"{scene.Pem}\n")).Hex, amd64.Files.Single(f => f.Path == "/etc/ssl/certs/ca-certificates.crt").Sha256);
        Assert.DoesNotContain(amd64.Files, f => f.Path.Contains("gconv", StringComparison.Ordinal));
        Assert.Contains(amd64.Files, f => f.Path == "/usr/share/doc/hyperkube/NOTICES");
        Assert.Equal(contents.Platforms[0].Layers[0].Digest, contents.Platforms[1].Layers[0].Digest); // One ca-certificates for all.
    }

    [Fact]
    public async Task The_time_is_the_one_that_is_given()
    {
        using var scene = await Scene.CreateAsync();
        scene.SourceDate = "1767225600";
        Assert.Equal(0, (await scene.RunAsync($"oci:{scene["out"]}:v1")).Code);
        var layout = ImageLayout.Open(scene["out"]);

        var contents = await new ImageInspector(layout).InspectAsync((await layout.ResolveAsync("v1", Ct))!, Ct);
        scene.SourceDate = "yesterday";
        var (code, _, error) = await scene.RunAsync($"oci:{scene["out"]}:v1");

        Assert.Equal("2026-01-01T00:00:00Z", contents.Created);
        Assert.Equal((1, "tool-image: SOURCE_DATE_EPOCH: 'yesterday'; expected seconds since 1970, as date +%s prints them\n"), (code, error));
    }

    [Theory]
    [InlineData("libc.so.6", "GLIBC_2.38", "wants GLIBC 2.38; the packages bring 2.36", "publish it on the Debian release that the packages are of")]
    [InlineData("libstdc++.so.6", "GLIBC_2.34", "wants libstdc++.so.6, which no package brings", "add the package to those that update-packages pins")]
    public async Task An_exe_that_would_not_start_in_the_image_is_refused(string library, string version, string message, string hint)
    {
        using var scene = await Scene.CreateAsync();
        await File.WriteAllBytesAsync(scene["amd64"], LinkedProgram.Create(Amd64, library, version), Ct);

        var (code, _, error) = await scene.RunAsync($"oci:{scene["out"]}");

        Assert.Equal((1, $"tool-image: {scene["amd64"]}: {message}\n  try: {hint}\n"), (code, error));
    }

    [Theory]
    [InlineData("libssl3", "wants libssl.so.3, which no package brings")]
    [InlineData("ca-certificates", "linux/amd64: no authorities; expected ca-certificates among the packages")]
    public async Task An_image_that_could_not_speak_TLS_is_refused(string without, string message)
    {
        using var scene = await Scene.CreateAsync();
        var lines = await File.ReadAllLinesAsync(scene["packages.txt"], Ct);
        await File.WriteAllLinesAsync(scene["packages.txt"], lines.Where(l => !l.Contains($" {without} ", StringComparison.Ordinal)), Ct);

        var (code, _, error) = await scene.RunAsync($"oci:{scene["out"]}");

        Assert.Equal(1, code);
        Assert.Contains(message, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("linux/arm64", "a program for amd64; expected a program for linux/arm64")]
    [InlineData("x", "'x' is not a platform")]
    public async Task A_wrong_exe_is_refused(string platform, string message)
    {
        using var scene = await Scene.CreateAsync();

        var (code, _, error) = await scene.RunAsync($"oci:{scene["out"]}", $"{platform}={scene["amd64"]}");

        Assert.Equal(1, code);
        Assert.Contains(message, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_can_only_be_a_mistake_on_the_command_line_is_refused()
    {
        using var scene = await Scene.CreateAsync();

        var registry = await scene.RunAsync("registry.example.com/hyperkube-tool");
        var twice = await scene.RunAsync($"oci:{scene["out"]}", $"linux/amd64={scene["amd64"]}", $"linux/amd64={scene["amd64"]}");

        Assert.Contains("expected oci:DIR[:TAG]\n  try: write a layout, and bring it where it belongs: hyperkube copy", registry.Error, StringComparison.Ordinal);
        Assert.Contains("--exe: linux/amd64 a second time", twice.Error, StringComparison.Ordinal);
        Assert.Equal((1, 1), (registry.Code, twice.Code));
    }

    private static async Task<byte[]> ReadAsync(ImageLayout layout, Descriptor descriptor)
    {
        await using var stream = await layout.OpenAsync(descriptor, Ct);
        using MemoryStream content = new();
        await stream.CopyToAsync(content, Ct);
        return content.ToArray();
    }
}
