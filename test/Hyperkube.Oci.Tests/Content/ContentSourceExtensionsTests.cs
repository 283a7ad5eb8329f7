using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Tests.Fixtures;

namespace Hyperkube.Oci.Tests.Content;

public sealed class ContentSourceExtensionsTests
{
    private readonly MemoryStore _source = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_document_is_read_whole()
    {
        var content = Sample.Bytes(200_000);

        Assert.Equal(Digest.Of(content), Digest.Of(await _source.ReadDocumentAsync(_source.Add(content), Ct)));
    }

    [Fact]
    public async Task A_document_that_says_it_is_larger_than_any_may_be_is_not_even_opened()
    {
        var large = _source.Add([]) with { Size = OciJson.MaxDocumentBytes + 1L };

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => _source.ReadDocumentAsync(large, Ct));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Empty(_source.Opened);
    }

    [Fact]
    public async Task A_document_of_another_size_than_it_says_is_refused()
    {
        var wrong = _source.Add(Sample.Bytes(100)) with { Size = 99 };

        await Assert.ThrowsAsync<DigestMismatchException>(() => _source.ReadDocumentAsync(wrong, Ct));
    }
}
