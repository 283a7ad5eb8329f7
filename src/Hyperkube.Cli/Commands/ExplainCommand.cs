using System.CommandLine;
using Hyperkube.Cli.Output;
using Hyperkube.Oci;
using Hyperkube.Oci.Registry;
using Hyperkube.Publishing;

namespace Hyperkube.Cli.Commands;

/// <summary><c>hyperkube explain REF</c>: which hosts, files, certificates and logins would be used, and what answers.</summary>
internal static class ExplainCommand
{
    /// <summary>What the command line asked for, parsed.</summary>
    internal sealed record Request(ImageReference Reference, RegistryAccess Access);

    // In the words of hosts.toml.
    private static readonly (HostCapabilities Flag, string Name)[] CapabilityNames =
    [
        (HostCapabilities.Resolve, "resolve"),
        (HostCapabilities.Pull, "pull"),
        (HostCapabilities.Push, "push"),
        (HostCapabilities.Referrers, "referrers"),
    ];

    internal static Command Create(Func<Request, CancellationToken, Task> run)
    {
        Argument<ImageReference> reference = new("REF")
        {
            Description = "The image: HOST/REPO:TAG or HOST/REPO@sha256:...",
            CustomParser = Parsers.One<ImageReference>,
        };
        Command command = new("explain",
            "Says, without pulling, which hosts would be asked for an image, in order: from which file and line, with which\n" +
            "certificates, proxy and login (never the secret), and what each of them answers.\n\n" +
            "Example:\n" +
            "  hyperkube explain registry.example.com/hyperkube:v1.36.4") { reference };
        RegistryFlags registry = new(command, withMirrors: true);
        command.SetAction((line, token) => run(new Request(line.GetRequiredValue(reference), registry.Read(line)), token));
        return command;
    }

    internal static async Task RunAsync(Request request, Session session, CancellationToken cancellationToken)
    {
        if (request.Reference is not RegistryReference reference)
        {
            throw new HyperkubeException(
                ErrorKind.Usage, $"explain {request.Reference}: no registry is asked for it; expected HOST/REPO:TAG")
            {
                Hint = $"hyperkube inspect {request.Reference}",
            };
        }

        var directory = request.Access.DirectoryOf(reference.Host);
        using var registries = request.Access.Open(session);
        RegistryExplainer explainer = new(registries.Options, registries.Credentials);
        var hosts = await explainer.ExplainAsync(reference, request.Access.HostsIn(directory), cancellationToken).ConfigureAwait(false);
        session.Result(
            new ExplainResult(
                reference.ToString(), [.. directory.LookedAt], directory.Chosen, [.. hosts.Select(Explained)], Machine.Checks()),
            CliJson.Default.ExplainResult,
            Write);

        // The job would go on to the next host; it fails when the last one has failed.
        if (hosts.All(h => h.Answer.Failure is not null))
        {
            throw Seriousness.Most(hosts.Select(h => h.Answer.Failure!), f => f.Kind);
        }
    }

    private static ExplainedHost Explained(HostExplanation explained)
    {
        var (host, answer) = (explained.Host, explained.Answer);
        return new ExplainedHost(
            host.Root.AbsoluteUri,
            host.Origin,
            [.. Capabilities(host.Capabilities)],
            host.Namespace,
            [.. host.Headers.Select(h => h.Key)],
            explained.Proxy,
            host.Tls.Authorities,
            [.. host.Tls.ClientCertificates.Select(c => c.Certificate)],
            host.Tls.SkipVerify,
            [.. explained.Logins.Select(l => new ExplainedLogin(l.Name, l.Outcome, l.Says))],
            new ExplainedAnswer(
                answer.Image?.Digest.ToString(), answer.Image?.MediaType, answer.Image?.Size,
                answer.Failure is null ? null : ExitCodes.NameOf(answer.Failure.Kind), answer.Failure?.Message, HintOf(answer.Failure),
                (long)answer.Elapsed.TotalMilliseconds));
    }

    // Not the advice to do what is being done.
    private static string? HintOf(HyperkubeException? failure) =>
        failure?.Hint is { } hint && !hint.Contains("hyperkube explain", StringComparison.Ordinal) ? hint : null;

    private static IEnumerable<string> Capabilities(HostCapabilities capabilities) =>
        CapabilityNames.Where(c => capabilities.HasFlag(c.Flag)).Select(c => c.Name);

    private static void Write(ExplainResult result, TextWriter text)
    {
        text.WriteLine(result.Reference);
        text.WriteLine(result.Directory is { } chosen ? $"  mirrors    {chosen}" : "  mirrors    none");
        foreach (var other in result.Directories.Where(d => d != result.Directory))
        {
            text.WriteLine($"             {other}: not there");
        }

        for (var i = 0; i < result.Hosts.Count; i++)
        {
            Write(result.Hosts[i], i + 1, text);
        }

        text.WriteLine();
        text.WriteLine("this machine");
        foreach (var check in result.Machine)
        {
            text.WriteLine($"  {check.Name,-10} {(check.Ok ? "" : "PROBLEM: ")}{check.Says}");
        }
    }

    private static void Write(ExplainedHost host, int number, TextWriter text)
    {
        text.WriteLine();
        text.WriteLine($"{number}. {host.Url}{(host.Namespace is null ? "" : $"  (?ns={host.Namespace})")}");
        text.WriteLine($"  answers    {Said(host.Answer)}");
        if (host.Answer.Hint is { } hint)
        {
            text.WriteLine($"  try        {hint}");
        }

        text.WriteLine($"  because    {host.Origin ?? "it is the registry itself"}");
        text.WriteLine($"  may        {string.Join(", ", host.Capabilities)}");
        text.WriteLine($"  through    {host.Proxy ?? "no proxy"}");
        if (host.Url.StartsWith("https:", StringComparison.Ordinal))
        {
            text.WriteLine(host.SkipVerify
                ? "  trusts     ANYBODY: skip_verify is set"
                : $"  trusts     the system's authorities{string.Concat(host.Authorities.Select(a => $", {a}"))}");
        }

        if (host.ClientCertificates.Count > 0)
        {
            text.WriteLine($"  shows      {string.Join(", ", host.ClientCertificates)}");
        }

        if (host.Headers.Count > 0)
        {
            text.WriteLine($"  sends      {string.Join(", ", host.Headers)}");
        }

        var found = host.Logins.FirstOrDefault(l => l.Outcome is "found" or "failed");
        text.WriteLine(found is null ? "  login      none: anonymous" : $"  login      {found.Place}: {found.Says}");
        foreach (var place in host.Logins.Where(l => l != found))
        {
            text.WriteLine($"             {place.Place}: {(place.Outcome == "skipped" ? "not looked at, " : "")}{place.Says}");
        }
    }

    private static string Said(ExplainedAnswer answer) =>
        answer.Digest is null ? $"NO: {answer.Message}" : $"yes: {answer.Digest}, {answer.MediaType}, in {answer.Milliseconds} ms";
}
