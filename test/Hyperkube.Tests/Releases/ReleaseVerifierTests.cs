using System.Security.Cryptography;
using Hyperkube.Oci;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Releases;

public sealed class ReleaseVerifierTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_checked_binary_says_what_it_is_and_who_vouched_for_it()
    {
        await using var local = LocalSite.Start();

        var binary = await local.FetchAsync();

        Assert.Equal(LocalSite.Kubelet, binary.File);
        Assert.Equal(Digest.Of(LocalSite.Content), binary.Digest);
        Assert.Equal(Convert.ToHexStringLower(SHA512.HashData(LocalSite.Content)), binary.Sha512);
        Assert.Equal(LocalSite.Size, binary.Size);
        Assert.Equal(local.Site.Url.ToString(), binary.Source);
        Assert.Equal(Verification.Checksum, binary.Verification);
        Assert.Contains("downloaded and checked", Assert.Single(local.Log.Completed), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kubelet.sha256", "kubelet.sha512")]
    [InlineData("kubelet.sha512", "kubelet.sha256")]
    public async Task Each_of_the_two_checksums_is_checked_by_itself(string wrong, string right)
    {
        await using var local = LocalSite.Start();
        var digits = right == "kubelet.sha512" ? 64 : 128;
        local.Site.Intercept = request =>
            request.Path.EndsWith(wrong, StringComparison.Ordinal) ? SiteAnswer.Text(new string('0', digits)) : null;

        var error = await local.FailAsync();

        Assert.Equal(ErrorKind.BadDigest, error.Kind);
        Assert.Contains($"; expected {new string('0', digits)}", error.Message, StringComparison.Ordinal);
        Assert.StartsWith($"{local.Site.Url}/{LocalSite.Kubelet.Path}: the SHA-", error.Message, StringComparison.Ordinal);
    }

    // Whoever can swap a file behind a checksum must not get it into the cache under that checksum.
    [Fact]
    public async Task A_wrong_file_is_not_kept()
    {
        await using var local = LocalSite.Start();
        var tampered = LocalSite.Content.ToArray();
        tampered[^1] ^= 1;
        local.OnBinary = _ => new SiteAnswer { Body = tampered };

        Assert.Equal(ErrorKind.BadDigest, (await local.FailAsync()).Kind);
        local.OnBinary = _ => null;

        Assert.Equal(Digest.Of(LocalSite.Content), (await local.FetchAsync()).Digest);
    }

    [Theory]
    [InlineData("")]
    [InlineData("<!DOCTYPE html><html><body>Sign in</body></html>")]
    [InlineData("0123")]
    [InlineData("../../../../etc/passwd")]
    [InlineData("000000000000000000000000000000000000000000000000000000000000000g")]
    [InlineData("00000000000000000000000000000000000000000000000000000000000000000")]
    public async Task A_checksum_file_that_holds_something_else_is_refused_and_quoted(string text)
    {
        await using var local = LocalSite.Start();
        local.Site.Intercept = request => request.Path.EndsWith(".sha256", StringComparison.Ordinal) ? SiteAnswer.Text(text) : null;

        var error = await local.FailAsync();

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains($"kubelet.sha256: '{text[..Math.Min(20, text.Length)]}", error.Message, StringComparison.Ordinal);
        Assert.Contains("expected 64 lowercase hex digits", error.Message, StringComparison.Ordinal);
        Assert.Empty(local.BinaryRequests);
    }

    [Theory]
    [InlineData("{0}")]
    [InlineData("{0}\n")]
    [InlineData("{0}  kubelet\n")]
    [InlineData("{0} *kubelet\r\n")]
    [InlineData("{0}\tkubelet")]
    [InlineData("{0}\r\n")]
    public async Task A_checksum_file_may_name_the_file_as_sha256sum_does(string form)
    {
        await using var local = LocalSite.Start();
        var text = form.Replace("{0}", Digest.Of(LocalSite.Content).Hex, StringComparison.Ordinal);
        local.Site.Intercept = request => request.Path.EndsWith(".sha256", StringComparison.Ordinal) ? SiteAnswer.Text(text) : null;

        Assert.Equal(Digest.Of(LocalSite.Content), (await local.FetchAsync()).Digest);
    }

    [Fact]
    public async Task A_checksum_file_without_end_is_refused()
    {
        await using var local = LocalSite.Start();
        local.Site.Intercept = _ => new SiteAnswer { Endless = true };

        Assert.Equal(ErrorKind.BadContent, (await local.FailAsync()).Kind);
    }

    [Theory]
    [InlineData("kubelet")]
    [InlineData("kubelet.sha256")]
    [InlineData("kubelet.sha512")]
    public async Task What_is_not_there_may_be_there_later(string missing)
    {
        await using var local = LocalSite.Start();
        local.Site.Intercept = request =>
            request.Path.EndsWith($"/{missing}", StringComparison.Ordinal) ? SiteAnswer.Text("no", 404) : null;

        var error = await local.FailAsync();

        Assert.Equal(ErrorKind.NotFound, error.Kind);
        Assert.EndsWith($"/{missing}: not there", error.Message, StringComparison.Ordinal);
        Assert.Contains("try again later: upstream tags a release before its binaries are there", error.Hint, StringComparison.Ordinal);
    }

    // Its checksums are right: it was saved, hashed and published as it is.
    [Fact]
    public async Task An_error_page_that_was_published_as_a_binary_is_refused()
    {
        await using var local = LocalSite.Start();
        ReleaseTree.WriteFile(local.Tree, LocalSite.Version, LocalSite.Platform, "kubelet", "<?xml version='1.0'?><Error/>"u8);

        var error = await local.FailAsync();

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains("an HTML or XML page", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_for_another_platform_is_refused_though_its_checksums_are_right()
    {
        await using var local = LocalSite.Start();
        ReleaseTree.WriteFile(local.Tree, LocalSite.Version, LocalSite.Platform, "kubelet",
            StandInProgram.Create(new Platform("linux", "arm64"), "swapped\n"));

        var error = await local.FailAsync();

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains("a program for arm64; expected a program for linux/amd64", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_of_a_directory_is_checked_as_one_of_a_site()
    {
        await using var local = LocalSite.Start();
        DirectorySource directory = new(local.Tree);
        Assert.Equal(Digest.Of(LocalSite.Content), (await local.FetchAsync(directory)).Digest);

        var path = Path.Combine(local.Tree, LocalSite.Kubelet.Path);
        var tampered = LocalSite.Content.ToArray();
        tampered[^1] ^= 1;
        await File.WriteAllBytesAsync(path, tampered, Ct);

        Assert.Equal(ErrorKind.BadDigest, (await local.FailAsync(directory)).Kind);
    }

    [Theory]
    [InlineData("stable")]
    [InlineData("stable-1")]
    [InlineData("stable-1.36")]
    public async Task A_marker_is_looked_up(string marker)
    {
        await using var local = LocalSite.Start();
        await File.WriteAllTextAsync(Path.Combine(local.Tree, $"{marker}.txt"), "v1.36.4\n", Ct);

        var version = await Verifier(local).ResolveAsync(ReleaseName.Parse(marker, null), Ct);

        Assert.Equal("v1.36.4", version.ToString());
    }

    [Fact]
    public async Task A_version_is_looked_up_nowhere()
    {
        await using var local = LocalSite.Start();

        Assert.Equal("v1.36.4", (await Verifier(local).ResolveAsync(ReleaseName.Parse("1.36.4", null), Ct)).ToString());
        Assert.Empty(local.Site.Requests);
    }

    [Theory]
    [InlineData("<html>")]
    [InlineData("")]
    [InlineData("v1.36")]
    [InlineData("v1.36.4\nv1.36.5")]
    [InlineData("../../evil")]
    public async Task A_marker_that_holds_no_version_is_refused_and_quoted(string text)
    {
        await using var local = LocalSite.Start();
        await File.WriteAllTextAsync(Path.Combine(local.Tree, "stable.txt"), text, Ct);

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => Verifier(local).ResolveAsync(ReleaseName.Parse("stable", null), Ct));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains($"'{text.Replace('\n', ' ')}'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_marker_that_nobody_knows_is_not_found()
    {
        await using var local = LocalSite.Start();

        var error = await Assert.ThrowsAsync<HyperkubeException>(() =>
            Verifier(local).ResolveAsync(ReleaseName.Parse("stable-1.99", null), Ct));

        Assert.Equal(ErrorKind.NotFound, error.Kind);
        Assert.Contains("name a version", error.Hint, StringComparison.Ordinal);
    }

    private static ReleaseVerifier Verifier(LocalSite local) => new([local.Open()], evidence: null, local.Log);
}
