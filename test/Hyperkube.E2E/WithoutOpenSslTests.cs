using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E;

/// <summary>A host without OpenSSL: the exe is one file, but this library is the host's.</summary>
public sealed class WithoutOpenSslTests
{
    private const int HostRefused = 7;

    [Fact]
    public async Task It_says_in_one_line_what_to_install()
    {
        using TempDirectory work = new();
        ReleaseTree.Write(work["release"], "v1.36.4");

        var ended = await RunAsync(work, "build", "v1.36.4", "--source", work["release"], "--cache", work["cache"], "-o", $"oci:{work["oci"]}");

        Assert.Equal(HostRefused, ended.Code);
        Assert.Matches(@"\Ahyperkube: [^\n]*libssl[^\n]*\n(  try: [^\n]*install[^\n]*\n)?\z", ended.Error);
        Assert.False(Directory.Exists(work["oci"]));
    }

    [Fact]
    public async Task What_needs_none_works()
    {
        using TempDirectory work = new();

        (await RunAsync(work, "--version")).Well();
        (await RunAsync(work, "build", "--help")).Well();
    }

    private static async Task<Ended> RunAsync(TempDirectory work, params string[] words)
    {
        Machine.NeedsRoot();
        Machine.Needs("unshare", "find", "xargs");
        await File.WriteAllTextAsync(work["empty"], "", TestContext.Current.CancellationToken);
        return await Run.ProgramAsync(Machine.Script("without-openssl.sh"), [work["empty"], Exe.Here.Program, .. words]);
    }
}
