using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class TagListTests : RemoteTest
{
    [Fact]
    public async Task Tags_come_page_by_page_along_relative_links()
    {
        Registry.PageSize = 3;
        for (var i = 0; i < 8; i++)
        {
            AddIndex(Registry, $"v{i}");
        }

        Assert.Equal("v0 v1 v2 v3 v4 v5 v6 v7", await TagsAsync());
        Assert.Equal(3, Registry.Calls.Count);
    }

    [Theory]
    [InlineData("</v2/team/app/tags/list?last=a>; rel=\"next\"")]
    [InlineData("<list?last=a>; rel=next")]
    [InlineData("</first>; rel=\"prev\", </v2/team/app/tags/list?last=a>; rel=\"next\"")]
    [InlineData("</first>; rel=\"prev\"\n</v2/team/app/tags/list?last=a>; rel=\"next\"")]
    [InlineData("</v2/team/app/tags/list?last=a>; title=\"x\"; rel=\"next\", </last>; rel=\"last\"")]
    public async Task The_next_page_is_found_among_links(string link)
    {
        Registry.Intercept = call => call.Parameter("last") is null
            ? SiteAnswer.Text("""{"tags":["a"]}""").With("Link", link)
            : SiteAnswer.Text("""{"tags":["b"]}""");

        Assert.Equal("a b", await TagsAsync());
    }

    [Fact]
    public async Task A_page_that_names_itself_as_the_next_is_the_last()
    {
        Registry.Intercept = call => SiteAnswer.Text("""{"tags":["a"]}""").With("Link", $"<{call.Path}?{call.Query}>; rel=\"next\"");

        Assert.Equal("a", await TagsAsync());
    }

    [Fact]
    public async Task Pages_that_go_in_circles_end()
    {
        Registry.Intercept = call => SiteAnswer.Text("""{"tags":["a"]}""").With("Link", $"<?n={call.Number}>; rel=\"next\"");

        Assert.Equal(ErrorKind.Unavailable, (await FailureAsync(TagsAsync)).Kind);
    }

    [Theory]
    [InlineData("""{"tags":null}""")]
    [InlineData("{}")]
    public async Task No_tags_are_none(string page)
    {
        Registry.Intercept = _ => SiteAnswer.Text(page);

        Assert.Equal("", await TagsAsync());
    }

    [Fact]
    public async Task What_cannot_be_a_tag_is_passed_over()
    {
        Registry.Intercept = _ => SiteAnswer.Text("""{"tags":["ok",null,"not ok","../../etc","\u001b[2J",""]}""");

        Assert.Equal("ok", await TagsAsync());
    }

    [Theory]
    [InlineData("[]", 200, ErrorKind.Unavailable)]
    [InlineData("{}", 404, ErrorKind.NotFound)]
    [InlineData("{}", 403, ErrorKind.AccessDenied)]
    public async Task A_list_that_does_not_come_is_a_failure(string page, int status, ErrorKind kind)
    {
        Registry.Intercept = _ => SiteAnswer.Text(page, status);

        Assert.Equal(kind, (await FailureAsync(TagsAsync)).Kind);
    }

    private async Task<string> TagsAsync()
    {
        List<string> tags = [];
        await foreach (var tag in Repository.TagsAsync(Ct))
        {
            tags.Add(tag);
        }

        return string.Join(' ', tags);
    }
}
