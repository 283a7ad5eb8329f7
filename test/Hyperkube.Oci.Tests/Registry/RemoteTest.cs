using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Http;
using Hyperkube.Oci.Registry;
using Hyperkube.Oci.Tests.Fixtures;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

/// <summary>A client and a registry for it. Waits between tries are short; every test ends within a minute.</summary>
[SuppressMessage("Maintainability", "CA1515:Consider making public types internal", Justification = "The base of public tests.")]
public abstract class RemoteTest : IAsyncDisposable
{
    protected const string Repo = "team/app";

    private readonly CancellationTokenSource _end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private readonly ConcurrentQueue<string> _warnings = [];
    private readonly ConcurrentBag<IAsyncDisposable> _registries = [];
    private RegistryClient? _client;

    protected RemoteTest()
    {
        _end.CancelAfter(TimeSpan.FromSeconds(60));
        Registry = Start();
        Options = new RegistryOptions
        {
            Credentials = new Logins(this),
            Proxy = new EnvironmentProxy(_ => null),
            Warn = _warnings.Enqueue,
            Retry = new RetryPolicy { FirstDelay = TimeSpan.FromMilliseconds(1), MaxDelay = TimeSpan.FromMilliseconds(2) },
        };
    }

    protected TestRegistry Registry { get; }

    /// <summary>Changed before the first use of <see cref="Client"/>.</summary>
    protected RegistryOptions Options { get; set; }

    protected Credential? Login { get; set; }

    protected RegistryClient Client => _client ??= new RegistryClient(Options);

    protected RemoteRepository Repository => Client.Repository(Repo, [HostOf(Registry)]);

    protected IReadOnlyList<string> Warnings => [.. _warnings];

    protected string Methods => string.Join(' ', Registry.Calls.Select(c => c.Method));

    protected CancellationToken Ct => _end.Token;

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        foreach (var registry in _registries)
        {
            await registry.DisposeAsync();
        }

        _end.Dispose();
        GC.SuppressFinalize(this);
    }

    protected TestRegistry Start(TestAuthority? authority = null)
    {
        TestRegistry registry = new(authority?.Certificate);
        _registries.Add(registry);
        return registry;
    }

    protected static RegistryHost HostOf(TestRegistry registry) => new() { Root = registry.Root };

    /// <summary>The repository at several hosts, the last of which is the registry itself.</summary>
    protected RemoteRepository At(params TestRegistry[] hosts) => Client.Repository(Repo, [.. hosts.Select(HostOf)]);

    protected Descriptor AddBlob(byte[] content, params TestRegistry[] registries)
    {
        foreach (var registry in registries.DefaultIfEmpty(Registry))
        {
            registry.AddBlob(Repo, content);
        }

        return Sample.Describe(content);
    }

    /// <summary>A small index, under a tag.</summary>
    protected static Descriptor AddIndex(TestRegistry registry, string? tag = null, string annotation = "one")
    {
        var index = System.Text.Encoding.UTF8.GetBytes(
            $$$"""{"schemaVersion":2,"mediaType":"{{{MediaTypes.Index}}}","manifests":[],"annotations":{"is":"{{{annotation}}}"}}""");
        registry.AddManifest(Repo, index, MediaTypes.Index, tag is null ? [] : [tag]);
        return Sample.Describe(index, MediaTypes.Index);
    }

    protected async Task<byte[]> ReadAsync(RemoteRepository repository, Descriptor content)
    {
        await using var stream = await repository.OpenAsync(content, Ct);
        return await Unpack.AllAsync(stream, Ct);
    }

    protected Task PutAsync(RemoteRepository repository, byte[] content) => PutAsync(repository, content, Sample.Describe(content));

    protected async Task PutAsync(RemoteRepository repository, byte[] content, Descriptor descriptor) =>
        await repository.PutAsync(descriptor, Opener(content), Ct);

    protected static OpenContent Opener(byte[] content) =>
        (offset, _) => ValueTask.FromResult<Stream>(new MemoryStream(content, writable: false) { Position = offset });

    protected async Task<HyperkubeException> FailureAsync(Func<Task> act)
    {
        var failure = await Assert.ThrowsAnyAsync<HyperkubeException>(act);
        Assert.False(Ct.IsCancellationRequested, "it took a minute");
        return failure;
    }

    private sealed class Logins(RemoteTest test) : ICredentialSource
    {
        public string Name => "test";

        public ValueTask<CredentialAnswer> FindAsync(string host, string repository, CancellationToken cancellationToken) =>
            ValueTask.FromResult(new CredentialAnswer(test.Login, "test"));
    }
}
