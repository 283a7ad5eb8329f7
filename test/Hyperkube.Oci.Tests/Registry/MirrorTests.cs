using Hyperkube.Oci.Content;
using Hyperkube.Oci.Registry;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class MirrorTests : RemoteTest
{
    private static readonly byte[] Content = Sample.Noise(1 << 20);

    private readonly TestRegistry _first;
    private readonly TestRegistry _second;

    public MirrorTests() => (_first, _second) = (Start(), Start());

    [Fact]
    public async Task The_first_host_that_has_it_gives_it()
    {
        var blob = AddBlob(Content, _second, Registry);

        Assert.Equal(Content, await ReadAsync(At(_first, _second, Registry), blob));

        Assert.Equal((1, 1, 0), (_first.Calls.Count, _second.Calls.Count, Registry.Calls.Count));
    }

    [Fact]
    public async Task A_mirror_is_told_for_which_registry_it_stands()
    {
        AddIndex(_first, "v1");
        var repository = Client.Repository(Repo, [HostOf(_first) with { Namespace = "docker.io" }, HostOf(Registry)]);

        await repository.FetchRootAsync("v1", Ct);

        Assert.Equal("ns=docker.io", Assert.Single(_first.Calls).Query);
    }

    [Fact]
    public async Task A_mirror_that_breaks_amid_a_blob_is_followed_by_the_next_one_from_there()
    {
        var blob = AddBlob(Content, _first, Registry);
        var isFirst = true;
        _first.Alter = (_, answer) => isFirst ? (isFirst = false, Answer: answer with { CutAfter = 400_000 }).Answer : SiteAnswer.Of(404);

        Assert.Equal(Content, await ReadAsync(At(_first, Registry), blob));

        Assert.StartsWith("bytes=400000-", Assert.Single(Registry.Calls).Header("Range"), StringComparison.Ordinal);
        Assert.Equal(Content.Length, Client.Traffic.BytesDownloaded);
    }

    [Fact]
    public async Task A_mirror_that_is_down_is_tried_twice_and_the_registry_gives_it()
    {
        var blob = AddBlob(Content);
        _first.Intercept = _ => SiteAnswer.Of(503);

        Assert.Equal(Content, await ReadAsync(At(_first, Registry), blob));
        Assert.Equal(2, _first.Calls.Count);
    }

    [Fact]
    public async Task Wrong_bytes_of_a_mirror_are_followed_by_the_next_ones()
    {
        var (target, blob) = (new MemoryStore(), AddBlob(Content, _first, Registry));
        _first.Alter = (_, answer) => answer with { Body = new byte[Content.Length] };

        await new ContentCopier(At(_first, Registry), target).CopyAsync(blob, Ct);

        Assert.True(target.Holds(blob));
    }

    [Fact]
    public async Task Wrong_documents_of_a_mirror_are_followed_by_the_next_ones()
    {
        var index = AddIndex(_first);
        AddIndex(Registry);
        _first.Alter = (_, answer) => answer with { Body = new byte[(int)index.Size] };

        Assert.Equal(index.Size, (await At(_first, Registry).ReadDocumentAsync(index, Ct)).Length);
    }

    [Theory]
    [InlineData(200)]
    [InlineData(404)]
    [InlineData(503)]
    public async Task Wrong_bytes_that_nobody_has_right_are_a_bad_digest(int status)
    {
        var blob = AddBlob(Content, _first, Registry);
        _first.Alter = (_, answer) => answer with { Body = new byte[Content.Length] };
        Registry.Alter = (_, answer) => status == 200 ? answer with { Body = new byte[Content.Length] } : SiteAnswer.Of(status);

        var failure = await FailureAsync(() => new ContentCopier(At(_first, Registry), new MemoryStore()).CopyAsync(blob, Ct));

        Assert.Equal(ErrorKind.BadDigest, failure.Kind);
    }

    [Theory]
    [InlineData(404, 404, ErrorKind.NotFound)]
    [InlineData(404, 503, ErrorKind.Unavailable)]
    [InlineData(503, 404, ErrorKind.Unavailable)]
    [InlineData(403, 503, ErrorKind.AccessDenied)]
    [InlineData(503, 403, ErrorKind.AccessDenied)]
    [InlineData(401, 404, ErrorKind.AccessDenied)]
    public async Task What_all_hosts_say_together(int mirror, int registry, ErrorKind expected)
    {
        _first.Intercept = _ => SiteAnswer.Of(mirror);
        Registry.Intercept = _ => SiteAnswer.Of(registry);

        var failure = await FailureAsync(() => ReadAsync(At(_first, Registry), Sample.Describe(Content)));

        Assert.Equal(expected, failure.Kind);
        Assert.Contains(_first.Url.Authority, failure.Message, StringComparison.Ordinal);
        Assert.Contains(Registry.Url.Authority, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tag_that_no_host_has_is_none()
    {
        Assert.Null(await At(_first, Registry).ResolveAsync("v1", Ct));
        Assert.Null(await At(_first, Registry).FetchRootAsync("v1", Ct));
    }

    [Fact]
    public async Task A_tag_that_the_mirror_misses_while_the_registry_is_down_is_not_none()
    {
        Registry.Intercept = _ => SiteAnswer.Of(502);

        Assert.Equal(
            ErrorKind.Unavailable, (await FailureAsync(async () => await At(_first, Registry).ResolveAsync("v1", Ct))).Kind);
    }

    [Fact]
    public async Task A_host_that_nobody_listens_at_is_passed_over()
    {
        var (blob, gone) = (AddBlob(Content), Start());
        await gone.DisposeAsync();

        Assert.Equal(Content, await ReadAsync(At(gone, Registry), blob));
    }

    [Fact]
    public async Task A_tag_is_asked_only_of_those_that_resolve()
    {
        AddIndex(_first, "v1", "other");
        var index = AddIndex(Registry, "v1");
        var repository = Limited(HostCapabilities.Pull);

        Assert.Equal(index, await repository.ResolveAsync("v1", Ct));
        Assert.Equal(index, await repository.FetchRootAsync("v1", Ct));
        Assert.Empty(_first.Calls);
    }

    [Fact]
    public async Task A_digest_is_asked_of_those_that_give_content()
    {
        var index = AddIndex(_first);
        var repository = Limited(HostCapabilities.Pull);

        Assert.Equal(index, await repository.ResolveAsync(index.Digest.ToString(), Ct));
        Assert.Equal(index, await repository.FetchRootAsync(index.Digest.ToString(), Ct));
        Assert.Empty(Registry.Calls);
    }

    // As containerd does, measured.
    [Fact]
    public async Task Content_is_asked_of_all_hosts_once_any_of_them_gives_content()
    {
        var blob = AddBlob(Content, _first);

        Assert.Equal(Content, await ReadAsync(Limited(HostCapabilities.Resolve), blob));
        Assert.Empty(Registry.Calls);
    }

    [Fact]
    public async Task Content_is_asked_of_nobody_when_nobody_gives_content()
    {
        var blob = AddBlob(Content, _first);
        var repository = Client.Repository(Repo, [HostOf(_first) with { Capabilities = HostCapabilities.Resolve }]);

        Assert.Equal(ErrorKind.NotFound, (await FailureAsync(() => ReadAsync(repository, blob))).Kind);
        Assert.Empty(_first.Calls);
    }

    [Fact]
    public async Task Content_is_sent_to_the_registry_only()
    {
        await PutAsync(At(_first, Registry), Content);

        Assert.Empty(_first.Calls);
        Assert.True(Registry.Has(Repo, Sample.Describe(Content).Digest.ToString()));
    }

    [Fact]
    public async Task A_stream_that_failed_fails_again()
    {
        _first.Alter = (call, answer) => call.Number == 0 ? answer with { CutAfter = 1000 } : SiteAnswer.Of(404);
        await using var stream = await At(_first, Registry).OpenAsync(AddBlob(Content, _first), Ct);

        await FailureAsync(() => stream.CopyToAsync(Stream.Null, Ct));
        await FailureAsync(() => stream.CopyToAsync(Stream.Null, Ct));
    }

    private RemoteRepository Limited(HostCapabilities first) =>
        Client.Repository(Repo, [HostOf(_first) with { Capabilities = first }, HostOf(Registry)]);
}
