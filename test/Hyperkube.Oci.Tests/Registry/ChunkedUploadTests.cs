using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class ChunkedUploadTests : RemoteTest
{
    private static readonly byte[] Content = Sample.Noise(1 << 20);
    private static readonly Descriptor Blob = Sample.Describe(Content);

    private bool IsThere => Registry.Has(Repo, Blob.Digest.ToString());

    [Fact]
    public async Task A_body_too_large_for_the_proxy_goes_in_chunks_that_are_not()
    {
        Registry.AnswerEarly = call => call.Body.Length == 0 && Length(call) > 300_000 ? SiteAnswer.Of(413) : null;

        await PutAsync(Repository, Content);

        Assert.True(IsThere);
        Assert.All(Registry.Calls.Where(c => c.Method == "PATCH" && Length(c) <= 300_000), c => Assert.Equal(262_144, Length(c)));
    }

    [Fact]
    public async Task A_proxy_that_takes_nothing_is_told_of_with_what_helps()
    {
        Registry.AnswerEarly = call => Length(call) > 1000 ? SiteAnswer.Of(413) : null;

        var failure = await FailureAsync(() => PutAsync(Repository, Content));

        Assert.Contains("client_max_body_size", failure.Hint, StringComparison.Ordinal);
        Assert.Equal(0, Registry.OpenUploads);
    }

    [Fact]
    public async Task Chunks_are_no_smaller_than_ECR_wants_them_but_for_the_last()
    {
        Registry.MinChunkBytes = 400_000;
        RefusePieces();
        Registry.CutUpload = call => call.Method == "PATCH" && Registry.Calls.Count < 6 ? 1000 : null;
        Registry.KeepsPartialUploads = false;

        await PutAsync(Repository, Content);

        Assert.True(IsThere);
        Assert.Equal(
            [400_000, 400_000, 248_576],
            Registry.Traffic.Where(t => t is { Status: 202, Call.Method: "PATCH" }).Select(t => t.Call.Body.Length));
    }

    [Fact]
    public async Task Chunks_are_taken_with_201_as_ECR_says()
    {
        Registry.PatchStatus = 201;
        RefusePieces();

        await PutAsync(Repository, Content);

        Assert.True(IsThere);
        Assert.Equal("0-1048575", Registry.Calls.Single(c => c.Method == "PATCH").Header("Content-Range"));
    }

    [Fact]
    public async Task A_chunk_at_the_wrong_place_is_followed_by_one_at_the_right_place()
    {
        RefusePieces();
        Registry.CutUpload = call => call.Method == "PATCH" && Registry.Calls.All(c => c.Method != "PATCH") ? 500_000 : null;
        var asked = 0;

        // Says at first that less has come.
        Registry.Alter = (call, answer) =>
            call is { Method: "GET", IsUpload: true } && asked++ == 0 ? answer.With("Range", "0-99") : answer;

        await PutAsync(Repository, Content);

        Assert.True(IsThere);
        Assert.Contains(Registry.Traffic, t => t.Status == 416);
    }

    // 0-0 is said of one byte and, by docker-registry, of none.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task An_upload_of_which_one_byte_or_none_has_come_finishes(int kept)
    {
        RefusePieces();
        Registry.CutUpload = call => call.Method == "PATCH" && Registry.Calls.All(c => c.Method != "PATCH") ? kept : null;

        await PutAsync(Repository, Content);

        Assert.Equal(Content, Registry.Content(Repo, Blob.Digest.ToString()));
        Assert.Equal(0, Registry.OpenUploads);
    }

    [Fact]
    public async Task An_upload_of_one_byte_in_chunks_finishes()
    {
        RefusePieces();

        await PutAsync(Repository, [7]);

        Assert.True(Registry.Has(Repo, Sample.Describe([7]).Digest.ToString()));
    }

    // A line that breaks three times, and is well afterwards.
    [Fact]
    public async Task Chunks_grow_again_when_the_trouble_has_passed()
    {
        var (content, cuts) = (Sample.Noise(20 << 20), 0);
        RefusePieces();
        Registry.KeepsPartialUploads = false;
        Registry.CutUpload = call => call.Method == "PATCH" && cuts++ < 3 ? 1000 : null;

        await PutAsync(Repository, content);

        var taken = Registry.Traffic.Where(t => t is { Status: 202, Call.Method: "PATCH" }).Select(t => t.Call.Body.Length).ToList();
        Assert.Equal(256 << 10, taken[0]);
        Assert.Contains(4 << 20, taken);
        Assert.Equal(content, Registry.Content(Repo, Sample.Describe(content).Digest.ToString()));
    }

    [Fact]
    public async Task Chunks_do_not_grow_to_what_was_too_large()
    {
        Registry.AnswerEarly = call => Length(call) >= 262_144 ? SiteAnswer.Of(413) : null;

        await PutAsync(Repository, Content);

        Assert.Single(Registry.Calls, c => c.Method == "PATCH" && Length(c) == 262_144);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_upload_that_is_cut_every_64_KiB_finishes(bool keepsPartial)
    {
        Registry.KeepsPartialUploads = keepsPartial;
        Registry.CutUpload = call => call.IsUpload && Length(call) > 65_536 ? 65_536 : null;

        await PutAsync(Repository, Content);

        Assert.True(IsThere);
        Assert.Equal(Content, Registry.Content(Repo, Blob.Digest.ToString()));
        Assert.InRange(Registry.Calls.Sum(c => (long)c.Body.Length), Content.Length, Content.Length * 3 / 2);
    }

    [Fact]
    public async Task An_upload_of_which_nothing_ever_arrives_is_given_up()
    {
        Registry.CutUpload = call => call.Method is "PUT" or "PATCH" ? 10 : null;
        Registry.KeepsPartialUploads = false;

        var failure = await FailureAsync(() => PutAsync(Repository, Content));

        Assert.Equal(ErrorKind.Unavailable, failure.Kind);
        Assert.InRange(Registry.Calls.Count, 5, 40);
        Assert.Equal(0, Registry.OpenUploads);
    }

    [Fact]
    public async Task A_session_that_got_lost_begins_anew()
    {
        RefusePieces();
        var lost = 0;
        Registry.Intercept = call => call.Method is "PATCH" && lost++ == 0 ? SiteAnswer.Of(503)
            : call is { Method: "GET", IsUpload: true } ? SiteAnswer.Of(404) : null;

        await PutAsync(Repository, Content);

        Assert.True(IsThere);
        Assert.Equal(3, Registry.Calls.Count(c => c.Method == "POST"));
    }

    [Fact]
    public async Task A_token_that_expires_amid_the_chunks_costs_one_chunk_more()
    {
        Registry.Issuer = new TokenIssuer();
        RefusePieces(300_000);
        var patches = 0;
        Registry.AnswerEarly = call =>
        {
            if (call.Method == "PATCH" && Length(call) <= 300_000 && ++patches == 3)
            {
                Registry.Issuer.RevokeAll();
            }

            return Length(call) > 300_000 ? SiteAnswer.Of(413) : null;
        };

        await PutAsync(Repository, Content);

        Assert.True(IsThere);
        Assert.Equal(2, Registry.Issuer.Issued);
        Assert.Equal(5, Registry.Traffic.Count(t => t.Call.Method == "PATCH" && t.Status is 202 or 401));
    }

    private static long Length(RegistryCall call) =>
        long.Parse(call.Header("Content-Length") ?? "0", System.Globalization.CultureInfo.InvariantCulture);

    // So that it goes in chunks.
    private void RefusePieces(long limit = 0) =>
        Registry.AnswerEarly = call => call.Method == "PUT" && Length(call) > limit ? SiteAnswer.Of(413) : null;
}
