using Hyperkube.E2E.Peers;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E;

/// <summary>A registry behind nginx: HTTP/2, and bodies that nginx does not take.</summary>
public sealed class NginxTests : IDisposable
{
    private const string Version = "v1.36.4";

    private readonly TempDirectory _work = new();

    // Larger than what nginx takes unless told, when compressed too.
    public NginxTests() => ReleaseTree.Write(_work["release"], Version, padTo: 6_000_000);

    public void Dispose() => _work.Dispose();

    [Fact]
    public async Task Pushes_and_pulls_go_over_HTTP_2_where_it_is_offered()
    {
        using TestAuthority authority = new();
        await using var registry = await DockerRegistry.StartAsync();
        await using var nginx = await NginxMirror.StartAsync(registry.Address, new NginxSetup { Authority = authority });
        var image = $"{nginx.Address}/node/hyperkube:{Version}";

        await BuildAsync(image, "--ca", nginx.AuthorityFile);
        (await Exe.Here.RunAsync(["copy", image, $"oci:{_work["read"]}", "--ca", nginx.AuthorityFile])).Well();

        Assert.Contains("HTTP/2.0 PUT 201", nginx.Requests);
        Assert.Contains("HTTP/2.0 GET 200", nginx.Requests);
        Assert.All(nginx.Requests, r => Assert.StartsWith("HTTP/2.0 ", r, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_nginx_does_not_take_in_one_piece_goes_in_chunks(bool isHttp2)
    {
        using TestAuthority authority = new();
        await using var registry = await DockerRegistry.StartAsync();
        await using var nginx = await NginxMirror.StartAsync(
            registry.Address, new NginxSetup { Authority = isHttp2 ? authority : null, BodyLimit = "1m" });
        var image = $"{nginx.Address}/node/hyperkube:{Version}";

        var digest = await BuildAsync(image, isHttp2 ? ["--ca", nginx.AuthorityFile] : []);

        Assert.Contains(nginx.Requests, r => r.EndsWith("PUT 413", StringComparison.Ordinal));
        Assert.Contains(nginx.Requests, r => r.EndsWith("PATCH 202", StringComparison.Ordinal));
        var seen = await Exe.Here.ResultAsync(["inspect", $"{registry.Address}/node/hyperkube:{Version}"]);
        Assert.Equal(digest, seen.GetProperty("digest").GetString());
    }

    [Fact]
    public async Task What_nginx_does_not_take_at_all_is_told_of_with_what_helps()
    {
        await using var registry = await DockerRegistry.StartAsync();
        await using var nginx = await NginxMirror.StartAsync(registry.Address, new NginxSetup { BodyLimit = "1k" });

        var ended = await Exe.Here.RunAsync(
            ["build", Version, "--source", _work["release"], "--cache", _work["cache"], "-o", $"{nginx.Address}/node/hyperkube:{Version}"]);

        Assert.Equal(5, ended.Code);
        Assert.Contains("413 Request Entity Too Large", ended.Error, StringComparison.Ordinal);
        Assert.Contains("client_max_body_size", ended.Error, StringComparison.Ordinal);
    }

    private async Task<string> BuildAsync(string output, params string[] more)
    {
        var built = await Exe.Here.ResultAsync(
            ["build", Version, "--source", _work["release"], "--cache", _work["cache"], "-o", output, .. more]);
        return built.GetProperty("digest").GetString()!;
    }
}
