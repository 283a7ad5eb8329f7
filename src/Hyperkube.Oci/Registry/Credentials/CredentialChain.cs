namespace Hyperkube.Oci.Registry.Credentials;

/// <summary>All places where a login may be found, in their order: the first that has one decides.</summary>
/// <remarks>
/// What was found, or that there is nothing, is kept per image until <see cref="Forget"/>; failures are not. Many tasks may
/// ask at once: an image is searched for once, and the search ends when nobody waits for it any more.
/// </remarks>
/// <param name="sources">The places.</param>
/// <param name="warn">Hears of each problem once.</param>
public sealed class CredentialChain(IReadOnlyList<ICredentialSource> sources, Action<string> warn) : ICredentialSource
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Host, string Repository), Search> _searches = [];
    private readonly HashSet<string> _warned = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public string Name => "credentials";

    /// <summary>The places, so that each can be asked what it has.</summary>
    public IReadOnlyList<ICredentialSource> Sources => sources;

    /// <summary>The places where tools of this field keep logins, and the options of this one.</summary>
    /// <remarks>Nothing is read before a login is wanted. Files that are named are asked for once even if named twice.</remarks>
    /// <param name="variable">The value of an environment variable, or null.</param>
    /// <param name="home">The user's directory; null for the one of HOME, or else of the user's account.</param>
    /// <param name="authFile">A file that the user named, or null.</param>
    /// <param name="providerConfig">The configuration of credential providers, or null.</param>
    /// <param name="providerBinDirectory">Where their programs are; both or none.</param>
    /// <param name="warn">Hears of each problem once.</param>
    /// <param name="time">Measures how long programs take; null for the system's.</param>
    /// <param name="root">Below which the host's own files are.</param>
    /// <exception cref="HyperkubeException">One of two options that belong together (<see cref="ErrorKind.Usage"/>).</exception>
    public static CredentialChain Default(
        Func<string, string?> variable,
        string? home,
        string? authFile,
        string? providerConfig,
        string? providerBinDirectory,
        Action<string> warn,
        TimeProvider? time = null,
        string root = "/")
    {
        if (string.IsNullOrEmpty(providerConfig) != string.IsNullOrEmpty(providerBinDirectory))
        {
            throw new HyperkubeException(
                ErrorKind.Usage, "--credential-provider-config and --credential-provider-bin-dir: one of them; expected both or none");
        }

        time ??= TimeProvider.System;
        List<ICredentialSource> sources = [];
        void AddFile(string? directory, string name, bool isExplicit = false)
        {
            var path = string.IsNullOrEmpty(directory) ? "" : Path.Combine(directory, name);
            if (path.Length > 0 && sources.All(source => source.Name != path))
            {
                sources.Add(new DockerConfigFile(path, isExplicit, variable("PATH"), time));
            }
        }

        AddFile(authFile, "", isExplicit: true);
        sources.Add(new EnvironmentLogin(variable));
        AddFile(variable("REGISTRY_AUTH_FILE"), "", isExplicit: true);
        AddFile(variable("DOCKER_CONFIG"), "config.json");
        AddFile(home ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".docker/config.json");
        AddFile(variable("XDG_RUNTIME_DIR"), "containers/auth.json");
        AddFile(root, "run/containers/0/auth.json");
        AddFile(root, ProviderApi.NodeConfigPath);
        if (!string.IsNullOrEmpty(providerConfig))
        {
            sources.Add(new CredentialProviders(providerConfig, providerBinDirectory!, time));
        }

        return new CredentialChain(sources, warn);
    }

    /// <summary>Looks for the login of an image; says which place has it.</summary>
    /// <inheritdoc/>
    public async ValueTask<CredentialAnswer> FindAsync(string host, string repository, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var key = (RegistryKey.Canonical(host), repository);
        Search? search;
        var isFirst = false;
        lock (_lock)
        {
            if (!_searches.TryGetValue(key, out search))
            {
                isFirst = true;
                _searches[key] = search = new Search();
            }

            search.Waiting++;
        }

        if (isFirst)
        {
            search.Begin(stop => SearchAsync(key, stop)); // Outside of the lock: it reads files before it waits for anything.
        }

        try
        {
            return await search.Answer.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Leave(key, search);
        }
    }

    /// <summary>The next one who asks for an image's login starts anew: the registry has refused the one that was found.</summary>
    public void Forget(string host, string repository)
    {
        lock (_lock)
        {
            _searches.Remove((RegistryKey.Canonical(host), repository));
        }
    }

    private async Task<CredentialAnswer> SearchAsync((string Host, string Repository) key, CancellationToken cancellationToken)
    {
        foreach (var source in sources)
        {
            var answer = await source.FindAsync(key.Host, key.Repository, cancellationToken).ConfigureAwait(false);
            if (answer.IsProblem)
            {
                Warn($"{source.Name}: {answer.Says}");
            }

            if (answer.Credential is not null)
            {
                return answer with { Says = $"{source.Name}: {answer.Says}", IsProblem = false };
            }
        }

        return new CredentialAnswer(null, "no login in any place");
    }

    private void Warn(string problem)
    {
        lock (_lock)
        {
            if (!_warned.Add(problem))
            {
                return;
            }
        }

        warn(problem);
    }

    // The last one to leave puts the light out; a search that failed is not remembered.
    private void Leave((string Host, string Repository) key, Search search)
    {
        lock (_lock)
        {
            search.Waiting--;
            if (search.Waiting > 0)
            {
                return;
            }

            if (!search.Answer.IsCompletedSuccessfully && _searches.GetValueOrDefault(key) == search)
            {
                _searches.Remove(key);
            }
        }

        search.Dispose();
    }

    /// <summary>One search, and how many wait for it.</summary>
    private sealed class Search : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly TaskCompletionSource<CredentialAnswer> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Task? _running;

        public Task<CredentialAnswer> Answer => _answer.Task;

        /// <summary>Guarded by the chain's lock.</summary>
        public int Waiting { get; set; }

        public void Begin(Func<CancellationToken, Task<CredentialAnswer>> search) => _running = RunAsync(search);

        /// <summary>Ends the search if it still goes on; may be called again.</summary>
        public void Dispose()
        {
            if (!Answer.IsCompleted)
            {
                _stop.Cancel();
            }

            _stop.Dispose();
        }

        private async Task RunAsync(Func<CancellationToken, Task<CredentialAnswer>> search)
        {
            var task = search(_stop.Token);
            await ((Task)task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _answer.SetFromTask(task);
        }
    }
}
