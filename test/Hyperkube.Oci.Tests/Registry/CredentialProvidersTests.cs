using Hyperkube.Oci.Registry;
using Hyperkube.Oci.Registry.Credentials;
using Hyperkube.Oci.Tests.Fixtures;
using Microsoft.Extensions.Time.Testing;

namespace Hyperkube.Oci.Tests.Registry;

[Collection(Scripts.Collection)]
public sealed class CredentialProvidersTests : IDisposable
{
    private const string V1 = "credentialprovider.kubelet.k8s.io/v1";

    private readonly Scripts _scripts = new();
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _scripts.Dispose();

    [Fact]
    public async Task A_provider_gets_the_request_arguments_and_variables()
    {
        _scripts.Add(
            "one", $$"""cat > {{_scripts["asked"]}}; echo "|$*|$WHO|$HOME" >> {{_scripts["asked"]}}; """
            + $$$"""echo '{{{Response("""{"r.io":{"username":"bob","password":"s3cret"}}""")}}}'""");
        var providers = Providers(Provider("one", "r.io", "    args: [get, --v=3]\n    env: [{name: WHO, value: me}]\n"));

        var answer = await providers.FindAsync("r.io", "ns/repo", Ct);

        Assert.Equal(new CredentialAnswer(new Credential.Login("bob", "s3cret"), "provider one, entry 'r.io'"), answer);
        Assert.Equal(
            """{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1","image":"r.io/ns/repo"}"""
            + $"|get --v=3|me|{Environment.GetEnvironmentVariable("HOME")}\n", _scripts.Read("asked"));
        Assert.DoesNotContain("s3cret", answer.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_provider_for_other_images_is_not_asked()
    {
        var answer = await Providers(Provider("missing", "*.example.com")).FindAsync("r.io", "repo", Ct);

        Assert.Equal(new CredentialAnswer(null, "no provider for it"), answer);
    }

    [Fact]
    public async Task Docker_Hub_is_asked_for_by_the_name_of_its_images()
    {
        Answering("one", """{"https://index.docker.io/v1/":{"username":"bob","password":"x"}}""");

        Assert.NotNull((await Providers(Provider("one", "docker.io")).FindAsync("registry-1.docker.io", "library/nginx", Ct)).Credential);
    }

    [Theory]
    [InlineData("r.io", "r.io/ns", "r.io/ns")]
    [InlineData("*.io", "r.io", "r.io")]
    [InlineData("r.io/ns/repo", "r.io/ns", "r.io/ns/repo")]
    [InlineData("r.io/other", "*.io", "*.io")]
    [InlineData("https://r.io/v1/", "*.io", "r.io")]
    public async Task The_most_exact_pattern_counts(string one, string other, string expected)
    {
        Answering("one", $$$"""{"{{{one}}}":{"username":"a","password":"x"},"{{{other}}}":{"username":"b","password":"x"}}""");

        var answer = await Providers(Provider("one", "r.io")).FindAsync("r.io", "ns/repo", Ct);

        Assert.Equal($"provider one, entry '{expected}'", answer.Says);
    }

    [Fact]
    public async Task Of_two_providers_the_earlier_counts_under_the_same_pattern()
    {
        Answering("one", """{"r.io":{"username":"one","password":"x"}}""");
        Answering("two", """{"r.io":{"username":"two","password":"x"},"r.io/deep":{"username":"deep","password":"x"}}""");
        var providers = Providers(Provider("one", "r.io") + Provider("two", "r.io"));

        Assert.Equal(new Credential.Login("one", "x"), (await providers.FindAsync("r.io", "repo", Ct)).Credential);
        Assert.Equal(new Credential.Login("deep", "x"), (await providers.FindAsync("r.io", "deep/repo", Ct)).Credential);
    }

    [Theory]
    [InlineData("Image", "1h", 2, 3)]
    [InlineData("Registry", "1h", 1, 2)]
    [InlineData("Global", "1h", 1, 1)]
    [InlineData("Global", "0s", 4, 6)]
    [InlineData("Global", "-1s", 4, 6)]
    [InlineData("Global", null, 1, 1)]
    public async Task Answers_are_kept_as_they_say(string type, string? duration, int ofOneHost, int ofTwo)
    {
        Answering("one", "{}", type, duration);
        var providers = Providers(Provider("one", "*.io"));

        foreach (var repository in (string[])["a", "b", "a", "b"])
        {
            await providers.FindAsync("r.io", repository, Ct);
        }

        Assert.Equal(ofOneHost, _scripts.LinesOf("one.asked"));
        await providers.FindAsync("other.io", "a", Ct);
        await providers.FindAsync("other.io", "a", Ct);
        Assert.Equal(ofTwo, _scripts.LinesOf("one.asked"));
    }

    [Theory]
    [InlineData("30m", 30)]
    [InlineData(null, 10)] // The configuration's default.
    public async Task And_no_longer(string? duration, int minutes)
    {
        Answering("one", "{}", "Registry", duration);
        var providers = Providers(Provider("one", "r.io"));
        await providers.FindAsync("r.io", "a", Ct);

        _time.Advance(TimeSpan.FromMinutes(minutes) - TimeSpan.FromSeconds(1));
        await providers.FindAsync("r.io", "a", Ct);
        Assert.Equal(1, _scripts.LinesOf("one.asked"));
        _time.Advance(TimeSpan.FromSeconds(2));
        await providers.FindAsync("r.io", "a", Ct);

        Assert.Equal(2, _scripts.LinesOf("one.asked"));
    }

    [Theory]
    [InlineData("exit 4", "code 4")]
    [InlineData("echo boom >&2; exit 1", "saying 'boom'")]
    [InlineData("echo s3cret", "did not answer with a CredentialProviderResponse of " + V1)]
    [InlineData("""echo '{"kind":"CredentialProviderResponse","apiVersion":"v1","cacheKeyType":"Image"}'""", "did not answer")]
    [InlineData("""echo '{"kind":"Other","apiVersion":"credentialprovider.kubelet.k8s.io/v1","cacheKeyType":"Image"}'""", "did not answer")]
    [InlineData(
        """echo '{"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1","cacheKeyType":"x"}'""",
        "did not answer")]
    [InlineData("""echo '{"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1"}'""", "did not answer")]
    [InlineData(
        """echo '{"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1","cacheKeyType":"Image","":1}'""",
        "did not answer")]
    [InlineData("exec yes", "says more than")]
    public async Task A_provider_that_fails_is_a_problem_and_the_next_one_answers(string script, string expected)
    {
        _scripts.Add("one", script);
        Answering("two", """{"r.io":{"username":"two","password":"x"}}""");

        var alone = await Providers(Provider("one", "r.io")).FindAsync("r.io", "repo", Ct);
        var both = await Providers(Provider("one", "r.io") + Provider("two", "r.io")).FindAsync("r.io", "repo", Ct);

        Assert.Equal((null, true), (alone.Credential, alone.IsProblem));
        Assert.Contains(expected, alone.Says, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", alone.Says, StringComparison.Ordinal);
        Assert.Equal((new Credential.Login("two", "x"), true), (both.Credential, both.IsProblem));
        Assert.Contains("provider one: ", both.Says, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_provider_that_is_not_there_is_a_problem() =>
        Assert.Contains(
            "is not there", (await Providers(Provider("missing", "r.io")).FindAsync("r.io", "repo", Ct)).Says, StringComparison.Ordinal);

    [Fact]
    public async Task A_provider_that_needs_a_pods_account_is_skipped_aloud()
    {
        var answer = await Providers(Provider(
            "one", "r.io", "    tokenAttributes: {serviceAccountTokenAudience: x, requireServiceAccount: true, cacheType: Token}\n"))
            .FindAsync("r.io", "repo", Ct);

        Assert.Equal(
            new CredentialAnswer(null, "provider one: skipped, for it needs the token of a pod's service account", IsProblem: true),
            answer);
    }

    [Fact]
    public async Task A_provider_that_hangs_is_ended_after_a_minute()
    {
        _scripts.Add("one", "exec sleep 1000");
        var finding = Providers(Provider("one", "r.io")).FindAsync("r.io", "repo", Ct).AsTask();

        _time.Advance(TimeSpan.FromSeconds(61));

        Assert.Contains(
            "has not answered within 60 s", (await finding.WaitAsync(TimeSpan.FromSeconds(30), Ct)).Says, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_configuration_is_read_when_a_login_is_wanted()
    {
        CredentialProviders providers = new(_scripts["missing.yaml"], _scripts.Path, _time);

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => providers.FindAsync("r.io", "repo", Ct).AsTask());

        Assert.Equal((ErrorKind.Usage, true), (error.Kind, error.Message.Contains("missing.yaml", StringComparison.Ordinal)));
    }

    private static string Provider(string name, string pattern, string more = "") =>
        $"  - name: {name}\n    matchImages: ['{pattern}']\n    defaultCacheDuration: 10m\n    apiVersion: {V1}\n{more}";

    private static string Response(string auth, string type = "Image", string? duration = "0s") =>
        $$"""
        {"kind":"CredentialProviderResponse","apiVersion":"{{V1}}","cacheKeyType":"{{type}}",
        "cacheDuration":{{(duration is null ? "null" : $"\"{duration}\"")}},"auth":{{auth}}}
        """;

    private void Answering(string name, string auth, string type = "Image", string? duration = "0s") =>
        _scripts.Add(name, $"echo >> {_scripts[name + ".asked"]}; echo '{Response(auth, type, duration)}'");

    private CredentialProviders Providers(string providers) => new(
        _scripts.AddFile("config.yaml", $"apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n{providers}"),
        _scripts.Path, _time);
}
