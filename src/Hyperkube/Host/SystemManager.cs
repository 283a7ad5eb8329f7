using System.Globalization;
using System.Text;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;

namespace Hyperkube.Host;

/// <summary>What systemd says of a unit.</summary>
/// <param name="IsLoaded">Whether there is such a unit.</param>
/// <param name="State">For example <c>active</c>, <c>activating</c>, <c>failed</c>.</param>
/// <param name="SubState">For example <c>running</c>, <c>auto-restart</c>.</param>
/// <param name="Restarts">How often systemd itself has started it again.</param>
/// <param name="MainProcess">Its process, or 0.</param>
/// <param name="Commands">The command lines that it runs.</param>
internal sealed record UnitStatus(
    bool IsLoaded, string State, string SubState, int Restarts, int MainProcess, IReadOnlyList<string> Commands)
{
    /// <summary>Whether nobody can start it: it is not there, or masked.</summary>
    internal bool IsGone { get; init; }

    /// <summary>Whether it runs a program: as the program itself, or as a word of a command line.</summary>
    internal bool Runs(string path) => Commands.Any(c =>
    {
        for (var at = -1; (at = c.IndexOf(path, at + 1, StringComparison.Ordinal)) >= 0;)
        {
            var end = at + path.Length;
            if ((at == 0 || !IsOfPath(c[at - 1])) && (end == c.Length || !IsOfPath(c[end])))
            {
                return true;
            }
        }

        return false;
    });

    /// <summary>The programs that its command lines begin with.</summary>
    internal IEnumerable<string> Programs()
    {
        const string Key = "path=";
        foreach (var command in Commands)
        {
            var at = command.IndexOf(Key, StringComparison.Ordinal);
            if (at >= 0)
            {
                yield return command[(at + Key.Length)..].Split(' ', ';')[0];
            }
        }
    }

    private static bool IsOfPath(char c) => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '_' or '-';
}

/// <summary>Talks to systemd through <c>systemctl</c>.</summary>
internal sealed class SystemManager(string systemctl, TimeProvider time)
{
    private const string Properties = "LoadState,ActiveState,SubState,NRestarts,MainPID,ExecStart";

    private static readonly TimeSpan AskDeadline = TimeSpan.FromSeconds(30);

    /// <summary>Finds <c>systemctl</c>.</summary>
    /// <exception cref="HyperkubeException">There is none (<see cref="ErrorKind.HostFailed"/>).</exception>
    internal static SystemManager Find(string? searchPath, TimeProvider time)
    {
        foreach (var directory in (searchPath ?? "/usr/bin:/bin").Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            var path = Path.Combine(directory, "systemctl");
            if (File.Exists(path))
            {
                return new SystemManager(path, time);
            }
        }

        throw new HyperkubeException(ErrorKind.HostFailed, "--restart: there is no systemctl here; expected systemd")
        {
            Hint = "leave --restart out, and restart the program by other means",
        };
    }

    internal async Task<UnitStatus> ShowAsync(string unit, CancellationToken cancellationToken)
    {
        var answer = await AskAsync(["show", "--property", Properties, "--", unit], AskDeadline, cancellationToken).ConfigureAwait(false);
        if (answer.Failure is not null || answer.ExitCode != 0)
        {
            throw Refused($"show {unit}", answer);
        }

        return Read(Encoding.UTF8.GetString(answer.Output.Span));
    }

    /// <summary>Restarts a unit and waits until systemd calls it started.</summary>
    /// <returns>Null, or why it did not start.</returns>
    internal async Task<string?> RestartAsync(string unit, TimeSpan deadline, CancellationToken cancellationToken)
    {
        var answer = await AskAsync(["restart", "--", unit], deadline, cancellationToken).ConfigureAwait(false);
        return answer is { Failure: null, ExitCode: 0 } ? null : Refused($"restart {unit}", answer).Message;
    }

    internal static UnitStatus Read(string properties)
    {
        Dictionary<string, string> values = new(StringComparer.Ordinal);
        List<string> commands = [];
        foreach (var line in properties.Split('\n'))
        {
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && line.StartsWith("ExecStart=", StringComparison.Ordinal))
            {
                commands.Add(line[(equals + 1)..]);
            }
            else if (equals > 0)
            {
                values[line[..equals]] = line[(equals + 1)..];
            }
        }

        int Number(string name) => int.TryParse(values.GetValueOrDefault(name), CultureInfo.InvariantCulture, out var number) ? number : 0;
        return new UnitStatus(
            values.GetValueOrDefault("LoadState") == "loaded",
            values.GetValueOrDefault("ActiveState") ?? "unknown",
            values.GetValueOrDefault("SubState") ?? "unknown",
            Number("NRestarts"),
            Number("MainPID"),
            commands)
        {
            IsGone = values.GetValueOrDefault("LoadState") is "not-found" or "masked",
        };
    }

    private static HyperkubeException Refused(string what, ChildAnswer answer) => new(
        ErrorKind.HostFailed, $"systemctl {what}: {answer.Failure ?? $"exit code {answer.ExitCode}: {answer.Errors}"}");

    private Task<ChildAnswer> AskAsync(string[] arguments, TimeSpan deadline, CancellationToken cancellationToken) =>
        new ChildProgram(systemctl, ["--no-pager", "--no-ask-password", .. arguments], []) { Deadline = deadline }
            .AskAsync(ReadOnlyMemory<byte>.Empty, time, cancellationToken);
}
