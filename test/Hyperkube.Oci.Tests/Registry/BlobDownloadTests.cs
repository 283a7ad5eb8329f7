using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class BlobDownloadTests : RemoteTest
{
    private static readonly byte[] Content = Sample.Noise(1 << 20);

    [Fact]
    public async Task A_blob_comes_as_it_is()
    {
        var blob = AddBlob(Content);

        Assert.Equal(Content, await ReadAsync(Repository, blob));
        Assert.Equal(Content.Length, Client.Traffic.BytesDownloaded);
    }

    [Fact]
    public async Task An_empty_blob_comes() => Assert.Empty(await ReadAsync(Repository, AddBlob([])));

    [Fact]
    public async Task A_blob_that_is_cut_every_64_KiB_comes_whole_for_a_tenth_more_at_most()
    {
        var blob = AddBlob(Content);
        Registry.Alter = (call, answer) => call.IsBlob ? answer with { CutAfter = 64 * 1024 } : answer;

        Assert.Equal(Content, await ReadAsync(Repository, blob));

        Assert.InRange(Registry.Traffic.Where(t => t.Call.IsBlob).Sum(t => t.BodyBytes), Content.Length, Content.Length * 11 / 10);
        Assert.All(Registry.Calls.Skip(1), call => Assert.Matches($"^bytes=[1-9][0-9]*-{Content.Length - 1}$", call.Header("Range")));
    }

    [Fact]
    public async Task A_blob_that_brings_less_with_each_try_is_given_up()
    {
        var blob = AddBlob(Content);
        Registry.Alter = (call, answer) => call.IsBlob ? answer with { CutAfter = 100 } : answer;

        var failure = await FailureAsync(() => ReadAsync(Repository, blob));

        Assert.Equal(ErrorKind.Unavailable, failure.Kind);
        Assert.Equal(5, Registry.Calls.Count);
    }

    [Fact]
    public async Task A_server_that_ignores_the_range_is_read_again_up_to_the_place()
    {
        var blob = AddBlob(Content);
        Registry.Alter = (call, answer) => call.Number == 0
            ? answer with { CutAfter = 100_000 }
            : answer with { Status = 200, Body = Content };

        Assert.Equal(Content, await ReadAsync(Repository, blob));
        Assert.Equal(2, Registry.Calls.Count);
    }

    [Fact]
    public async Task A_server_that_ignores_the_range_and_cuts_before_the_place_is_a_failure_of_ours()
    {
        var blob = AddBlob(Content);
        Registry.Alter = (_, answer) => answer with { Status = 200, Body = Content, CutAfter = 1000 };

        var failure = await FailureAsync(async () => await Repository.OpenAtAsync(blob, 500_000, Ct));

        Assert.Equal(ErrorKind.Unavailable, failure.Kind);
    }

    [Theory]
    [InlineData(400)] // Some edges of Artifactory's.
    [InlineData(416)]
    [InlineData(501)]
    public async Task A_server_that_refuses_the_range_is_asked_without_one(int status)
    {
        var blob = AddBlob(Content);
        Registry.Alter = (call, answer) =>
            call.Number == 0 ? answer with { CutAfter = 100_000 } : call.Header("Range") is null ? answer : SiteAnswer.Of(status);

        Assert.Equal(Content, await ReadAsync(Repository, blob));
    }

    [Theory]
    [InlineData("bytes 0-9/1048576")]
    [InlineData("bytes 5-1048575/99")]
    [InlineData("nonsense")]
    public async Task An_answer_of_other_bytes_than_were_asked_for_is_not_used(string range)
    {
        var blob = AddBlob(Content);
        Registry.Alter = (call, answer) => call.Number == 0 ? answer with { CutAfter = 100_000 }
            : call.Header("Range") is null ? answer : answer.With("Content-Range", range);

        Assert.Equal(Content, await ReadAsync(Repository, blob));
    }

    [Fact]
    public async Task A_range_that_is_given_in_pieces_is_asked_for_piece_by_piece()
    {
        var blob = AddBlob(Content);
        Registry.Alter = (call, answer) =>
        {
            if (call.Header("Range") is not { } range)
            {
                return answer with { CutAfter = 100_000 };
            }

            var from = int.Parse(range["bytes=".Length..].Split('-')[0], System.Globalization.CultureInfo.InvariantCulture);
            var to = Math.Min(from + 200_000, Content.Length) - 1;
            return (answer with { Body = Content.AsMemory(from, to - from + 1) })
                .With("Content-Range", $"bytes {from}-{to}/{Content.Length}");
        };

        Assert.Equal(Content, await ReadAsync(Repository, blob));
    }

    [Fact]
    public async Task A_signed_address_is_asked_for_anew_after_a_cut()
    {
        var blob = AddBlob(Content);
        var store = Start();
        store.Intercept = call => call.Path != $"/signed-{store.Calls.Count}" ? SiteAnswer.Of(403) // Expired.
            : call.Header("Range") is { } range ? SiteAnswer.Part(Content, range) : new SiteAnswer { Body = Content, CutAfter = 300_000 };
        var given = -1;
        Registry.Alter = (call, answer) => call.IsBlob
            ? SiteAnswer.Redirect(new Uri(store.Url, $"/signed-{Interlocked.Increment(ref given)}").AbsoluteUri)
            : answer;

        Assert.Equal(Content, await ReadAsync(Repository, blob));
        Assert.Equal("/signed-0 /signed-1", string.Join(' ', store.Calls.Select(c => c.Path)));
        Assert.Equal(2, Registry.Calls.Count);
    }

    [Fact]
    public async Task A_length_that_is_wrong_is_refused_before_its_bytes_come()
    {
        var blob = AddBlob(Content);
        Registry.Alter = (_, answer) => answer with { Body = Content.AsMemory(1) };

        var failure = await FailureAsync(() => ReadAsync(Repository, blob));

        Assert.Equal(ErrorKind.BadDigest, failure.Kind);
        Assert.Contains("1048575 bytes; expected 1048576", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, Client.Traffic.BytesDownloaded);
    }

    [Fact]
    public async Task A_body_that_goes_on_and_on_is_left_after_its_size()
    {
        var blob = AddBlob(Content);
        Registry.Alter = (_, answer) => answer with { Endless = true };

        Assert.Equal(ErrorKind.BadDigest, (await FailureAsync(() => ReadAsync(Repository, blob))).Kind);
        Assert.InRange(Client.Traffic.BytesDownloaded, Content.Length, Content.Length + 1);
    }

    [Fact]
    public async Task Other_bytes_of_the_same_size_are_refused()
    {
        var blob = AddBlob(Content);
        Registry.Alter = (_, answer) => answer with { Body = new byte[Content.Length] };

        Assert.Equal(ErrorKind.BadDigest, (await FailureAsync(() => ReadAsync(Repository, blob))).Kind);
    }

    [Fact]
    public async Task A_body_that_stalls_is_gone_on_with()
    {
        Options = Options with { SpeedSpan = TimeSpan.FromMilliseconds(400), MinBytesPerSpan = 1000 };
        var blob = AddBlob(Content);
        Registry.Alter = (call, answer) => call.Number < 2
            ? answer with { Body = answer.Body[..200_000], SaidLength = answer.Body.Length, Stalls = true }
            : answer;

        Assert.Equal(Content, await ReadAsync(Repository, blob));
        Assert.Equal(3, Registry.Calls.Count);
    }

    [Fact]
    public async Task A_host_that_never_answers_is_given_up()
    {
        Options = Options with { AnswerTimeout = TimeSpan.FromMilliseconds(200) };
        var blob = AddBlob(Content);
        Registry.Intercept = _ => new SiteAnswer { Silent = true };

        var failure = await FailureAsync(() => ReadAsync(Repository, blob));

        Assert.Equal(ErrorKind.Unavailable, failure.Kind);
        Assert.Equal(5, Registry.Calls.Count);
    }

    [Fact]
    public async Task A_refusal_whose_reason_never_ends_is_a_refusal_all_the_same()
    {
        Options = Options with { AnswerTimeout = TimeSpan.FromMilliseconds(300) };
        Registry.Intercept = _ => new SiteAnswer { Status = 404, Body = "{"u8.ToArray(), SaidLength = 1000, Stalls = true };

        Assert.Equal(ErrorKind.NotFound, (await FailureAsync(() => ReadAsync(Repository, Sample.Describe(Content)))).Kind);
    }

    [Fact]
    public async Task A_body_may_come_byte_by_byte()
    {
        var content = Sample.Bytes(300);
        var blob = AddBlob(content);
        Registry.Alter = (_, answer) => answer with { Drip = TimeSpan.Zero };

        await using var stream = await Repository.OpenAsync(blob, Ct);
        var read = new byte[1];
        List<byte> all = [];
        while (await stream.ReadAsync(read, Ct) > 0)
        {
            all.Add(read[0]);
        }

        Assert.Equal(content, all);
    }

    [Fact]
    public async Task A_blob_that_is_not_there_is_not_found_after_one_request()
    {
        var failure = await FailureAsync(() => ReadAsync(Repository, Sample.Describe(Content)));

        Assert.Equal(ErrorKind.NotFound, failure.Kind);
        Assert.Contains("BLOB_UNKNOWN", failure.Message, StringComparison.Ordinal);
        Assert.Single(Registry.Calls);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task An_encoding_that_nobody_asked_for_is_refused(string encoding)
    {
        var blob = AddBlob(Content);
        Registry.Alter = (_, answer) => answer.With("Content-Encoding", encoding);

        Assert.Equal(ErrorKind.BadContent, (await FailureAsync(() => ReadAsync(Repository, blob))).Kind);
        Assert.All(Registry.Calls, call => Assert.Null(call.Header("Accept-Encoding")));
    }

    [Fact]
    public async Task The_encoding_that_is_none_is_taken()
    {
        var blob = AddBlob(Content);
        Registry.Alter = (_, answer) => answer.With("Content-Encoding", "identity");

        Assert.Equal(Content, await ReadAsync(Repository, blob));
    }
}
