using System.Text;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class ReferrersTests : RemoteTest
{
    private readonly Descriptor _subject;
    private readonly string _tag;

    public ReferrersTests()
    {
        _subject = AddIndex(Registry, "v1");
        _tag = ReferrersIndex.TagOf(_subject.Digest);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_attached_is_found(bool hasApi)
    {
        Registry.HasReferrersApi = hasApi;
        var repository = Repository;
        var signature = await SignAsync(repository, "a");

        await repository.AttachAsync(_subject.Digest, [signature], Ct);

        Assert.Equal(signature.Digest, Assert.Single(await repository.ReferrersAsync(_subject.Digest, Ct)).Digest);
        Assert.Equal(hasApi, Registry.Tag(Repo, _tag) is null); // GHCR, Quay: no API, so the tag is ours to write.
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_nothing_refers_to_has_no_referrers(bool hasApi)
    {
        Registry.HasReferrersApi = hasApi;

        Assert.Empty(await Repository.ReferrersAsync(_subject.Digest, Ct));
    }

    [Fact]
    public async Task Pages_of_referrers_are_put_together()
    {
        Registry.Intercept = call => !call.Path.Contains("/referrers/", StringComparison.Ordinal) ? null
            : call.Query.Length == 0 ? Index(0, 3).With("Link", "<?page=2>; rel=\"next\"") : Index(2, 3);

        Assert.Equal(5, (await Repository.ReferrersAsync(_subject.Digest, Ct)).Count);
    }

    // ECR, Harbor and Zot choose their own sizes.
    [Fact]
    public async Task Pages_of_a_few_are_put_together_however_many()
    {
        Registry.Intercept = Paged(pages: 100, perPage: 2);

        Assert.Equal(200, (await Repository.ReferrersAsync(_subject.Digest, Ct)).Count);
    }

    [Theory]
    [InlineData(1000, 10)]
    [InlineData(257, 1)]
    [InlineData(1000, 0)] // Nothing, for ever.
    public async Task A_list_that_goes_on_is_refused_and_not_cut_off(int pages, int perPage)
    {
        Registry.Intercept = Paged(pages, perPage);

        var failure = await FailureAsync(async () => await Repository.ReferrersAsync(_subject.Digest, Ct));

        Assert.Equal(ErrorKind.BadContent, failure.Kind);
        Assert.InRange(Registry.Calls.Count, 0, 260);
    }

    [Fact]
    public async Task A_page_that_does_not_come_is_a_failure_and_not_an_end()
    {
        Registry.Intercept = call => !call.Path.Contains("/referrers/", StringComparison.Ordinal) ? null
            : call.Query.Length == 0 ? Index(0, 3).With("Link", "<?page=2>; rel=\"next\"") : SiteAnswer.Of(404);

        await FailureAsync(async () => await Repository.ReferrersAsync(_subject.Digest, Ct));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task More_than_256_referrers_are_refused(bool hasApi)
    {
        Registry.Intercept = call => hasApi && call.Path.Contains("/referrers/", StringComparison.Ordinal) ? Index(0, 257) : null;
        Registry.HasReferrersApi = hasApi;
        Registry.AddManifest(Repo, Index(0, 257).Body.ToArray(), MediaTypes.Index, _tag);

        Assert.Equal(
            ErrorKind.BadContent, (await FailureAsync(async () => await Repository.ReferrersAsync(_subject.Digest, Ct))).Kind);
    }

    [Fact]
    public async Task Two_hundred_and_fifty_six_are_not()
    {
        Registry.Intercept = call => call.Path.Contains("/referrers/", StringComparison.Ordinal) ? Index(0, 256) : null;

        Assert.Equal(256, (await Repository.ReferrersAsync(_subject.Digest, Ct)).Count);
    }

    [Fact]
    public async Task A_page_of_a_web_site_in_place_of_the_API_is_no_API()
    {
        Registry.HasReferrersApi = false;
        var repository = Repository;
        var signature = await SignAsync(repository, "a");
        await repository.AttachAsync(_subject.Digest, [signature], Ct);
        Registry.Intercept = call => call.Path.Contains("/referrers/", StringComparison.Ordinal)
            ? SiteAnswer.Text("<html>").With("Content-Type", "text/html") : null;

        Assert.Single(await Client.Repository(Repo, [HostOf(Registry)]).ReferrersAsync(_subject.Digest, Ct));
    }

    [Fact]
    public async Task A_refusal_is_not_taken_for_a_missing_API()
    {
        Registry.Intercept = call => call.Path.Contains("/referrers/", StringComparison.Ordinal) ? SiteAnswer.Of(403) : null;

        Assert.Equal(
            ErrorKind.AccessDenied, (await FailureAsync(async () => await Repository.ReferrersAsync(_subject.Digest, Ct))).Kind);
    }

    // GitLab lists what is deleted by tag of that form; there the tag may be the subject's own.
    [Fact]
    public async Task The_subject_itself_under_the_tag_as_at_GitLab_is_no_list()
    {
        Registry.HasReferrersApi = false;
        Registry.AddManifest(Repo, Registry.Content(Repo, _subject.Digest.ToString()), MediaTypes.Index, _tag);

        Assert.Empty(await Repository.ReferrersAsync(_subject.Digest, Ct));
    }

    [Fact]
    public async Task What_others_attached_by_tag_is_kept()
    {
        Registry.HasReferrersApi = false;
        var repository = Repository;
        var (one, two) = (await SignAsync(repository, "1"), await SignAsync(repository, "2"));

        await repository.AttachAsync(_subject.Digest, [one], Ct);
        await repository.AttachAsync(_subject.Digest, [two], Ct);
        await repository.AttachAsync(_subject.Digest, [one, two], Ct);

        Assert.Equal(2, (await repository.ReferrersAsync(_subject.Digest, Ct)).Count);
        Assert.Equal(2, Registry.Calls.Count(c => c.Method == "PUT" && c.Path.EndsWith(_tag, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Two_that_write_the_tag_at_once_both_end_up_in_it()
    {
        Registry.HasReferrersApi = false;
        var repository = Repository;
        var (one, two) = (await SignAsync(repository, "1"), await SignAsync(repository, "2"));
        var writes = 0;

        // Between our write and our look at it, another one writes what it had read before.
        Registry.Alter = (call, answer) =>
        {
            if (call.Method == "PUT" && call.Path.EndsWith(_tag, StringComparison.Ordinal) && ++writes <= 3)
            {
                Registry.AddManifest(Repo, OciJson.Write(ReferrersIndex.With(null, [two])!), MediaTypes.Index, _tag);
            }

            return answer;
        };

        await repository.AttachAsync(_subject.Digest, [one], Ct);

        Assert.Equal(2, (await repository.ReferrersAsync(_subject.Digest, Ct)).Count);
    }

    [Fact]
    public async Task A_tag_that_is_overwritten_for_ever_is_given_up()
    {
        Registry.HasReferrersApi = false;
        var repository = Repository;
        var (one, two) = (await SignAsync(repository, "1"), await SignAsync(repository, "2"));
        Registry.Alter = (call, answer) =>
        {
            if (call.Method == "PUT")
            {
                Registry.AddManifest(Repo, OciJson.Write(ReferrersIndex.With(null, [two])!), MediaTypes.Index, _tag);
            }

            return answer;
        };

        var failure = await FailureAsync(async () => await repository.AttachAsync(_subject.Digest, [one], Ct));

        Assert.Contains("overwritten by others 8 times in a row", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signature_that_is_sent_is_counted_by_the_registry_without_a_tag()
    {
        var repository = Repository;
        var signature = await SignAsync(repository, "1");
        var calls = Registry.Calls.Count;

        await repository.AttachAsync(_subject.Digest, [signature], Ct);

        Assert.Equal(calls, Registry.Calls.Count); // OCI-Subject had said so.
    }

    [Fact]
    public async Task Signatures_are_copied_with_what_they_sign()
    {
        await SignAsync(Repository, "1");
        var target = Start();
        target.HasReferrersApi = false;

        await new ContentCopier(Repository, At(target)).CopyAsync(_subject, withReferrers: true, Ct);

        Assert.NotNull(target.Tag(Repo, _tag));
        Assert.Single(await At(target).ReferrersAsync(_subject.Digest, Ct));
    }

    // A pull-through cache, or a mirror that was filled with docker push.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_mirror_that_knows_of_none_does_not_hide_those_of_the_registry(bool hasApi)
    {
        var signature = await SignAsync(Repository, "a");
        var mirror = Start();
        AddIndex(mirror, "v1");
        mirror.HasReferrersApi = hasApi;

        Assert.Equal(signature.Digest, Assert.Single(await At(mirror, Registry).ReferrersAsync(_subject.Digest, Ct)).Digest);
    }

    [Theory]
    [InlineData(403)]
    [InlineData(503)]
    public async Task A_mirror_that_knows_of_none_is_believed_where_the_registry_is_not_to_be_had(int status)
    {
        var mirror = Start();
        Registry.Intercept = _ => SiteAnswer.Of(status);

        Assert.Empty(await At(mirror, Registry).ReferrersAsync(_subject.Digest, Ct));
        Assert.Contains(Warnings, w => w.Contains("going on without referrers", StringComparison.Ordinal));
    }

    private static Func<RegistryCall, SiteAnswer?> Paged(int pages, int perPage) => call =>
    {
        var page = int.Parse(call.Parameter("page") ?? "0", System.Globalization.CultureInfo.InvariantCulture);
        return !call.Path.Contains("/referrers/", StringComparison.Ordinal) ? null
            : page + 1 < pages ? Index(page * perPage, perPage).With("Link", $"<?page={page + 1}>; rel=\"next\"")
            : Index(page * perPage, perPage);
    };

    private static SiteAnswer Index(int from, int count)
    {
        var manifests = Enumerable.Range(from, count).Select(i => Sample.Describe(Encoding.UTF8.GetBytes($"{i}"), MediaTypes.Manifest));
        var index = OciJson.Write(new ImageIndex { MediaType = MediaTypes.Index, Manifests = [.. manifests] });
        return new SiteAnswer { Body = index }.With("Content-Type", MediaTypes.Index);
    }

    private async Task<Descriptor> SignAsync(Oci.Registry.RemoteRepository repository, string name)
    {
        var document = Encoding.UTF8.GetBytes(
            $$"""
            {"schemaVersion":2,"mediaType":"{{MediaTypes.Index}}","manifests":[],"annotations":{"is":"{{name}}"},
            "subject":{"mediaType":"{{MediaTypes.Index}}","digest":"{{_subject.Digest}}","size":{{_subject.Size}} } }
            """);
        var signature = Sample.Describe(document, MediaTypes.Index);
        await PutAsync(repository, document, signature);
        return signature;
    }
}
