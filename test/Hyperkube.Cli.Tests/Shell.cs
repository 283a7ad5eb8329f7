using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Hyperkube.Testing;

namespace Hyperkube.Cli.Tests;

/// <summary>Runs the program as a shell would: in this process with variables of a test's own, or as a process with a
/// directory of its own.</summary>
internal sealed class Shell : IDisposable
{
    internal const string Version = "v1.36.4";

    private readonly TempDirectory _directory = new();

    internal Shell()
    {
        Variables = new(StringComparer.Ordinal)
        {
            ["XDG_CACHE_HOME"] = this["cache"],
            ["NETRC"] = this["netrc"],

            // The releases of most tests are not signed; SignatureTests are about those that are.
            ["HYPERKUBE_BUILD_VERIFY"] = "checksum",
            ["HYPERKUBE_FETCH_VERIFY"] = "checksum",
        };
        ReleaseTree.Write(Tree, Version);
    }

    /// <summary>The whole environment.</summary>
    internal Dictionary<string, string> Variables { get; }

    /// <summary>Waits between tries are over at once unless told.</summary>
    internal TimeProvider Time { get; set; } = new SkippingTime();

    internal bool IsTerminal { get; set; }

    /// <summary>What the person at the terminal types; null where nobody is.</summary>
    internal string? Secret { get; set; }

    /// <summary>A release of stand-ins for amd64 and arm64.</summary>
    internal string Tree => this["tree"];

    /// <summary>Every file below the test's directory, relative, sorted.</summary>
    internal IEnumerable<string> Files => _directory.Files();

    /// <summary>A path below the test's directory.</summary>
    internal string this[string relative] => _directory[relative];

    /// <summary>A binary of the release in the tree.</summary>
    internal string PathOf(string platform, string name) => ReleaseTree.PathOf(Tree, Version, Oci.Platform.Parse(platform), name);

    /// <summary>Runs a command line in this process.</summary>
    internal async Task<Ended> RunAsync(params IReadOnlyList<string> words)
    {
        using StringWriter output = new();
        using StringWriter error = new();
        var code = await Run.AsExitCodeAsync(words, new CliHost
        {
            Out = output,
            Error = error,
            ErrorIsTerminal = IsTerminal,
            Variable = Variables.GetValueOrDefault,
            Time = Time,
            AskSecret = _ => Secret,
        });
        return new Ended(code, output.ToString(), error.ToString());
    }

    /// <summary>Builds the release in the tree with further words.</summary>
    internal Task<Ended> BuildAsync(params IReadOnlyList<string> words) => RunAsync(["build", Version, "--source", Tree, .. words]);

    /// <summary>Builds it as JSON and answers its digest.</summary>
    internal async Task<string> DigestAsync(params IReadOnlyList<string> words)
    {
        var ended = await BuildAsync(["--format", "json", .. words]);
        Assert.True(ended.ExitCode == 0, ended.Error);
        return ended.Json.GetProperty("digest").GetString()!;
    }

    /// <summary>Starts the program itself, in the test's directory.</summary>
    internal Process Start(params IReadOnlyList<string> words)
    {
        // A shell that runs the tests in the background ignores SIGINT, and so would its children.
        ProcessStartInfo start = new("/usr/bin/env", ["--default-signal=INT", Path.Combine(AppContext.BaseDirectory, "hyperkube"), .. words])
        {
            UseShellExecute = false,
            WorkingDirectory = _directory.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/bin:/bin";
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));
        foreach (var (name, value) in Variables)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    /// <summary>Runs the program itself, in the test's directory.</summary>
    internal async Task<Ended> RunProcessAsync(params IReadOnlyList<string> words)
    {
        using var process = Start(words);
        return await Ended.OfAsync(process);
    }

    /// <summary>Writes an executable script.</summary>
    internal void WriteScript(string relative, string content)
    {
        var path = this[relative];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, $"#!/bin/sh\n{content}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    public void Dispose() => _directory.Dispose();
}

/// <summary>What came of a run.</summary>
internal sealed record Ended(int ExitCode, string Out, string Error)
{
    /// <summary>Standard output as the one JSON document that it must be.</summary>
    internal JsonElement Json => JsonDocument.Parse(Out).RootElement;

    /// <summary>The line of standard error that says what went wrong.</summary>
    internal string Message => LastLine("hyperkube: ", exceptFor: "hyperkube: warning: ");

    /// <summary>The line that says what to try.</summary>
    internal string Hint => LastLine("  try: ");

    internal static async Task<Ended> OfAsync(Process process)
    {
        var token = TestContext.Current.CancellationToken;
        var output = process.StandardOutput.ReadToEndAsync(token);
        var error = process.StandardError.ReadToEndAsync(token);
        await process.WaitForExitAsync(token);
        return new Ended(process.ExitCode, await output, await error);
    }

    /// <summary>Fails with what was said unless the exit code is the expected one.</summary>
    internal Ended With(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"exit code {ExitCode}, expected {exitCode}:\n{Out}\n{Error}");
        return this;
    }

    private string LastLine(string start, string? exceptFor = null) => Error.Split('\n').LastOrDefault(
        line => line.StartsWith(start, StringComparison.Ordinal)
            && (exceptFor is null || !line.StartsWith(exceptFor, StringComparison.Ordinal))) ?? "";
}
