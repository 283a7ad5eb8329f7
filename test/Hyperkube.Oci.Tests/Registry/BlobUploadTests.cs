using Hyperkube.Oci.Registry;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class BlobUploadTests : RemoteTest
{
    private static readonly byte[] Content = Sample.Noise(1 << 20);
    private static readonly Descriptor Blob = Sample.Describe(Content);

    private bool IsThere => Registry.Has(Repo, Blob.Digest.ToString());

    [Fact]
    public async Task A_blob_goes_in_one_piece()
    {
        await PutAsync(Repository, Content);

        Assert.True(IsThere);
        Assert.Equal("POST PUT", Methods);
        Assert.Equal("application/octet-stream", Registry.Calls[1].Header("Content-Type"));
        Assert.Equal(Blob.Digest.ToString(), Registry.Calls[1].Parameter("digest"));
    }

    [Fact]
    public async Task An_empty_blob_goes_too()
    {
        await PutAsync(Repository, []);

        Assert.True(Registry.Has(Repo, Sample.Describe([]).Digest.ToString()));
    }

    // The sessions' addresses here have a query with escapes, as GAR's and GHCR's have, and are relative.
    [Fact]
    public async Task The_query_of_a_relative_Location_is_kept_and_the_digest_added()
    {
        await PutAsync(Repository, Content);

        Assert.Equal($"_state=s%2F0%3D%2B&digest={Uri.EscapeDataString(Blob.Digest.ToString())}", Registry.Calls[1].Query);
    }

    [Fact]
    public async Task A_plain_Location_behind_TLS_is_taken_as_TLS()
    {
        using TestAuthority authority = new();
        using TempDirectory directory = new();
        await File.WriteAllTextAsync(directory["ca.pem"], authority.Pem, Ct);
        var behind = Start(authority);
        behind.Alter = (call, answer) => answer.Headers.GetValueOrDefault("Location") is { } location
            ? answer.With("Location", $"http://127.0.0.1:5000{location}")
            : answer;
        var repository = Client.Repository(Repo, [HostOf(behind) with { Tls = HostTls.Trusting(directory["ca.pem"]) }]);

        await PutAsync(repository, Content);

        Assert.True(behind.Has(Repo, Blob.Digest.ToString()));
    }

    [Fact]
    public async Task A_session_without_a_Location_is_a_failure_of_the_registry()
    {
        Registry.Alter = (call, answer) => answer.Without("Location");

        Assert.Equal(ErrorKind.Unavailable, (await FailureAsync(() => PutAsync(Repository, Content))).Kind);
    }

    [Fact]
    public async Task A_blob_of_another_repository_is_mounted()
    {
        Registry.AddBlob("other", Content);

        await PutAsync(Mounting("missing", "other"), Content);

        Assert.True(IsThere);
        Assert.DoesNotContain(Registry.Calls, c => c.Method is "PUT" or "PATCH");
        Assert.Equal(0, Registry.OpenUploads); // That of the first mount was given up.
    }

    [Fact]
    public async Task A_mount_that_begins_an_upload_goes_on_with_that_one()
    {
        await PutAsync(Mounting("other"), Content);

        Assert.True(IsThere);
        Assert.Equal("POST PUT", Methods);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(403)] // GitLab and Harbor, without a right to the source.
    [InlineData(404)]
    [InlineData(405)]
    [InlineData(500)]
    public async Task A_mount_that_is_refused_is_followed_by_a_usual_upload(int status)
    {
        Registry.Intercept = call => call.Parameter("mount") is not null ? SiteAnswer.Of(status) : null;

        await PutAsync(Mounting("other"), Content);

        Assert.True(IsThere);
        Assert.Single(Registry.Calls, c => c.Parameter("mount") is not null);
    }

    [Fact]
    public async Task Content_other_than_its_digest_is_refused_and_nothing_left_open()
    {
        var failure = await FailureAsync(() => PutAsync(Repository, Content, Blob with { Digest = Digest.Of("other"u8) }));

        Assert.Equal(ErrorKind.BadDigest, failure.Kind);
        Assert.Equal(0, Registry.OpenUploads);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task Content_of_another_length_is_not_sent_whole(int more)
    {
        var failure = await FailureAsync(() => PutAsync(Repository, Content, Blob with { Size = Blob.Size + more }));

        Assert.Equal(ErrorKind.BadDigest, failure.Kind);
        Assert.DoesNotContain(Registry.Traffic, t => t.Status == 201);
    }

    [Fact]
    public async Task A_refused_upload_is_not_tried_again()
    {
        Registry.Intercept = _ => SiteAnswer.Text("""{"errors":[{"code":"DENIED","message":"no"}]}""", 403);

        Assert.Equal(ErrorKind.AccessDenied, (await FailureAsync(() => PutAsync(Repository, Content))).Kind);
        Assert.Single(Registry.Calls);
    }

    [Fact]
    public async Task An_upload_that_waits_for_nothing_is_given_up_in_time()
    {
        Options = Options with { AnswerTimeout = TimeSpan.FromMilliseconds(300), CommitTimeout = TimeSpan.FromMilliseconds(300) };
        Registry.Intercept = call => call.Method is "PUT" or "PATCH" ? new SiteAnswer { Silent = true } : null;

        Assert.Equal(ErrorKind.Unavailable, (await FailureAsync(() => PutAsync(Repository, Content))).Kind);
    }

    [Theory]
    [InlineData("https://169.254.169.254/latest")]
    [InlineData("http://example.com/upload")]
    [InlineData("file:///etc/passwd")]
    public async Task An_upload_does_not_go_on_where_it_may_not(string location)
    {
        Registry.Alter = (call, answer) => call.Method == "POST" ? answer.With("Location", location) : answer;

        var failure = await FailureAsync(() => PutAsync(Repository, Content));

        Assert.True(failure.Kind is ErrorKind.AccessDenied or ErrorKind.Unavailable, failure.Message);
    }

    private RemoteRepository Mounting(params string[] from) => Client.Repository(Repo, [HostOf(Registry)], from);
}
