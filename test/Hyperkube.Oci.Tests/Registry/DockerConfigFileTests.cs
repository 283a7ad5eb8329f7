using System.Text;
using Hyperkube.Oci.Registry;
using Hyperkube.Oci.Registry.Credentials;
using Hyperkube.Oci.Tests.Fixtures;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class DockerConfigFileTests : IDisposable
{
    private const string Host = "registry.example.com";

    private readonly Scripts _scripts = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _scripts.Dispose();

    public static TheoryData<string, Credential?> Entries { get; } = new()
    {
        { $$"""{"auth":"{{Base64("bob:s3cret")}}"}""", new Credential.Login("bob", "s3cret") },
        { $$"""{"auth":"{{Base64("bob:s3:cr:et")}}"}""", new Credential.Login("bob", "s3:cr:et") },
        { $$"""{"auth":"{{Base64("bob:s3cret\0\0")}}"}""", new Credential.Login("bob", "s3cret") },
        { $$"""{"auth":"{{Base64("bob:s3cret")}}","username":"eve","password":"other"}""", new Credential.Login("bob", "s3cret") },
        { """{"username":"bob","password":"s3cret"}""", new Credential.Login("bob", "s3cret") },
        { """{"username":"bob","password":"s3cret","auth":"","email":"bob@example.com"}""", new Credential.Login("bob", "s3cret") },
        { """{"Username":"bob","PASSWORD":"s3cret"}""", new Credential.Login("bob", "s3cret") },
        { """{"identitytoken":"s3cret"}""", new Credential.IdentityToken("s3cret") },
        { $$"""{"auth":"{{Base64("00000000-0000:")}}","identitytoken":"s3cret"}""", new Credential.IdentityToken("s3cret") },
        { """{"registrytoken":"s3cret","identitytoken":"other"}""", new Credential.RegistryToken("s3cret") },
        { "{}", null },
        { "null", null },
    };

    [Theory]
    [MemberData(nameof(Entries))]
    public async Task An_entry_holds(string entry, Credential? expected)
    {
        var answer = await FindAsync($$$"""{"auths":{"{{{Host}}}":{{{entry}}}}}""");

        Assert.Equal(expected, answer.Credential);
        Assert.False(answer.IsProblem);
        Assert.DoesNotContain("s3cret", answer.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"username":"bob"}""")]
    [InlineData("""{"password":"s3cret"}""")]
    [InlineData("""{"auth":"Ym9iOg=="}""")]
    public async Task Half_a_login_is_a_problem(string entry)
    {
        var answer = await FindAsync($$$"""{"auths":{"{{{Host}}}":{{{entry}}}}}""");

        Assert.Equal((null, true), (answer.Credential, answer.IsProblem));
    }

    [Theory]
    [InlineData("""{"auths":{"registry.example.com":{"auth":"s3cret!"}}}""")]
    [InlineData("""{"auths":{"registry.example.com":{"auth":"czNjcmV0"}}}""")]
    [InlineData("""{"auths":{"registry.example.com":{"auth":"OnMzY3JldA=="}}}""")]
    [InlineData("""{"auths":{"registry.example.com":"s3cret"}}""")]
    [InlineData("""{"auths":{"registry.example.com":{"password":["s3cret"]}}}""")]
    [InlineData("""{"auths":{"registry.example.com":{"password":s3cret}}}""")]
    [InlineData("""{"auths":{"a":{},"a":{"password":"s3cret"}}}""")]
    [InlineData("""{"auths":{},"auths":{"a":{"password":"s3cret"}}}""")]
    [InlineData("""{"auths":{"registry.example.com":{"password":"s3cret"}""")]
    [InlineData("""{"credsStore":{}}""")]
    [InlineData("""["s3cret"]""")]
    [InlineData("null")]
    [InlineData("s3cret")]
    public async Task What_cannot_be_understood_is_refused_by_the_name_of_the_file_and_without_its_secret(string json)
    {
        var error = await Assert.ThrowsAsync<HyperkubeException>(() => FindAsync(json));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.StartsWith(_scripts["config.json"], error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_line_is_told()
    {
        var error = await Assert.ThrowsAsync<HyperkubeException>(() => FindAsync("{\n  \"auths\": {\n    oops\n  }\n}"));

        Assert.StartsWith($"{_scripts["config.json"]}:3: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broken_entry_of_another_host_does_not_matter() =>
        Assert.NotNull((await FindAsync(
            """{"auths":{"other":{"auth":"!"},"registry.example.com":{"username":"bob","password":"s3cret"}}}""")).Credential);

    [Fact]
    public async Task An_empty_entry_lets_the_next_spelling_answer() =>
        Assert.NotNull((await FindAsync(
            """{"auths":{"registry.example.com":{},"http://registry.example.com":{"username":"bob","password":"s3cret"}}}""")).Credential);

    [Fact]
    public async Task A_repository_has_its_own_login()
    {
        const string Json = """
            {"auths":{"registry.example.com":{"username":"all","password":"x"},"registry.example.com/ns":{"username":"ns","password":"x"}}}
            """;

        Assert.Equal(new Credential.Login("ns", "x"), (await FindAsync(Json, Host, "ns/repo")).Credential);
        Assert.Equal(new Credential.Login("all", "x"), (await FindAsync(Json, Host, "nsx/repo")).Credential);
    }

    [Fact]
    public async Task A_login_in_a_key_is_not_told()
    {
        var answer = await FindAsync("""{"auths":{"https://bob:s3cret@registry.example.com/v1/":{"username":"bob","password":"x"}}}""");

        Assert.Equal("entry 'https://registry.example.com/v1/'", answer.Says);
    }

    [Fact]
    public async Task A_file_that_is_not_there_has_no_login_unless_it_was_named()
    {
        var answer = await File("missing.json", isExplicit: false).FindAsync(Host, "repo", Ct);
        var error = await Assert.ThrowsAsync<HyperkubeException>(
            () => File("missing.json", isExplicit: true).FindAsync(Host, "repo", Ct).AsTask());

        Assert.Equal(new CredentialAnswer(null, "no such file"), answer);
        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.Contains("missing.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_directory_in_its_place_is_a_problem_or_an_error()
    {
        Directory.CreateDirectory(_scripts["config.json"]);

        var answer = await File("config.json", isExplicit: false).FindAsync(Host, "repo", Ct);

        Assert.Equal(new CredentialAnswer(null, "a directory, not a file", IsProblem: true), answer);
        await Assert.ThrowsAsync<HyperkubeException>(() => File("config.json", isExplicit: true).FindAsync(Host, "repo", Ct).AsTask());
    }

    [Fact]
    public async Task A_file_that_may_not_be_read_is_a_problem_or_an_error()
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "root may read everything");
        System.IO.File.SetUnixFileMode(_scripts.AddFile("config.json", "{}"), UnixFileMode.None);

        var answer = await File("config.json", isExplicit: false).FindAsync(Host, "repo", Ct);

        Assert.Equal(new CredentialAnswer(null, "permission denied", IsProblem: true), answer);
        await Assert.ThrowsAsync<HyperkubeException>(() => File("config.json", isExplicit: true).FindAsync(Host, "repo", Ct).AsTask());
    }

    [Fact]
    public async Task An_empty_file_is_none_as_docker_has_it_unless_it_was_named()
    {
        _scripts.AddFile("config.json", " \n");

        Assert.Equal(new CredentialAnswer(null, "empty file"), await File("config.json", isExplicit: false).FindAsync(Host, "repo", Ct));
        await Assert.ThrowsAsync<HyperkubeException>(() => File("config.json", isExplicit: true).FindAsync(Host, "repo", Ct).AsTask());
    }

    [Fact]
    public async Task A_file_too_large_is_refused()
    {
        var error = await Assert.ThrowsAsync<HyperkubeException>(() => FindAsync($$"""{"a":"{{new string('x', 1 << 20)}}"}"""));

        Assert.Equal(ErrorKind.Usage, error.Kind);
    }

    [Fact]
    public async Task The_file_is_read_once_and_not_before_it_is_needed()
    {
        var file = File("config.json", isExplicit: false);
        _scripts.AddFile("config.json", """{"auths":{"registry.example.com":{"username":"bob","password":"x"}}}""");
        Assert.NotNull((await file.FindAsync(Host, "repo", Ct)).Credential);

        System.IO.File.Delete(_scripts["config.json"]);

        Assert.NotNull((await file.FindAsync(Host, "repo", Ct)).Credential);
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private DockerConfigFile File(string name, bool isExplicit) => new(_scripts[name], isExplicit, _scripts.Path, TimeProvider.System);

    private async Task<CredentialAnswer> FindAsync(string json, string host = Host, string repository = "repo")
    {
        _scripts.AddFile("config.json", json);
        return await File("config.json", isExplicit: true).FindAsync(host, repository, Ct);
    }
}
