using Hyperkube.Oci.Registry;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

/// <summary>Servers that answer before they have read the body, as nginx and Go's do.</summary>
public sealed class EarlyRefusalTests : RemoteTest
{
    // More than the buffers of both sides of a connection hold.
    private static readonly byte[] Content = Sample.Noise(12 << 20);
    private static readonly Descriptor Blob = Sample.Describe(Content);

    // For each PUT, whether it was asked about first.
    private string Asked => string.Join(
        ' ', Registry.Calls.Where(c => c.Method == "PUT").Select(c => c.Header("Expect") == "100-continue" ? "asked" : "sent"));

    [Theory]
    [InlineData(403, ErrorKind.AccessDenied, true)]
    [InlineData(403, ErrorKind.AccessDenied, false)]
    [InlineData(429, ErrorKind.Unavailable, true)]
    [InlineData(429, ErrorKind.Unavailable, false)]
    public async Task The_reason_is_told_though_the_connection_breaks(int status, ErrorKind kind, bool heedsExpect)
    {
        Refuse(status, heedsExpect);

        var failure = await FailureAsync(() => PutAsync(Repository, Content));

        Assert.Equal(kind, failure.Kind);
        Assert.Contains($"{status} ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("DENIED: not today", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_reason_is_told_over_TLS_too(bool heedsExpect)
    {
        using TestAuthority authority = new();
        using TempDirectory directory = new();
        await File.WriteAllTextAsync(directory["ca.pem"], authority.Pem, Ct);
        var behind = Start(authority);
        (behind.HangsUpEarly, behind.HeedsExpect) = (true, heedsExpect);
        behind.AnswerEarly = call => call.Method == "POST" ? null : Denied(403);
        var repository = Client.Repository(Repo, [HostOf(behind) with { Tls = HostTls.Trusting(directory["ca.pem"]) }]);

        Assert.Contains("DENIED: not today", (await FailureAsync(() => PutAsync(repository, Content))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_too_large_goes_in_chunks(bool heedsExpect)
    {
        Refuse(413, heedsExpect, limit: 3 << 20);

        await PutAsync(Repository, Content);

        Assert.Equal(Content, Registry.Content(Repo, Blob.Digest.ToString()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_token_that_has_expired_is_replaced(bool heedsExpect)
    {
        Registry.Issuer = new TokenIssuer();
        Refuse(401, heedsExpect);
        var early = Registry.AnswerEarly;
        var refused = 0;
        Registry.AnswerEarly = call => early(call) is { } answer && refused++ == 0
            ? answer.With("WWW-Authenticate", $"Bearer realm=\"{new Uri(Registry.Url, "/token")}\",service=\"test\"") : null;

        await PutAsync(Repository, Content);

        Assert.Equal(2, Registry.Issuer.Issued);
        Assert.True(Registry.Has(Repo, Blob.Digest.ToString()));
    }

    [Fact]
    public async Task What_a_server_that_is_asked_first_refuses_is_not_sent()
    {
        Refuse(403, heedsExpect: true);

        await FailureAsync(() => PutAsync(Repository, Content));

        Assert.Equal("asked", Asked);
    }

    // Each costs a way there and back.
    [Fact]
    public async Task A_server_is_asked_only_about_more_than_it_has_taken()
    {
        await PutAsync(Repository, Content);
        await PutAsync(Repository, Content[1..]);
        await PutAsync(Repository, [.. Content, 1]);

        Assert.Equal("asked sent asked", Asked);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_the_question_is_asked_once()
    {
        Registry.HeedsExpect = false;

        await PutAsync(Repository, Content);
        await PutAsync(Repository, [.. Content, 1]);

        Assert.Equal("asked sent", Asked);
    }

    // Some proxies answer so to the question itself.
    [Fact]
    public async Task A_server_that_refuses_the_question_is_not_asked()
    {
        Registry.AnswerEarly = call => call.Header("Expect") is null ? null : SiteAnswer.Of(417);

        await PutAsync(Repository, Content);

        Assert.Equal("asked sent", Asked);
        Assert.True(Registry.Has(Repo, Blob.Digest.ToString()));
    }

    [Fact]
    public async Task A_success_that_is_said_of_half_a_body_is_none()
    {
        (Registry.HangsUpEarly, Registry.HeedsExpect) = (true, false);
        Registry.AnswerEarly = call => call.Method is "PUT" && call.Header("Content-Length") != "0" ? SiteAnswer.Of(201) : null;

        await PutAsync(Repository, Content);

        Assert.Equal("POST PUT DELETE POST PUT DELETE POST PATCH PUT", Methods);
        Assert.Equal(Content, Registry.Content(Repo, Blob.Digest.ToString()));
    }

    private void Refuse(int status, bool heedsExpect, long limit = 0)
    {
        (Registry.HangsUpEarly, Registry.HeedsExpect) = (true, heedsExpect);
        Registry.AnswerEarly = call =>
            long.Parse(call.Header("Content-Length") ?? "0", System.Globalization.CultureInfo.InvariantCulture) > limit
                ? Denied(status) : null;
    }

    private static SiteAnswer Denied(int status) =>
        SiteAnswer.Text("""{"errors":[{"code":"DENIED","message":"not today"}]}""", status).With("Content-Type", "application/json");
}
