using Hyperkube.Oci.Registry;
using Hyperkube.Oci.Registry.Credentials;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class CredentialChainTests : IDisposable
{
    private static readonly Credential Bob = new Credential.Login("bob", "s3cret");

    private readonly TempDirectory _directory = new();
    private readonly List<string> _warnings = [];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task The_first_place_that_has_one_decides_and_later_ones_are_not_asked()
    {
        Place first = new("first", new(null, "no entry")), second = new("second", new(Bob, "entry")), third = new("third", new(Bob, "x"));

        var answer = await Chain(first, second, third).FindAsync("r.io", "repo", Ct);

        Assert.Equal(new CredentialAnswer(Bob, "second: entry"), answer);
        Assert.Equal((1, 1, 0), (first.Asked, second.Asked, third.Asked));
    }

    [Fact]
    public async Task Where_no_place_has_one_there_is_none() =>
        Assert.Equal(new CredentialAnswer(null, "no login in any place"), await Chain().FindAsync("r.io", "repo", Ct));

    [Fact]
    public async Task An_image_is_searched_for_once_until_it_is_forgotten()
    {
        Place place = new("place", new(Bob, "entry"));
        var chain = Chain(place);

        await chain.FindAsync("docker.io", "a", Ct);
        await chain.FindAsync("registry-1.docker.io", "a", Ct);
        Assert.Equal(1, place.Asked);
        await chain.FindAsync("docker.io", "b", Ct);
        Assert.Equal(2, place.Asked);
        chain.Forget("index.docker.io", "a");
        await chain.FindAsync("docker.io", "a", Ct);

        Assert.Equal(3, place.Asked);
    }

    [Fact]
    public async Task Many_who_ask_at_once_share_one_search()
    {
        Place place = new("place", new(Bob, "entry")) { Gate = new() };
        var chain = Chain(place);
        var asking = Enumerable.Range(0, 50).Select(_ => chain.FindAsync("r.io", "repo", Ct).AsTask()).ToArray();

        place.Gate.SetResult();

        Assert.All(await Task.WhenAll(asking), answer => Assert.Equal(Bob, answer.Credential));
        Assert.Equal(1, place.Asked);
    }

    [Fact]
    public async Task Who_gives_up_does_not_take_the_search_from_the_others()
    {
        using CancellationTokenSource impatient = new();
        Place place = new("place", new(Bob, "entry")) { Gate = new() };
        var chain = Chain(place);
        var first = chain.FindAsync("r.io", "repo", impatient.Token).AsTask();
        var second = chain.FindAsync("r.io", "repo", Ct).AsTask();

        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        place.Gate.SetResult();

        Assert.Equal(Bob, (await second).Credential);
        Assert.Equal((1, false), (place.Asked, place.Stop.IsCancellationRequested));
    }

    [Fact]
    public async Task When_all_give_up_the_search_ends_and_the_next_one_starts_anew()
    {
        using CancellationTokenSource impatient = new();
        Place place = new("place", new(Bob, "entry")) { Gate = new() };
        var chain = Chain(place);
        var first = chain.FindAsync("r.io", "repo", impatient.Token).AsTask();

        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);

        Assert.True(place.Stop.IsCancellationRequested);
        place.Gate.SetResult();
        Assert.Equal(Bob, (await chain.FindAsync("r.io", "repo", Ct)).Credential);
        Assert.Equal(2, place.Asked);
    }

    [Fact]
    public async Task A_search_that_failed_is_tried_again()
    {
        Place place = new("place", new(Bob, "entry")) { Error = new HyperkubeException(ErrorKind.AccessDenied, "helper") };
        var chain = Chain(place);
        Assert.Same(place.Error, await Assert.ThrowsAsync<HyperkubeException>(() => chain.FindAsync("r.io", "repo", Ct).AsTask()));

        place.Error = null;

        Assert.Equal(Bob, (await chain.FindAsync("r.io", "repo", Ct)).Credential);
    }

    [Fact]
    public async Task Each_problem_is_told_once()
    {
        var chain = Chain(
            new Place("place", new(null, "no helper", IsProblem: true)), new Place("other", new(Bob, "half", IsProblem: true)));

        await chain.FindAsync("r.io", "a", Ct);
        var answer = await chain.FindAsync("r.io", "b", Ct);

        Assert.Equal(["place: no helper", "other: half"], _warnings);
        Assert.False(answer.IsProblem);
    }

    [Fact]
    public void The_places_are_in_the_promised_order()
    {
        var chain = Default(
            [("REGISTRY_AUTH_FILE", "/named/auth.json"), ("DOCKER_CONFIG", "/docker"), ("XDG_RUNTIME_DIR", "/run/user/1000")],
            home: "/home/bob", authFile: "/option/auth.json", providers: "/etc/providers.yaml");

        Assert.Equal(
            [
                "/option/auth.json", "environment", "/named/auth.json", "/docker/config.json", "/home/bob/.docker/config.json",
                "/run/user/1000/containers/auth.json", "/run/containers/0/auth.json", "/var/lib/kubelet/config.json", "/etc/providers.yaml",
            ],
            chain.Sources.Select(s => s.Name).ToArray());
    }

    [Fact]
    public void Without_variables_and_options_the_usual_places_stay_each_once()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

        Assert.Equal(
            ["environment", $"{home}/.docker/config.json", "/run/containers/0/auth.json", "/var/lib/kubelet/config.json"],
            Default([("DOCKER_CONFIG", $"{home}/.docker"), ("REGISTRY_AUTH_FILE", "")]).Sources.Select(s => s.Name).ToArray());
    }

    [Fact]
    public async Task A_host_below_another_root_has_its_own_files()
    {
        Directory.CreateDirectory(_directory["root/var/lib/kubelet"]);
        await File.WriteAllTextAsync(
            _directory["root/var/lib/kubelet/config.json"], """{"auths":{"*.io":{"username":"bob","password":"s3cret"}}}""", Ct);

        var answer = await Default([], home: _directory.Path, root: _directory["root"]).FindAsync("r.io", "repo", Ct);

        Assert.Equal(new CredentialAnswer(Bob, $"{_directory["root/var/lib/kubelet/config.json"]}: entry '*.io'"), answer);
        Assert.Empty(_warnings);
    }

    [Theory]
    [InlineData("missing.json", null)]
    [InlineData(null, "missing.json")]
    public async Task A_file_that_was_named_must_be_there(string? option, string? variable)
    {
        var chain = Default(
            [("REGISTRY_AUTH_FILE", variable is null ? null : _directory[variable])],
            home: _directory.Path, authFile: option is null ? null : _directory[option]);

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => chain.FindAsync("r.io", "repo", Ct).AsTask());

        Assert.Equal(ErrorKind.Usage, error.Kind);
    }

    [Fact]
    public void Providers_need_both_options() =>
        Assert.Equal(ErrorKind.Usage, Assert.Throws<HyperkubeException>(() =>
            CredentialChain.Default(_ => null, null, null, "/etc/providers.yaml", null, _warnings.Add)).Kind);

    [Theory]
    [InlineData("r.io", "bob", "s3cret", "r.io", true, false)]
    [InlineData("R.io:5000", "bob", "s3cret", "r.io:5000", true, false)]
    [InlineData("docker.io", "bob", "s3cret", "registry-1.docker.io", true, false)]
    [InlineData("r.io", "bob", "s3cret", "other.io", false, false)]
    [InlineData("r.io", "bob", "s3cret", "r.io:5000", false, false)]
    [InlineData(null, null, null, "r.io", false, false)]
    [InlineData("", "", "", "r.io", false, false)]
    [InlineData(null, "bob", "s3cret", "r.io", false, true)]
    [InlineData("r.io", "bob", "", "r.io", false, true)]
    [InlineData("r.io", null, null, "r.io", false, true)]
    public async Task A_login_of_the_environment_is_for_its_host(
        string? forHost, string? user, string? password, string host, bool isFound, bool isProblem)
    {
        EnvironmentLogin login = new(name => name switch
        {
            EnvironmentLogin.HostVariable => forHost,
            EnvironmentLogin.UserVariable => user,
            _ => password,
        });

        var answer = await login.FindAsync(host, "repo", Ct);

        Assert.Equal((isFound ? Bob : null, isProblem), (answer.Credential, answer.IsProblem));
        Assert.DoesNotContain("s3cret", answer.ToString(), StringComparison.Ordinal);
    }

    private CredentialChain Chain(params ICredentialSource[] places) => new(places, _warnings.Add);

    private CredentialChain Default(
        (string Name, string? Value)[] variables, string? home = null, string? authFile = null, string? providers = null,
        string root = "/") =>
        CredentialChain.Default(
            name => variables.FirstOrDefault(v => v.Name == name).Value, home, authFile, providers,
            providers is null ? null : "/opt/bin", _warnings.Add, root: root);

    private sealed class Place(string name, CredentialAnswer answer) : ICredentialSource
    {
        private int _asked;

        public string Name => name;

        public int Asked => _asked;

        public TaskCompletionSource? Gate { get; init; }

        public HyperkubeException? Error { get; set; }

        public CancellationToken Stop { get; private set; }

        public async ValueTask<CredentialAnswer> FindAsync(string host, string repository, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _asked);
            Stop = cancellationToken;
            await (Gate?.Task ?? Task.CompletedTask).WaitAsync(cancellationToken);
            return Error is null ? answer : throw Error;
        }
    }
}
