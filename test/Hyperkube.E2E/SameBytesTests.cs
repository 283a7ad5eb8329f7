using Hyperkube.E2E.Programs;
using Hyperkube.Testing;

namespace Hyperkube.E2E;

/// <summary>The same release gives the same digest, whoever builds it.</summary>
/// <remarks>Stand-ins of 2 MB each, so that there are several blocks, and that an emulated processor is done with them soon.
/// </remarks>
public sealed class SameBytesTests : IDisposable
{
    private const string Version = "v1.36.4";
    private const int FileBytes = 2_500_000;

    private readonly TempDirectory _work = new();

    public SameBytesTests() => ReleaseTree.Write(_work["release"], Version, FileBytes);

    public void Dispose() => _work.Dispose();

    [Theory]
    [InlineData("gzip")]
    [InlineData("zstd")]
    public async Task The_number_of_jobs_and_the_order_of_flags_leave_no_trace(string compression)
    {
        var digest = await DigestAsync(Exe.Here, compression);

        foreach (var jobs in (string[])["1", "2", "7"])
        {
            Assert.Equal(digest, await DigestAsync(Exe.Here, compression, "--jobs", jobs));
        }

        Assert.Equal(digest, await DigestAsync(
            Exe.Here, compression, "--platform", "linux/arm64", "--binary", "kubectl,kubelet", "--platform", "linux/x86_64"));
    }

    [Theory]
    [InlineData("gzip:1")]
    [InlineData("gzip:6")]
    [InlineData("gzip:9")]
    [InlineData("zstd:3")]
    [InlineData("zstd:9")]
    public async Task The_arm64_exe_makes_the_same_bytes(string compression) =>
        Assert.Equal(await DigestAsync(Exe.Here, compression), await DigestAsync(Exe.Arm64(), compression));

    [Theory]
    [InlineData("gzip:1")]
    [InlineData("gzip:6")]
    [InlineData("gzip:9")]
    [InlineData("zstd:3")]
    public async Task A_processor_without_AVX_makes_the_same_bytes(string compression) =>
        Assert.Equal(await DigestAsync(Exe.Here, compression), await DigestAsync(Exe.On("Nehalem"), compression));

    // Golden: this digest stands in the README. If it must change, that is a new major version.
    [Fact]
    public async Task The_image_of_the_demos_release_is_the_same_for_ever()
    {
        if (!Exe.IsPublished)
        {
            Machine.Missing("compressed bytes are promised with the published exe; name one in HYPERKUBE_EXE");
        }

        ReleaseTree.Write(_work["release"], Version);

        Assert.Equal(
            "sha256:45ab2a15894cc36ed947d6b15b250af20107ed2f688aaedf2535a7f71b9c298d", await DigestAsync(Exe.Here, "gzip"));
    }

    private async Task<string> DigestAsync(Exe exe, string compression, params string[] more)
    {
        var layout = _work[$"oci-{Guid.NewGuid():N}"];
        var result = await exe.ResultAsync(
        [
            "build", Version, "--source", _work["release"], "--cache", _work["cache"], "-o", $"oci:{layout}",
            "--compression", compression, .. more,
        ]);
        return result.GetProperty("digest").GetString()!;
    }
}
