using Hyperkube.Oci;
using Hyperkube.Publishing;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Publishing;

/// <summary>Engines that are scripts, named by their whole path: the search path belongs to the process.</summary>
public sealed class ContainerEngineTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Docker_is_asked_before_podman_and_podman_before_containerd() =>
        Assert.Equal("docker podman containerd", string.Join(' ', ContainerEngine.Known.Select(e => e.Name)));

    [Fact]
    public void Each_knows_how_a_person_loads_an_archive() => Assert.Equal(
        "docker load -i a.tar, podman load -i a.tar, ctr images import a.tar",
        string.Join(", ", ContainerEngine.Known.Select(e => e.LoadCommand("a.tar"))));

    [Fact]
    public void That_none_answers_may_be_otherwise_later()
    {
        var error = ContainerEngine.NoneAnswers("start one");

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Contains("docker, podman, containerd", error.Message, StringComparison.Ordinal);
        Assert.Equal("start one", error.Hint);
    }

    [Fact]
    public async Task The_archive_goes_to_its_standard_input()
    {
        await Engine("cat > \"$0.got\"").LoadAsync((stream, token) => stream.WriteAsync("archive"u8.ToArray(), token).AsTask(), Ct);

        Assert.Equal("archive", await File.ReadAllTextAsync(_directory["engine.got"], Ct));
    }

    [Fact]
    public async Task An_engine_that_says_much_does_not_hang()
    {
        await Engine("cat > /dev/null; head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2")
            .LoadAsync((stream, token) => stream.WriteAsync(new byte[1_000_000], token).AsTask(), Ct);
    }

    [Theory]
    [InlineData("cat > /dev/null; echo 'no space left' >&2; exit 1")]
    [InlineData("echo 'no space left' >&2; exit 1")] // It does not even read.
    public async Task A_refusal_is_the_hosts_and_in_the_engines_own_words(string script)
    {
        var error = await Assert.ThrowsAsync<HyperkubeException>(() =>
            Engine(script).LoadAsync((stream, token) => stream.WriteAsync(new byte[1_000_000], token).AsTask(), Ct));

        Assert.Equal(ErrorKind.HostFailed, error.Kind);
        Assert.Contains("no space left", error.Message, StringComparison.Ordinal);
        Assert.Contains("exit code 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_engine_that_reads_only_the_beginning_has_not_taken_the_image()
    {
        var error = await Assert.ThrowsAsync<HyperkubeException>(() =>
            Engine("head -c 10 > /dev/null").LoadAsync((stream, token) => stream.WriteAsync(new byte[1_000_000], token).AsTask(), Ct));

        Assert.Equal(ErrorKind.HostFailed, error.Kind);
    }

    [Fact]
    public async Task What_goes_wrong_while_the_archive_is_made_is_told_as_it_is()
    {
        var error = await Assert.ThrowsAsync<HyperkubeException>(() => Engine("cat > /dev/null").LoadAsync(
            (_, _) => throw new HyperkubeException(ErrorKind.BadDigest, "a blob is damaged"), Ct));

        Assert.Equal(ErrorKind.BadDigest, error.Kind);
    }

    [Fact]
    public async Task A_cancellation_ends_the_engines_program_too()
    {
        using CancellationTokenSource stop = new();
        var loading = Engine("echo $$ > \"$0.pid\"; exec cat > /dev/null").LoadAsync(async (_, token) =>
        {
            while (!File.Exists(_directory["engine.pid"]) || (await File.ReadAllTextAsync(_directory["engine.pid"], Ct)).Length == 0)
            {
                await Task.Delay(1, Ct);
            }

            await stop.CancelAsync();
            token.ThrowIfCancellationRequested();
        }, stop.Token);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loading);

        var id = (await File.ReadAllTextAsync(_directory["engine.pid"], Ct)).Trim();
        while (Directory.Exists($"/proc/{id}") && !IsZombie(id))
        {
            await Task.Delay(1, Ct);
        }
    }

    private ContainerEngine Engine(string script)
    {
        File.WriteAllText(_directory["engine"], script);
        return new ContainerEngine("toy", "/bin/sh", ["-c", "true"], [_directory["engine"]]);
    }

    private static bool IsZombie(string id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/status").Contains("State:\tZ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return true;
        }
    }
}
