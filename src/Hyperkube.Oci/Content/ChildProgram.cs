using System.Buffers;
using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Hyperkube.Oci.Content;

/// <summary>A program that is asked one question on its standard input and answers on its standard output.</summary>
/// <param name="Path">Absolute.</param>
/// <param name="Arguments">One by one; no shell reads them.</param>
/// <param name="Variables">Are set beside those of this process.</param>
public sealed record ChildProgram(string Path, IReadOnlyList<string> Arguments, IReadOnlyList<KeyValuePair<string, string>> Variables)
{
    /// <summary>How long it may take. What docker's helpers and node agents' plugins get, unless told: enough for a call to a cloud with
    /// retries.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Whether it gets no environment but <see cref="Variables"/>.</summary>
    public bool IsBare { get; init; }

    /// <summary>An answer is a few hundred bytes; whoever says more says something else.</summary>
    private const int MaxOutputBytes = 1 << 20;

    /// <summary>The beginning of complaints is enough.</summary>
    private const int MaxErrorBytes = 4 << 10;

    /// <summary>Finds a program by its name; only absolute directories count, so that none is run that happens to lie where the user
    /// stands.</summary>
    /// <param name="name">Without a slash.</param>
    /// <param name="searchPath">Directories, as in the variable <c>PATH</c>; null or empty for none.</param>
    /// <returns>Its path, or null.</returns>
    public static string? Locate(string name, string? searchPath) =>
        (searchPath ?? "").Split(':')
            .Where(directory => directory.StartsWith('/'))
            .Select(directory => System.IO.Path.Combine(directory, name))
            .FirstOrDefault(IsProgram);

    /// <summary>Whether there is something that can be run.</summary>
    internal static bool IsProgram(string path)
    {
        try
        {
            const UnixFileMode Executable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
            return File.Exists(path) && (File.GetUnixFileMode(path) & Executable) != UnixFileMode.None;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Asks.</summary>
    /// <param name="question">Its whole standard input.</param>
    /// <param name="time">Measures the deadline.</param>
    /// <param name="cancellationToken">Ends the program and all that it started.</param>
    public async Task<ChildAnswer> AskAsync(ReadOnlyMemory<byte> question, TimeProvider time, CancellationToken cancellationToken)
    {
        ProcessStartInfo start = new(Path, Arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (IsBare)
        {
            start.Environment.Clear();
        }

        foreach (var (name, value) in Variables)
        {
            start.Environment[name] = value;
        }

        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            return ChildAnswer.None($"cannot be run: {Reason(e)}");
        }

        using (process)
        {
            return await TalkAsync(process, question, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<ChildAnswer> TalkAsync(
        Process process, ReadOnlyMemory<byte> question, TimeProvider time, CancellationToken cancellationToken)
    {
        using CancellationTokenSource deadline = new(Deadline, time);
        using CancellationTokenSource flood = new();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, flood.Token, cancellationToken);
        try
        {
            var output = ReadAsync(process.StandardOutput.BaseStream, MaxOutputBytes, flood.CancelAsync, stop.Token);
            var errors = ReadAsync(process.StandardError.BaseStream, MaxErrorBytes, tooMuch: null, stop.Token);
            await Task.WhenAll(
                WriteAsync(process.StandardInput.BaseStream, question, stop.Token), output, errors,
                process.WaitForExitAsync(stop.Token)).WaitAsync(stop.Token).ConfigureAwait(false);
            return new ChildAnswer(
                process.ExitCode, await output.ConfigureAwait(false),
                OneLine.Of(Encoding.UTF8.GetString(await errors.ConfigureAwait(false))), failure: null);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return ChildAnswer.None(flood.IsCancellationRequested
                ? $"says more than {MaxOutputBytes} bytes"
                : $"has not answered within {Deadline.TotalSeconds} s");
        }
        finally
        {
            End(process);
        }
    }

    private static async Task WriteAsync(Stream input, ReadOnlyMemory<byte> question, CancellationToken cancellationToken)
    {
        try
        {
            await using (input.ConfigureAwait(false))
            {
                await input.WriteAsync(question, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (IOException)
        {
            // It does not want to know. Its answer counts.
        }
    }

    // What is beyond the limit ends the talk, or is read and forgotten so that the program does not wait for us.
    private static async Task<byte[]> ReadAsync(
        Stream stream, int maxBytes, Func<Task>? tooMuch, CancellationToken cancellationToken)
    {
        ArrayBufferWriter<byte> kept = new();
        var buffer = new byte[8 << 10];
        for (int read; (read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
        {
            var room = maxBytes - kept.WrittenCount;
            kept.Write(buffer.AsSpan(0, Math.Min(read, room)));
            if (read > room && tooMuch is not null)
            {
                await tooMuch().ConfigureAwait(false);
            }
        }

        return kept.WrittenSpan.ToArray();
    }

    // Only if it still runs: what a finished helper left behind, an agent for example, is meant to stay.
    private static void End(Process process)
    {
        try
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has ended by itself, or it belongs to somebody else by now.
        }
    }

    // The runtime's message repeats path and directory; the system's reason is its end.
    private static string Reason(Win32Exception e) => new Win32Exception(e.NativeErrorCode).Message;
}

/// <summary>How a program has answered. Prints without its output, which may be a secret.</summary>
/// <param name="exitCode">Zero when it is content.</param>
/// <param name="output">What it wrote.</param>
/// <param name="errors">The beginning of its complaints, as one line.</param>
/// <param name="failure">Why there is no answer; null when it ended by itself.</param>
public sealed class ChildAnswer(int exitCode, byte[] output, string errors, string? failure)
{
    /// <summary>Zero when it is content.</summary>
    public int ExitCode => exitCode;

    /// <summary>What it wrote.</summary>
    public ReadOnlyMemory<byte> Output => output;

    /// <summary>The beginning of its complaints, as one line.</summary>
    public string Errors => errors;

    /// <summary>Why there is no answer; null when it ended by itself.</summary>
    public string? Failure => failure;

    /// <summary>There is no answer.</summary>
    public static ChildAnswer None(string failure) => new(-1, [], "", failure);
}
