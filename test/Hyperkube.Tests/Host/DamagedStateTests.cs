using System.Text;
using CsCheck;
using Hyperkube.Host;

namespace Hyperkube.Tests.Host;

/// <summary>Whatever has become of what the host remembers: an install goes on.</summary>
public sealed class DamagedStateTests : IDisposable
{
    private const string State = "/var/lib/hyperkube";

    private readonly HostileHost _host = new();

    public static TheoryData<string> Damages =>
    [
        "", "null", "[]", "{}", "{", "\0\0\0\0", "1", "\"receipt\"", """{"schema":99,"later":{"a":[1]}}""", """{"schema":"one"}""",
        """{"binaries":null}""", """{"binaries":[null]}""", """{"binaries":[{}]}""", """{"holds":[null]}""", """{"holds":null}""",
        """{"owed":[null]}""", """{"owed":null}""",
        """{"holds":[{"digest":"x","manifest":"y","paths":null,"because":"z","since":"2026-01-01T00:00:00Z"}]}""",
        """{"holds":[{"digest":"x","manifest":"y","paths":[null],"because":"z","since":"2026-01-01T00:00:00Z"}]}""",
        """{"owed":[{"unit":"kubelet.service","isRestarted":false,"paths":null}]}""",
        Entry("/"), Entry(""), Entry("kubelet"), Entry("/opt/bin/kubelet"), Entry("/opt/bin/kubelet/below/a/file"),
        Entry("/../../etc/passwd"), Entry("/nowhere/kubelet"), Entry("\\u0000"), Entry("/opt/bin/\\ud800"), Entry("/" + new string('a', 5000) + "/b"),
    ];

    public static TheoryData<string> Intents =>
    [
        "", "null", "{}", """{"steps":[],"receipt":{}}""", """{"steps":[null],"receipt":{}}""", """{"steps":null,"receipt":{}}""",
        """{"steps":[],"receipt":null}""", """{"steps":[],"receipt":{"binaries":[null]}}""",
    ];

    public void Dispose() => _host.Dispose();

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task A_damaged_receipt_never_blocks_an_install(string receipt)
    {
        await AssertInstallsAsync("receipt.json", Encoding.UTF8.GetBytes(receipt));
    }

    [Theory]
    [MemberData(nameof(Intents))]
    public async Task A_damaged_intent_never_blocks_an_install(string intent)
    {
        await AssertInstallsAsync("intent.json", Encoding.UTF8.GetBytes(intent));
    }

    [Fact]
    public async Task A_receipt_that_is_a_directory_never_blocks_an_install()
    {
        Directory.CreateDirectory(_host.PathOf($"{State}/receipt.json"));

        await InstallAsync();

        _host.AssertInstalled(Material.Small.Kubelet);
    }

    [Fact]
    public async Task A_receipt_that_is_damaged_anywhere_never_blocks_an_install()
    {
        await InstallAsync();
        var receipt = await File.ReadAllBytesAsync(_host.PathOf($"{State}/receipt.json"), TestContext.Current.CancellationToken);

        await ParserPropertyTests.Damaged(receipt).SampleAsync(
            damaged => AssertInstallsAsync("receipt.json", damaged),
            iter: ParserPropertyTests.Iterations(100, most: 5000), threads: 1);
    }

    private static string Entry(string path) =>
        $$"""{"binaries":[{"path":"{{path}}","name":"kubelet","reference":"r","digest":"d","manifest":"m","platform":"linux/amd64","sha256":"","size":-1,"verified":"none","installedAt":"2026-01-01T00:00:00Z"}]}""";

    private async Task AssertInstallsAsync(string file, byte[] content)
    {
        Directory.CreateDirectory(_host.PathOf(State));
        await File.WriteAllBytesAsync(_host.PathOf($"{State}/{file}"), content, TestContext.Current.CancellationToken);

        await InstallAsync();

        Assert.True(Material.Small.Kubelet.AsSpan().SequenceEqual(_host.Installed));
        Assert.False(File.Exists(_host.PathOf($"{State}/intent.json")));
    }

    private Task<InstallResult> InstallAsync() => _host.InstallAsync(HostileImage.Of(Material.Small.Layer), TestContext.Current.CancellationToken);
}
