using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class DocumentTests : RemoteTest
{
    [Fact]
    public async Task A_tag_is_found_with_one_HEAD()
    {
        var index = AddIndex(Registry, "v1");

        Assert.Equal(index, await Repository.ResolveAsync("v1", Ct));

        var call = Assert.Single(Registry.Calls);
        Assert.Equal("HEAD", call.Method);
        Assert.Contains(MediaTypes.DockerManifest, call.Header("Accept"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_found_with_its_content_is_not_read_again()
    {
        AddIndex(Registry, "v1");
        var repository = Repository;

        var root = await repository.FetchRootAsync("v1", Ct);
        await repository.ReadDocumentAsync(root!, Ct);

        Assert.Equal("GET", Methods);
    }

    // Quay and older registries.
    [Theory]
    [InlineData("Docker-Content-Digest", null)]
    [InlineData("Docker-Content-Digest", "sha256:short")]
    [InlineData("Content-Type", "text/html")]
    [InlineData("Content-Type", null)]
    public async Task A_HEAD_that_says_too_little_is_followed_by_a_GET_that_is_hashed(string header, string? value)
    {
        var index = AddIndex(Registry, "v1");
        Registry.Alter = (_, answer) => value is null ? answer.Without(header) : answer.With(header, value);

        Assert.Equal(index, await Repository.ResolveAsync("v1", Ct));
        Assert.Equal("HEAD GET", Methods);
    }

    [Fact]
    public async Task A_HEAD_that_is_not_allowed_is_followed_by_a_GET()
    {
        var index = AddIndex(Registry, "v1");
        Registry.Alter = (call, answer) => call.Method == "HEAD" ? SiteAnswer.Of(405) : answer;

        Assert.Equal(index, await Repository.ResolveAsync("v1", Ct));
    }

    [Fact]
    public async Task A_digest_that_a_registry_claims_is_not_believed()
    {
        var index = AddIndex(Registry, "v1");
        Registry.Alter = (_, answer) => answer.With("Docker-Content-Digest", Digest.Of("other"u8).ToString());

        Assert.Equal(index, await Repository.FetchRootAsync("v1", Ct));
    }

    [Fact]
    public async Task A_digest_that_is_asked_for_is_what_must_come()
    {
        var index = AddIndex(Registry);
        Registry.Alter = (_, answer) =>
            answer with { Body = System.Text.Encoding.UTF8.GetBytes($$"""{"mediaType":"{{MediaTypes.Index}}"}""") };

        var failure = await FailureAsync(async () => await Repository.ResolveAsync(index.Digest.ToString(), Ct));

        Assert.IsType<DigestMismatchException>(failure);
    }

    [Theory]
    [InlineData("<html>", "text/html")]
    [InlineData("{\"mediaType\":\"application/vnd.docker.distribution.manifest.v1+json\"}", "application/json")]
    [InlineData("[]", "application/json")]
    [InlineData("", "")]
    public async Task What_is_neither_a_manifest_nor_an_index_is_refused(string body, string type)
    {
        Registry.Intercept = _ => SiteAnswer.Text(body).With("Content-Type", type);

        Assert.Equal(ErrorKind.BadContent, (await FailureAsync(async () => await Repository.FetchRootAsync("v1", Ct))).Kind);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_gigantic_manifest_is_not_read(bool endless)
    {
        Registry.Intercept = _ => new SiteAnswer { Body = new byte[5 << 20], Endless = endless }.With("Content-Type", MediaTypes.Index);

        var failure = await FailureAsync(async () => await Repository.FetchRootAsync("v1", Ct));

        Assert.Equal(ErrorKind.BadContent, failure.Kind);
        Assert.Contains($"more than {OciJson.MaxDocumentBytes} bytes", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_manifest_that_drips_is_given_up()
    {
        Options = Options with { SpeedSpan = TimeSpan.FromMilliseconds(300) };
        AddIndex(Registry, "v1");
        Registry.Alter = (_, answer) => answer with { Drip = TimeSpan.FromMilliseconds(50) };

        Assert.Equal(ErrorKind.Unavailable, (await FailureAsync(async () => await Repository.FetchRootAsync("v1", Ct))).Kind);
    }

    [Fact]
    public async Task A_document_is_sent_byte_for_byte_with_its_type_and_tagged_without_being_read_again()
    {
        var document = System.Text.Encoding.UTF8.GetBytes($"{{ \"schemaVersion\":2, \"mediaType\":\"{MediaTypes.Index}\" }}");
        var index = Sample.Describe(document, MediaTypes.Index);
        var repository = Repository;

        await PutAsync(repository, document, index);
        await repository.TagAsync(index, "v1", move: false, Ct);

        Assert.Equal("PUT HEAD PUT", Methods);
        Assert.Equal(MediaTypes.Index, Registry.Calls[0].Header("Content-Type"));
        Assert.Equal(document, Registry.Content(Repo, index.Digest.ToString()));
        Assert.Equal(index.Digest.ToString(), Registry.Tag(Repo, "v1"));
    }

    [Fact]
    public async Task A_tag_is_moved_only_when_it_may_be()
    {
        AddIndex(Registry, "v1");
        var other = AddIndex(Registry, annotation: "two");
        var repository = Repository;

        Assert.Equal(
            ErrorKind.TagConflict, (await FailureAsync(async () => await repository.TagAsync(other, "v1", move: false, Ct))).Kind);
        await repository.TagAsync(other, "v1", move: true, Ct);
        await repository.TagAsync(other, "v1", move: false, Ct); // Nothing is to be moved.

        Assert.Equal(other.Digest.ToString(), Registry.Tag(Repo, "v1"));
    }

    [Fact]
    public async Task A_registry_that_stores_something_else_is_noticed()
    {
        Registry.Alter = (_, answer) => answer.With("Docker-Content-Digest", Digest.Of("other"u8).ToString());
        var document = System.Text.Encoding.UTF8.GetBytes($$"""{"mediaType":"{{MediaTypes.Index}}"}""");

        var failure = await FailureAsync(() => PutAsync(Repository, document, Sample.Describe(document, MediaTypes.Index)));

        Assert.Equal(ErrorKind.BadDigest, failure.Kind);
    }

    // While another client sends the same blob, Docker's registry has the blob's link without its content for a moment; others take a
    // while to know what they have just taken.
    [Theory]
    [InlineData(400, "DIGEST_INVALID", "MANIFEST_BLOB_UNKNOWN")]
    [InlineData(404, "MANIFEST_BLOB_UNKNOWN", "")]
    [InlineData(404, "BLOB_UNKNOWN", "")]
    public async Task Content_that_a_registry_does_not_know_yet_is_waited_for(int status, string code, string other)
    {
        var refusals = 2;
        Registry.Intercept = call => call is { Method: "PUT", IsManifest: true } && refusals-- > 0
            ? SiteAnswer.Text($$"""{"errors":[{"code":"{{code}}"},{"code":"{{other}}"}]}""", status).With("Content-Type", "application/json")
            : null;
        var document = System.Text.Encoding.UTF8.GetBytes($$"""{"mediaType":"{{MediaTypes.Index}}"}""");

        await PutAsync(Repository, document, Sample.Describe(document, MediaTypes.Index));
        refusals = int.MaxValue;
        var failure = await FailureAsync(() => PutAsync(Repository, document, Sample.Describe(document, MediaTypes.Index)));

        Assert.Equal(ErrorKind.Unavailable, failure.Kind);
        Assert.Equal(3 + Options.Retry.MaxAttempts, Registry.Calls.Count(c => c.Method == "PUT"));
    }

    [Theory]
    [InlineData(200, null, true)]
    [InlineData(404, null, false)]
    [InlineData(403, null, false)] // ECR says so of what is not there; sending it tells more.
    [InlineData(200, 5, false)]
    public async Task Whether_a_blob_is_there(int status, int? length, bool expected)
    {
        var blob = AddBlob(Sample.Bytes(1000));
        Registry.Alter = (_, answer) => answer with { Status = status, SaidLength = length };

        Assert.Equal(expected, await Repository.HasAsync(blob, Ct));
    }

    [Theory]
    [InlineData(400, "NAME_INVALID", ErrorKind.Usage)]
    [InlineData(400, "MANIFEST_INVALID", ErrorKind.BadContent)]
    [InlineData(400, "DIGEST_INVALID", ErrorKind.BadDigest)]
    [InlineData(400, "WHATEVER", ErrorKind.AccessDenied)]
    [InlineData(403, "DENIED", ErrorKind.AccessDenied)]
    [InlineData(404, "NAME_UNKNOWN", ErrorKind.NotFound)]
    [InlineData(429, "TOOMANYREQUESTS", ErrorKind.Unavailable)]
    [InlineData(500, "UNKNOWN", ErrorKind.Unavailable)]
    [InlineData(505, "", ErrorKind.Unavailable)]
    public async Task What_a_refusal_means(int status, string code, ErrorKind kind)
    {
        Registry.Intercept = _ => SiteAnswer.Text($$"""{"errors":[{"code":"{{code}}","message":"line\u001b[31m\nbreak"},null]}""", status)
            .With("Content-Type", "application/json");

        var failure = await FailureAsync(() => ReadAsync(Repository, Sample.Describe("x"u8)));

        Assert.Equal(kind, failure.Kind);
        Assert.DoesNotContain(failure.Message, char.IsControl);
        Assert.Contains(code, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<html>busy</html>")]
    [InlineData("{\"errors\":5}")]
    [InlineData("{\"errors\":[{\"code\":7}]}")]
    [InlineData("{")]
    [InlineData("{\"error\":{\"a\":1}}")]
    public async Task A_refusal_in_no_known_form_is_told_by_its_status(string body)
    {
        Registry.Intercept = _ => SiteAnswer.Text(body, 403);

        var failure = await FailureAsync(() => ReadAsync(Repository, Sample.Describe("x"u8)));

        Assert.EndsWith(": 403 Forbidden, asked without a login", failure.Message, StringComparison.Ordinal);
    }
}
