using Hyperkube.Oci.Registry;
using Hyperkube.Oci.Registry.Credentials;
using Hyperkube.Oci.Tests.Fixtures;

namespace Hyperkube.Oci.Tests.Registry;

/// <summary>The helpers that a login file names.</summary>
[Collection(Scripts.Collection)]
public sealed class DockerConfigHelperTests : IDisposable
{
    private const string Host = "registry.example.com";

    private readonly Scripts _scripts = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _scripts.Dispose();

    [Fact]
    public async Task A_hosts_own_helper_comes_before_the_store_and_that_before_the_file()
    {
        Helper("own", "own");
        Helper("store", "store");
        const string Json = """
            {"credHelpers":{"registry.example.com":"own","plain.example.com":""},"credsStore":"store","auths":{
            "registry.example.com":{"username":"file","password":"x"},"plain.example.com":{"username":"file","password":"x"}}}
            """;

        Assert.Equal(new Credential.Login("own", "s3cret"), (await FindAsync(Json)).Credential);
        Assert.Equal(new Credential.Login("store", "s3cret"), (await FindAsync(Json, "other.example.com")).Credential);
        Assert.Equal(new Credential.Login("file", "x"), (await FindAsync(Json, "plain.example.com")).Credential);
    }

    [Fact]
    public async Task Where_a_host_has_its_own_helper_that_one_decides()
    {
        _scripts.Add("docker-credential-own", "echo 'credentials not found in native keychain'; exit 1");

        var answer = await FindAsync(
            """{"credHelpers":{"registry.example.com":"own"},"auths":{"registry.example.com":{"username":"file","password":"x"}}}""");

        Assert.Equal(new CredentialAnswer(null, "docker-credential-own has none (credHelpers 'registry.example.com')"), answer);
    }

    [Theory]
    [InlineData("exit 3")]
    [InlineData("echo '{\"Username\":\"bob\",\"Secret\":\"s3cret\"'")]
    [InlineData("echo '{\"Username\":\"bob\",\"Secret\":\"s3cret\"}'; exit 1")]
    [InlineData(null)]
    public async Task A_hosts_own_helper_that_fails_or_is_missing_ends_it(string? script)
    {
        if (script is not null)
        {
            _scripts.Add("docker-credential-own", script);
        }

        var error = await Assert.ThrowsAsync<HyperkubeException>(() => FindAsync("""{"credHelpers":{"registry.example.com":"own"}}"""));

        Assert.Equal(ErrorKind.AccessDenied, error.Kind);
        Assert.Contains(_scripts["config.json"], error.Message, StringComparison.Ordinal);
        Assert.Contains("docker-credential-own", error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Hint);
        Assert.DoesNotContain("s3cret", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("exit 3")]
    [InlineData(null)]
    public async Task A_store_that_fails_or_is_missing_is_a_problem_and_the_file_answers(string? script)
    {
        if (script is not null)
        {
            _scripts.Add("docker-credential-store", script);
        }

        var answer = await FindAsync("""{"credsStore":"store","auths":{"registry.example.com":{"username":"file","password":"x"}}}""");

        Assert.Equal((new Credential.Login("file", "x"), true), (answer.Credential, answer.IsProblem));
        Assert.Contains("docker-credential-store", answer.Says, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Docker_Hub_is_asked_for_by_the_name_it_has_with_docker()
    {
        _scripts.Add("docker-credential-store", $"cat > {_scripts["asked"]}; echo '{{}}'");

        Assert.Null((await FindAsync("""{"credsStore":"store"}""", "docker.io", "library/nginx")).Credential);

        Assert.Equal("https://index.docker.io/v1/", _scripts.Read("asked"));
    }

    private void Helper(string name, string user) =>
        _scripts.Add($"docker-credential-{name}", $$"""echo '{"ServerURL":"x","Username":"{{user}}","Secret":"s3cret"}'""");

    private async Task<CredentialAnswer> FindAsync(string json, string host = Host, string repository = "repo")
    {
        DockerConfigFile file = new(_scripts.AddFile("config.json", json), isExplicit: true, _scripts.Path, TimeProvider.System);
        return await file.FindAsync(host, repository, Ct);
    }
}
