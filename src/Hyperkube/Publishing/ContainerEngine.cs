using System.ComponentModel;
using System.Diagnostics;
using Hyperkube.Oci;

namespace Hyperkube.Publishing;

/// <summary>A container engine of this machine, driven through its own command line.</summary>
/// <param name="name">For a person.</param>
/// <param name="program">What to run.</param>
/// <param name="probe">Arguments of a call that succeeds only if the engine answers.</param>
/// <param name="load">Arguments of the call that reads an archive from its standard input.</param>
public sealed class ContainerEngine(string name, string program, IReadOnlyList<string> probe, IReadOnlyList<string> load)
{
    /// <summary>An engine that is up answers at once; one that hangs must not hang us.</summary>
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(10);

    /// <summary>The engines we know, in the order they are asked.</summary>
    public static IReadOnlyList<ContainerEngine> Known { get; } =
    [
        new("docker", "docker", ["version", "--format", "{{.Server.Version}}"], ["load"]),
        new("podman", "podman", ["version", "--format", "{{.Client.Version}}"], ["load"]),
        new("containerd", "ctr", ["version"], ["images", "import", "-"]),
    ];

    /// <summary>For a person.</summary>
    public string Name { get; } = name;

    /// <summary>How a person loads an archive into it.</summary>
    public string LoadCommand(string file) => program == "ctr" ? $"ctr images import {file}" : $"{program} load -i {file}";

    /// <summary>Finds the first engine that answers, or null.</summary>
    public static async Task<ContainerEngine?> FindAsync(CancellationToken cancellationToken)
    {
        foreach (var engine in Known)
        {
            if (await engine.AnswersAsync(cancellationToken).ConfigureAwait(false))
            {
                return engine;
            }
        }

        return null;
    }

    /// <summary>What to throw when none answered.</summary>
    public static HyperkubeException NoneAnswers(string hint) =>
        new(ErrorKind.Unavailable, $"--load: no container engine answers; tried {string.Join(", ", Known.Select(e => e.Name))}")
        {
            Hint = hint,
        };

    /// <summary>Hands an archive over.</summary>
    /// <param name="write">Writes the archive.</param>
    /// <param name="cancellationToken">Ends the engine's program too.</param>
    /// <exception cref="HyperkubeException">The engine refused; the message is its own.</exception>
    public async Task LoadAsync(Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        using var process = Start(load, input: true);
        try
        {
            var said = process.StandardError.ReadToEndAsync(cancellationToken);
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            IOException? broken = null;
            try
            {
                await write(process.StandardInput.BaseStream, cancellationToken).ConfigureAwait(false);
                process.StandardInput.Close();
            }
            catch (IOException e)
            {
                broken = e; // It stopped reading: what it said tells why.
            }

            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
            _ = await output.ConfigureAwait(false);
            if (process.ExitCode != 0 || broken is not null)
            {
                var reason = (await said.ConfigureAwait(false)).Trim();
                throw new HyperkubeException(
                    ErrorKind.HostFailed, $"{Name} did not take the image (exit code {process.ExitCode}): {reason}", broken);
            }
        }
        finally
        {
            End(process);
        }
    }

    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource deadline = new(ProbeTimeout);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            using var process = Start(probe, input: false);
            try
            {
                await Task.WhenAll(
                    process.StandardOutput.ReadToEndAsync(either.Token),
                    process.StandardError.ReadToEndAsync(either.Token),
                    process.WaitForExitAsync(either.Token)).ConfigureAwait(false);
                return process.ExitCode == 0;
            }
            finally
            {
                End(process);
            }
        }
        catch (Exception e) when (e is Win32Exception || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false; // Not installed, or it hangs.
        }
    }

    private Process Start(IReadOnlyList<string> arguments, bool input)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = input,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }

    private static void End(Process process)
    {
        try
        {
            process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself, which is the rule.
        }
    }
}
