using System.Buffers;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using Hyperkube.Cli.Output;
using Hyperkube.Oci;
using Spectre.Console;

namespace Hyperkube.Cli;

/// <summary>The boundary between the command line and the work: parsing, signals, deadlines, errors, exit codes.</summary>
internal static class Run
{
    // An @ begins no file of further words: it may begin a path.
    private static readonly ParserConfiguration AsTyped = new() { ResponseFileTokenReplacer = null };

    private static readonly SearchValues<string> ClauseEnds = SearchValues.Create([". ", ": "], StringComparison.Ordinal);

    internal static async Task<int> AsExitCodeAsync(IReadOnlyList<string> words, CliHost host)
    {
        GlobalOptions options = new();
        Session? session = null;
        var root = Cli.Commands.Root.Create(options, () => session!);
        var line = root.Parse(EnvironmentFlags.Complete(root, words, host.Variable), AsTyped);
        if (IsHelp(line))
        {
            Shorten(line.CommandResult.Command.Subcommands);
        }

        var isRefused = line.Errors.Count > 0 && !IsHelp(line);
        var verbosity = isRefused ? Verbosity.Normal : options.VerbosityOf(line);

        Task<int> RunAsync(IActivityLog log)
        {
            session = new Session(host, options.FormatOf(line), verbosity, log);
            return isRefused ? Task.FromResult(Refuse(line, session)) : ExecuteAsync(line, options, session);
        }

        var code = await (
            verbosity == Verbosity.Quiet ? RunAsync(NoActivityLog.Instance)
            : !isRefused && ShowsBars(line, host) ? BarLog.RunAsync(
                Terminal(line, options, host), host.Time, RunAsync, verbosity == Verbosity.Debug)
            : RunAsync(new PlainLog(host.Error, host.Time, verbosity == Verbosity.Debug))).ConfigureAwait(false);
        await session!.WriteAsync().ConfigureAwait(false);
        return code;
    }

    private static int Refuse(ParseResult line, Session session)
    {
        var command = line.CommandResult.Command;
        var words = string.Join(' ', ["hyperkube", .. EnvironmentFlags.Names(command)]);
        var unknown = line.UnmatchedTokens.Concat( // A flag that is none may have ended up in an argument that takes many.
            line.Tokens.Where(t => t.Type == TokenType.Argument && t.Value.StartsWith('-')).Select(t => t.Value)).FirstOrDefault();
        var message = unknown is not null && command.Subcommands.Count > 0 && !unknown.StartsWith('-')
            ? $"there is no command '{unknown}'"
            : string.Join("; ", line.Errors.Select(e => e.Message.TrimEnd('.')).Distinct(StringComparer.Ordinal));
        var meant = unknown is null ? null : Spelling.Nearest(command, unknown);
        return session.Fail(
            ExitCodes.Usage, ExitCodes.NameOf(ErrorKind.Usage), message,
            meant is null ? $"{words} --help" : $"{meant}, or {words} --help", cause: null);
    }

    // An overview has one clause for each command; its own help has the rest.
    private static void Shorten(IEnumerable<Command> commands)
    {
        foreach (var command in commands)
        {
            var text = command.Description!.ReplaceLineEndings(" ");
            command.Description = $"{text[..text.AsSpan().IndexOfAny(ClauseEnds)]}.";
        }
    }

    private static async Task<int> ExecuteAsync(ParseResult line, GlobalOptions options, Session session)
    {
        InvocationConfiguration configuration = new()
        {
            EnableDefaultExceptionHandler = false,
            Output = session.Host.Out,
            Error = session.Host.Error,
            ProcessTerminationTimeout = null, // Its own would end us after two seconds.
        };
        var timeout = line.GetValue(options.Timeout);
        using CancellationTokenSource deadline = new(timeout ?? Timeout.InfiniteTimeSpan, session.Host.Time);
        using Interruption interruption = new();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, interruption.Token);
        try
        {
            if (!IsBuiltIn(line))
            {
                OpenSsl.Require();
            }

            _ = await line.InvokeAsync(configuration, either.Token).ConfigureAwait(false);
            return ExitCodes.Success;
        }
        catch (OperationCanceledException) when (interruption.ExitCode is { } code)
        {
            return session.Fail(code, "interrupted", "interrupted", "run it again: it goes on where it was", cause: null);
        }
        catch (OperationCanceledException e) when (deadline.IsCancellationRequested)
        {
            return Fail(session, ErrorKind.TimedOut,
                $"not done after --timeout {timeout!.Value.TotalSeconds:F0}s"
                    + (e is WaitCanceledException ? $": {e.Message}" : ""),
                "run it again: it goes on where it was; or allow more time", e);
        }
        catch (HyperkubeException e)
        {
            return Fail(session, e.Kind, e.Message, e.Hint, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What crosses the network turns its failures into our own kind: this one is the host's.
            return Fail(session, ErrorKind.HostFailed, e.Message, "check space, owner and permissions there", e);
        }
#pragma warning disable CA1031 // The last line of defence: anything else is a bug of ours, shown whole.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return session.Fail(ExitCodes.Bug, "bug", $"a bug of ours: {e}", "report it with this text", cause: null);
        }
    }

    private static int Fail(Session session, ErrorKind kind, string message, string? hint, Exception cause) =>
        session.Fail(ExitCodes.Of(kind), ExitCodes.NameOf(kind), message, hint, cause);

    private static bool IsHelp(ParseResult line) => line.Action is System.CommandLine.Help.HelpAction;

    // Help and version run on anything.
    private static bool IsBuiltIn(ParseResult line) => IsHelp(line) || line.CommandResult.Command is RootCommand;

    private static bool ShowsBars(ParseResult line, CliHost host) =>
        host.ErrorIsTerminal
        && !IsBuiltIn(line)
        && string.IsNullOrEmpty(host.Variable("CI"))
        && host.Variable("TERM") is not (null or "" or "dumb");

    private static IAnsiConsole Terminal(ParseResult line, GlobalOptions options, CliHost host)
    {
        var color = line.GetValue(options.Color) switch
        {
            ColorMode.Always => ColorSystemSupport.Standard,
            ColorMode.Auto when string.IsNullOrEmpty(host.Variable("NO_COLOR")) => ColorSystemSupport.Detect,
            _ => ColorSystemSupport.NoColors,
        };
        return AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(host.Error),
            ColorSystem = color,
            Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.Yes,
        });
    }

    /// <summary>SIGINT and SIGTERM: the first asks the work to stop and keep what it has, the second ends the process.</summary>
    private sealed class Interruption : IDisposable
    {
        private readonly CancellationTokenSource _source = new();
        private readonly PosixSignalRegistration _interrupt;
        private readonly PosixSignalRegistration _terminate;

        internal Interruption()
        {
            _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Stop(context, ExitCodes.Interrupted));
            _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, ExitCodes.Terminated));
        }

        internal CancellationToken Token => _source.Token;

        internal int? ExitCode { get; private set; }

        public void Dispose()
        {
            _interrupt.Dispose();
            _terminate.Dispose();
            _source.Dispose();
        }

        private void Stop(PosixSignalContext context, int code)
        {
            if (ExitCode is null)
            {
                ExitCode = code;
                context.Cancel = true;
                _source.Cancel();
            }
        }
    }
}
