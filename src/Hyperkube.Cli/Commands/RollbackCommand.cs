using System.CommandLine;
using Hyperkube.Cli.Output;
using Hyperkube.Host;

namespace Hyperkube.Cli.Commands;

/// <summary><c>hyperkube rollback [NAME...]</c>: what the last install replaced.</summary>
internal static class RollbackCommand
{
    /// <summary>What the command line asked for, parsed.</summary>
    internal sealed record Request(
        IReadOnlyList<string> Names, string Root, RestartRequest Restart, bool IsDry, TimeSpan LockPatience);

    internal static Command Create(GlobalOptions globals, Func<Request, CancellationToken, Task> run)
    {
        Argument<string[]> names = new("NAME")
        {
            Description = "Names or paths of what goes back (default: all that was replaced)",
            CustomParser = Parsers.Names,
            Arity = ArgumentArity.ZeroOrMore,
        };
        Command command = new("rollback",
            "Puts back what the last install that changed something replaced, and puts the digest that it leaves on hold: it\n" +
            "is not installed again until the reference points to another image, or with --force.\n\n" +
            "Example:\n" +
            "  hyperkube rollback --restart kubelet") { names };
        HostFlags host = new(command);
        command.SetAction((line, token) => run(
            new Request(
                line.GetValue(names) ?? [], host.Root(line), host.Restart(line), host.IsDry(line), HostFlags.LockPatience(line, globals)),
            token));
        return command;
    }

    internal static async Task RunAsync(Request request, Session session, CancellationToken cancellationToken)
    {
        using var root = HostRoot.Open(request.Root);
        HostRollback rollback = new(root, session.Log, session.Host.Variable("PATH"), session.Host.Time);
        var (binaries, restarted, failure) = await rollback.RunAsync(
            request.Names, request.Restart, request.IsDry, request.LockPatience, cancellationToken).ConfigureAwait(false);
        session.Result(
            new RollbackOutput([.. binaries.Select(b => Output(b, root))], restarted),
            CliJson.Default.RollbackOutput,
            (output, text) => Write(output, request.IsDry, text));
        if (failure is not null)
        {
            throw failure;
        }
    }

    private static RolledBackOutput Output(RolledBack back, HostRoot root) => new(
        back.Left.Name,
        root.Seen(back.Left.Path),
        new PreviousOutput(back.Left.Version, back.Left.Digest, back.Left.Sha256),
        new PreviousOutput(back.Restored.Installed?.Version, back.Restored.Installed?.Digest, back.Restored.Sha256, back.Restored.Link));

    private static void Write(RollbackOutput output, bool isDry, TextWriter text)
    {
        foreach (var binary in output.Binaries)
        {
            var to = binary.To.Version ?? binary.To.Link ?? $"sha256:{binary.To.Sha256}";
            var from = binary.From.Version ?? "an unknown version";
            text.WriteLine($"{binary.Path}  {(isDry ? "would go" : "went")} back from {from} to {to}");
            text.WriteLine($"  {binary.From.Digest} {(isDry ? "would be" : "is")} on hold");
        }

        if (output.Restarted.Count > 0)
        {
            text.WriteLine($"restarted {string.Join(", ", output.Restarted)}");
        }
    }
}
