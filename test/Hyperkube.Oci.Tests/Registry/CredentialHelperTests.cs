using Hyperkube.Oci.Registry;
using Hyperkube.Oci.Registry.Credentials;
using Hyperkube.Oci.Tests.Fixtures;
using Microsoft.Extensions.Time.Testing;

namespace Hyperkube.Oci.Tests.Registry;

[Collection(Scripts.Collection)]
public sealed class CredentialHelperTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Scripts _scripts = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _scripts.Dispose();

    [Fact]
    public async Task It_is_asked_on_standard_input_for_what_it_has()
    {
        _scripts.Add(
            "docker-credential-test", $$"""printf '%s|' "$@" > {{_scripts["asked"]}}; cat >> {{_scripts["asked"]}}; """
            + """echo '{"ServerURL":"https://r.io","Username":"bob","Secret":"s3cret"}'""");

        var answer = await AskAsync();

        Assert.Equal(new HelperAnswer(new Credential.Login("bob", "s3cret"), null), answer);
        Assert.Equal("get|r.io", _scripts.Read("asked"));
        Assert.DoesNotContain("s3cret", answer.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_is_marked_by_its_user() =>
        Assert.Equal(
            new Credential.IdentityToken("s3cret"), (await AskAsync("""echo '{"Username":"<token>","Secret":"s3cret"}'""")).Credential);

    [Theory]
    [InlineData("echo 'credentials not found in native keychain'; exit 1")]
    [InlineData("printf 'credentials not found in native keychain\\r\\n'; echo noise >&2; exit 1")]
    [InlineData("""echo '{"ServerURL":"","Username":"","Secret":""}'""")]
    [InlineData("""echo '{}'""")]
    public async Task It_may_have_none(string script) => Assert.Equal(new HelperAnswer(null, null), await AskAsync(script));

    [Theory]
    [InlineData("exit 3", "code 3")]
    [InlineData("echo boom >&2; exit 1", "saying 'boom'")]
    [InlineData("echo 'credentials server URL is missing'; exit 1", "saying 'credentials server URL is missing'")]
    [InlineData("printf 'a\\nb\\033[31mc\\tred' >&2; exit 1", "saying 'a b [31mc red'")]
    [InlineData("true", "did not answer with a JSON object")]
    [InlineData("echo null", "did not answer with a JSON object")]
    [InlineData("echo s3cret", "did not answer with a JSON object")]
    [InlineData("""echo '{"Username":"bob","Secret":"s3cret","Secret":"s3cret"}'""", "did not answer with a JSON object")]
    [InlineData("""echo '{"Username":"bob","Secret":s3cret}'""", "did not answer with a JSON object")]
    [InlineData("""echo '{"Username":"bob","Secret":"s3cret"}'; exit 1""", "code 1")]
    [InlineData("""echo '{"Secret":"s3cret"}'""", "without a Username")]
    [InlineData("""echo '{"Username":"bob"}'""", "without a Secret")]
    [InlineData("kill -9 $$", "code 137")]
    public async Task What_else_it_does_is_a_problem_without_the_secret(string script, string expected)
    {
        var answer = await AskAsync(script);

        Assert.Null(answer.Credential);
        Assert.Contains(expected, answer.Problem, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", answer.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Its_complaints_are_shortened()
    {
        var answer = await AskAsync("yes complaint | head -c 300000 >&2; exit 1");

        Assert.InRange(answer.Problem!.Length, 200, 600);
    }

    [Theory]
    [InlineData("yes | head -c 3000000")]
    [InlineData("exec yes")]
    public async Task Who_talks_too_much_is_ended(string script) =>
        Assert.Contains("says more than 1048576 bytes", (await AskAsync(script)).Problem, StringComparison.Ordinal);

    [Fact]
    public async Task It_need_not_read_the_question() =>
        Assert.NotNull((await AskAsync("""exec <&-; echo '{"Username":"bob","Secret":"s3cret"}'""")).Credential);

    [Fact]
    public async Task Who_hangs_is_ended_with_all_it_started_after_a_minute()
    {
        FakeTimeProvider time = new();
        var asking = AskAsync($"sleep 1000 & echo $! > {_scripts["pid.new"]}; mv {_scripts["pid.new"]} {_scripts["pid"]}; wait", time, Ct);
        var child = await StartedAsync();

        time.Advance(TimeSpan.FromSeconds(59));
        Assert.False(asking.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(2));

        Assert.Contains("has not answered within 60 s", (await asking.WaitAsync(Patience, Ct)).Problem, StringComparison.Ordinal);
        await GoneAsync(child);
    }

    [Fact]
    public async Task Cancelling_ends_all_it_started_too()
    {
        using CancellationTokenSource interrupted = new();
        var asking = AskAsync(
            $"sleep 1000 & echo $! > {_scripts["pid.new"]}; mv {_scripts["pid.new"]} {_scripts["pid"]}; wait", TimeProvider.System,
            interrupted.Token);
        var child = await StartedAsync();

        await interrupted.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking.WaitAsync(Patience, Ct));
        await GoneAsync(child);
    }

    [Fact]
    public async Task Who_leaves_a_child_behind_that_holds_the_pipe_does_not_outlast_the_minute()
    {
        FakeTimeProvider time = new();
        var asking = AskAsync($"sleep 20 & echo $! > {_scripts["pid.new"]}; mv {_scripts["pid.new"]} {_scripts["pid"]}", time, Ct);
        _ = await StartedAsync();

        time.Advance(TimeSpan.FromSeconds(61));

        Assert.NotNull((await asking.WaitAsync(TimeSpan.FromSeconds(10), Ct)).Problem);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("../test")]
    [InlineData("-x")]
    [InlineData(".")]
    [InlineData("a b")]
    [InlineData("a\nb")]
    public async Task A_name_is_a_plain_word(string name) =>
        Assert.EndsWith(
            "is no name of a program",
            (await new CredentialHelper(name, _scripts.Path, TimeProvider.System).AskAsync("r.io", Ct)).Problem, StringComparison.Ordinal);

    [Fact]
    public async Task It_is_looked_for_in_absolute_directories_of_the_search_path_and_must_be_a_program()
    {
        _scripts.AddFile("docker-credential-test", "#!/bin/sh\n");
        Directory.CreateDirectory(_scripts["d/docker-credential-test"]);
        Directory.CreateDirectory(_scripts["late"]);
        _scripts.Add("late/docker-credential-test", "echo '{}'");
        string[] without = ["", ":", ".", _scripts.Path, _scripts["d"], _scripts["missing"], Path.GetRelativePath(".", _scripts["late"])];

        foreach (var path in without)
        {
            Assert.Equal("docker-credential-test is not installed on PATH", (await Helper(path).AskAsync("r.io", Ct)).Problem);
        }

        Assert.Null((await Helper(string.Join(':', without) + ":" + _scripts["late"]).AskAsync("r.io", Ct)).Problem);
        Assert.NotNull((await Helper(null).AskAsync("r.io", Ct)).Problem);
    }

    [Fact]
    public async Task What_cannot_be_run_is_a_problem()
    {
        _scripts.AddFile("docker-credential-test", "\u007fELF");
        File.SetUnixFileMode(_scripts["docker-credential-test"], UnixFileMode.UserRead | UnixFileMode.UserExecute);

        Assert.Contains("cannot be run", (await Helper(_scripts.Path).AskAsync("r.io", Ct)).Problem, StringComparison.Ordinal);
    }

    private static CredentialHelper Helper(string? path) => new("test", path, TimeProvider.System);

    private Task<HelperAnswer> AskAsync(string? script = null) => AskAsync(script, TimeProvider.System, Ct);

    private Task<HelperAnswer> AskAsync(string? script, TimeProvider time, CancellationToken cancellationToken)
    {
        if (script is not null)
        {
            _scripts.Add("docker-credential-test", script);
        }

        return new CredentialHelper("test", _scripts.Path, time).AskAsync("r.io", cancellationToken);
    }

    // When the script has said its child's number.
    private async Task<string> StartedAsync()
    {
        while (!File.Exists(_scripts["pid"]))
        {
            await Task.Delay(10, Ct);
        }

        return _scripts.Read("pid").Trim();
    }

    // Gone, or dead with nobody to ask it how it was.
    private static async Task GoneAsync(string child)
    {
        for (var end = TimeProvider.System.GetUtcNow() + Patience; TimeProvider.System.GetUtcNow() < end;)
        {
            try
            {
                if ((await File.ReadAllTextAsync($"/proc/{child}/stat", Ct)).Contains(") Z ", StringComparison.Ordinal))
                {
                    return;
                }
            }
            catch (IOException)
            {
                return;
            }

            await Task.Delay(10, Ct);
        }

        Assert.Fail($"process {child} still runs");
    }
}
