using Hyperkube.Oci.Content;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Tests.Fixtures;

namespace Hyperkube.Oci.Tests.Content;

public sealed class ContentCopierTests
{
    private readonly MemoryStore _source = new();
    private readonly MemoryStore _destination = new();
    private readonly SampleImage _image;

    public ContentCopierTests() => _image = new SampleImage(_source);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task All_of_an_image_is_copied_once_children_first_and_the_root_last()
    {
        await CopyAsync(_image.Root);

        var order = _destination.Put.Select(content => content.Digest).ToList();
        Assert.Equal(_image.All.Count(), order.Count);
        Assert.All(_image.All, content => Assert.Single(order, content.Digest));
        Assert.Equal(_image.Root.Digest, order[^1]);
        Assert.All(_image.Images, image => Assert.All(
            OciJson.Children(image.Manifest.Descriptor, image.Manifest.Content.Span),
            child => Assert.True(order.IndexOf(child.Digest) < order.IndexOf(image.Manifest.Descriptor.Digest))));
    }

    [Fact]
    public async Task A_layer_of_two_images_is_there_before_either_of_them()
    {
        // The shared layer is held back until everything that does not need it, two configs and two layers, is on its way.
        TaskCompletionSource others = new();
        var begun = 0;
        _destination.BeforePut = async (content, token) =>
        {
            if (content.Digest == _image.Shared.Digest)
            {
                await others.Task.WaitAsync(TimeSpan.FromSeconds(30), token);
            }
            else if (Interlocked.Increment(ref begun) == 4)
            {
                others.SetResult();
            }
        };

        await CopyAsync(_image.Root);

        var order = _destination.Put.Select(content => content.Digest).ToList();
        Assert.Single(order, _image.Shared.Digest);
        Assert.All(_image.Manifests, manifest => Assert.True(order.IndexOf(_image.Shared.Digest) < order.IndexOf(manifest.Digest)));
    }

    [Fact]
    public async Task What_is_there_is_neither_opened_nor_put()
    {
        await CopyAsync(_image.Root);
        var opened = _source.Opened.Count;

        await new ContentCopier(_source, _destination).CopyAsync(_image.Root, Ct);

        Assert.Equal(_image.All.Count(), _destination.Put.Count);
        Assert.All(_source.Opened.Skip(opened), content => Assert.DoesNotContain(content, _image.Own));
    }

    [Fact]
    public async Task A_child_that_is_missing_behind_a_present_index_is_noticed_and_sent()
    {
        await CopyAsync(_image.Root);
        _destination.Remove(_image.Own[0]);

        await new ContentCopier(_source, _destination).CopyAsync(_image.Root, Ct);

        Assert.True(_destination.Holds(_image.Own[0]));
        Assert.Equal(_image.Own[0].Digest, _destination.Put[^1].Digest);
    }

    [Fact]
    public async Task A_child_that_fails_fails_the_copy_and_nothing_above_it_is_put()
    {
        IOException fault = new("no space");
        _destination.BeforePut = (content, _) => content.Digest == _image.Own[0].Digest ? throw fault : Task.CompletedTask;

        var error = await Record.ExceptionAsync(() => CopyAsync(_image.Root));

        Assert.Same(fault, error);
        Assert.DoesNotContain(_destination.Put, content => content.Digest == _image.Manifests.First().Digest);
        Assert.DoesNotContain(_destination.Put, content => content.Digest == _image.Root.Digest);
    }

    // The one that fails because it was ended stands earlier in the list of children.
    [Fact]
    public async Task The_first_failure_ends_the_rest_and_is_the_one_that_is_thrown()
    {
        IOException fault = new("no space");
        _destination.BeforePut = async (content, token) =>
        {
            if (content.Digest == _image.Own[1].Digest)
            {
                throw fault;
            }

            if (content.Digest == _image.Own[0].Digest)
            {
                await Task.Delay(Timeout.Infinite, token).ContinueWith(
                    _ => throw new IOException("the pipe broke because the copy ended"), TaskScheduler.Default);
            }
        };

        Assert.Same(fault, await Record.ExceptionAsync(() => CopyAsync(_image.Root)));
    }

    [Fact]
    public async Task A_copy_that_failed_ends_when_nothing_of_it_is_running()
    {
        TaskCompletionSource begun = new();
        TaskCompletionSource gate = new();
        _destination.BeforePut = async (content, _) =>
        {
            if (content.Digest == _image.Own[0].Digest)
            {
                await begun.Task;
                throw new IOException("no space");
            }

            if (content.Digest == _image.Own[1].Digest)
            {
                begun.SetResult();
                await gate.Task;
            }
        };

        var copy = CopyAsync(_image.Root);
        await begun.Task.WaitAsync(Ct);

        Assert.False(copy.IsCompleted);
        gate.SetResult();
        await Assert.ThrowsAsync<IOException>(() => copy);
        Assert.Equal((0, 0), (_source.Active, _destination.Active));
    }

    [Fact]
    public async Task A_child_that_the_source_misses_fails_the_copy()
    {
        _source.Remove(_image.Own[1]);

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => CopyAsync(_image.Root));

        Assert.Equal(ErrorKind.NotFound, error.Kind);
        Assert.DoesNotContain(_destination.Put, content => content.Digest == _image.Root.Digest);
    }

    [Fact]
    public async Task A_cancelled_copy_ends_and_leaves_nothing_running()
    {
        using CancellationTokenSource interrupted = new();
        _destination.BeforePut = async (_, _) =>
        {
            await interrupted.CancelAsync();
            interrupted.Token.ThrowIfCancellationRequested();
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new ContentCopier(_source, _destination).CopyAsync(_image.Root, interrupted.Token));

        Assert.Empty(_destination.Put);
        Assert.Equal((0, 0), (_source.Active, _destination.Active));
    }

    [Fact]
    public async Task Small_things_do_not_wait_behind_large_ones()
    {
        TaskCompletionSource gate = new();
        var large = Enumerable.Range(0, 4).Select(i => _source.Add(Sample.Bytes(400_000, (uint)i), MediaTypes.GzipLayer)).ToList();
        var small = _source.Add(Sample.Bytes(10), MediaTypes.GzipLayer);
        var manifest = _source.Add(
            OciJson.Write(new ImageManifest { Config = small with { MediaType = MediaTypes.Config }, Layers = [.. large, small] }),
            MediaTypes.Manifest);
        _destination.BeforePut = (content, token) =>
        {
            _ = content.Digest == small.Digest && gate.TrySetResult();
            return large.Contains(content) ? gate.Task.WaitAsync(TimeSpan.FromSeconds(30), token) : Task.CompletedTask;
        };

        await CopyAsync(manifest);

        Assert.True(_destination.Holds(manifest));
    }

    [Fact]
    public async Task A_single_blob_is_copied_as_it_is()
    {
        await CopyAsync(_image.Shared);

        Assert.Equal([_image.Shared], _destination.Put);
    }

    [Fact]
    public async Task An_index_of_indexes_is_copied_whole()
    {
        var outer = _source.Add(
            OciJson.Write(new ImageIndex { MediaType = MediaTypes.Index, Manifests = [_image.Root] }), MediaTypes.Index);

        await CopyAsync(outer);

        Assert.Equal([_image.Root.Digest, outer.Digest], _destination.Put.TakeLast(2).Select(content => content.Digest));
    }

    // A foreign index may name the same digest twice, once in words that hide its children.
    [Fact]
    public async Task A_manifest_that_is_also_named_as_bytes_is_copied_with_its_children()
    {
        var manifest = _image.Manifests.First();
        var odd = _source.Add(
            OciJson.Write(new ImageIndex
            {
                MediaType = MediaTypes.Index,
                Manifests = [manifest with { MediaType = MediaTypes.Bytes }, manifest],
            }),
            MediaTypes.Index);

        await CopyAsync(odd);

        Assert.True(_destination.Holds(_image.Own[0]));
    }

    // Each holds up to 4 MiB and a connection, and a stranger's index can name thousands.
    [Fact]
    public async Task Documents_are_not_all_read_at_once()
    {
        SampleImage large = new(_source, seed: 1, [.. Enumerable.Range(0, 40).Select(i => $"linux/a{i}")]);
        _source.BeforeOpen = async (_, _) =>
        {
            for (var i = 0; i < 200; i++)
            {
                await Task.Yield();
            }
        };

        await CopyAsync(large.Root);

        Assert.InRange(_source.MostActive, 1, 16);
    }

    private Task CopyAsync(Descriptor root) => new ContentCopier(_source, _destination).CopyAsync(root, Ct);
}
