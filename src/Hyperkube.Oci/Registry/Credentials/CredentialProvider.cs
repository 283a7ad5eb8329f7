using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Registry.Credentials;

/// <summary>One provider: a program that is asked for the logins of an image, and whose answers hold for a while.</summary>
/// <param name="config">Which.</param>
/// <param name="directory">Where its program is.</param>
/// <param name="time">Measures how long it takes, and how long answers hold.</param>
/// <remarks>
/// Source: https://github.com/kubernetes/kubernetes/blob/v1.35.0/pkg/credentialprovider/plugin/plugin.go
/// </remarks>
internal sealed class CredentialProvider(ProviderConfig config, string directory, TimeProvider time)
{
    /// <summary>No image and no host is called so.</summary>
    private const string GlobalKey = "*";

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (IReadOnlyDictionary<string, ProviderAuth?> Auth, DateTimeOffset Until)> _cache =
        new(StringComparer.Ordinal);

    /// <summary>For a person.</summary>
    public string Name => config.Name;

    /// <summary>Whether it is asked for an image.</summary>
    /// <param name="image">Host and repository.</param>
    public bool IsFor(string image) => config.Patterns.Any(pattern => pattern.Matches(image));

    /// <summary>The logins that it hands out for an image, by pattern; or why there are none.</summary>
    public async Task<(IReadOnlyDictionary<string, ProviderAuth?>? Auth, string? Problem)> AskAsync(
        string image, CancellationToken cancellationToken)
    {
        if (config.NeedsServiceAccount)
        {
            return (null, "skipped, for it needs the token of a pod's service account");
        }

        var registry = image[..image.IndexOf('/', StringComparison.Ordinal)];
        if ((Cached(image) ?? Cached(registry) ?? Cached(GlobalKey)) is { } cached)
        {
            return (cached, null);
        }

        ChildProgram program = new(Path.GetFullPath(Path.Combine(directory, config.Name)), config.Arguments, config.Variables);
        if (!ChildProgram.IsProgram(program.Path))
        {
            return (null, $"{program.Path} is not there, or no program");
        }

        var answer = await program.AskAsync(ProviderApi.Request(config.ApiVersion, image), time, cancellationToken).ConfigureAwait(false);
        if (answer.Failure is { } failure)
        {
            return (null, $"{program.Path} {failure}");
        }

        if (answer.ExitCode != 0)
        {
            var said = answer.Errors.Length > 0 ? $", saying '{answer.Errors}'" : "";
            return (null, $"{program.Path} ended with code {answer.ExitCode}{said}");
        }

        return Read(answer.Output, image, registry) is { } auth
            ? (auth, null)
            : (null, $"{program.Path} did not answer with a {ProviderApi.ResponseKind} of {config.ApiVersion}");
    }

    // Null if it cannot be understood; then nothing is kept of it.
    private IReadOnlyDictionary<string, ProviderAuth?>? Read(ReadOnlyMemory<byte> output, string image, string registry)
    {
        if (ProviderApi.Response(output.Span) is not { Kind: ProviderApi.ResponseKind } response
            || response.ApiVersion != config.ApiVersion)
        {
            return null;
        }

        var key = response.CacheKeyType switch
        {
            "Image" => image,
            "Registry" => registry,
            "Global" => GlobalKey,
            _ => null,
        };
        var duration = response.CacheDuration is null ? config.DefaultCacheDuration : GoDuration.TryParse(response.CacheDuration);
        if (key is null || duration is null)
        {
            return null;
        }

        IReadOnlyDictionary<string, ProviderAuth?> auth = response.Auth ?? [];
        if (duration > TimeSpan.Zero)
        {
            var now = time.GetUtcNow();
            lock (_lock)
            {
                _cache[key] = (auth, duration < DateTimeOffset.MaxValue - now ? now + duration.Value : DateTimeOffset.MaxValue);
            }
        }

        return auth;
    }

    private IReadOnlyDictionary<string, ProviderAuth?>? Cached(string key)
    {
        lock (_lock)
        {
            return _cache.TryGetValue(key, out var entry) && time.GetUtcNow() <= entry.Until ? entry.Auth : null;
        }
    }
}
