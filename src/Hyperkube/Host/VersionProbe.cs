using System.Text;
using System.Text.RegularExpressions;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Releases;

namespace Hyperkube.Host;

/// <summary>Runs a staged binary's version command before it goes into place: bits that are right may still not run here.</summary>
internal static partial class VersionProbe
{
    /// <summary>A version is said in milliseconds; a cold disk under load may take seconds.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    /// <summary>Another thread that starts a program at the wrong moment holds our file open for writing until its exec.</summary>
    private const int MaxBusy = 20;

    private static readonly TimeSpan BusyPause = TimeSpan.FromMilliseconds(20);

    /// <summary>Whether it is known how a binary is asked for its version.</summary>
    internal static bool Knows(string name) => ArgumentsOf(name) is not null;

    /// <summary>Asks a staged binary for its version.</summary>
    /// <exception cref="HyperkubeException">It does not run here (<see cref="ErrorKind.HostFailed"/>), or says none
    /// (<see cref="ErrorKind.BadContent"/>).</exception>
    internal static async Task<KubernetesVersion> AskAsync(
        HostDirectory directory, string stagedName, string name, TimeProvider time, CancellationToken cancellationToken)
    {
        ChildProgram program = new(Path.Combine(directory.Link, stagedName), ArgumentsOf(name)!, [])
        {
            IsBare = true,
            Deadline = Deadline,
        };
        var answer = await program.AskAsync(ReadOnlyMemory<byte>.Empty, time, cancellationToken).ConfigureAwait(false);
        for (var busy = 1; busy < MaxBusy && answer.Failure?.Contains("Text file busy", StringComparison.Ordinal) == true; busy++)
        {
            await Task.Delay(BusyPause, time, cancellationToken).ConfigureAwait(false);
            answer = await program.AskAsync(ReadOnlyMemory<byte>.Empty, time, cancellationToken).ConfigureAwait(false);
        }

        var where = directory.Seen(name);
        if (answer.Failure is not null || answer.ExitCode != 0)
        {
            var why = answer.Failure ?? $"ends with exit code {answer.ExitCode}: {answer.Errors}";
            throw new HyperkubeException(ErrorKind.HostFailed, $"{where}: the new {name} {why}; expected that it runs here")
            {
                Hint = "look for a mount with noexec, a missing interpreter or a security policy; --no-probe installs it unasked",
            };
        }

        var output = Encoding.UTF8.GetString(answer.Output.Span);
        return VersionIn(output) ?? throw new HyperkubeException(
            ErrorKind.BadContent, $"{where}: the new {name} says {SmallText.Quote(output)}; expected its version");
    }

    /// <summary>The first version in a text.</summary>
    internal static KubernetesVersion? VersionIn(string text) =>
        Version().Match(text) is { Success: true } match
        && KubernetesVersion.TryParse(match.Value.Replace('+', '-'), null, out var version) ? version : null;

    private static string[]? ArgumentsOf(string name) => name switch
    {
        "kubelet" or "kube-proxy" or "kube-apiserver" or "kube-controller-manager" or "kube-scheduler" => ["--version"],
        "kubectl" => ["version", "--client"],
        "kubeadm" => ["version", "-o", "short"],
        _ => null,
    };

    [GeneratedRegex(@"\bv\d{1,9}\.\d{1,9}\.\d{1,9}(?:[-+][0-9A-Za-z.-]{1,64})*", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Version();
}
