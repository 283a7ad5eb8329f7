using System.CommandLine;
using Hyperkube.Cli.Output;
using Hyperkube.Host;
using Hyperkube.Oci;

namespace Hyperkube.Cli.Commands;

/// <summary><c>hyperkube status</c>: what is installed here, and whether it still is.</summary>
internal static class StatusCommand
{
    internal static Command Create(Action<string, CancellationToken> run)
    {
        var root = HostFlags.RootOption();
        Command command = new("status",
            "Says what is installed here, from which image, and whether the files still are what was installed: each is read\n" +
            "again. Exit code 4 if one is not, 3 if nothing is installed. Changes nothing.\n\n" +
            "Example:\n" +
            "  hyperkube status --format json") { root };
        command.SetAction((line, token) => Task.Run(() => run(line.GetValue(root) ?? "/", token), token));
        return command;
    }

    internal static void Run(string path, Session session, CancellationToken cancellationToken)
    {
        using var root = HostRoot.Open(path);
        var report = HostReport.Of(root, session.Log.Warn, cancellationToken);
        session.Result(
            new StatusOutput(
                [.. report.Files.Select(f => Output(f, root))],
                [.. report.Receipt.Holds.Select(h => new HoldOutput(h.Digest, h.Paths, h.Because, h.Since))],
                [.. report.Receipt.Owed.Select(o => o.Unit)],
                report.IsInterrupted),
            CliJson.Default.StatusOutput,
            Write);
        if (report.Files.Count == 0)
        {
            throw new HyperkubeException(ErrorKind.NotFound, $"{root.Seen(HostState.DirectoryPath)}: nothing is installed here");
        }

        var wrong = report.Files.Where(f => f.State != FileState.Intact).ToList();
        if (wrong.Count > 0)
        {
            throw new HyperkubeException(
                ErrorKind.BadDigest, string.Join("; ", wrong.Select(f => $"{root.Seen(f.Binary.Path)}: {Said(f)}")))
            {
                Hint = "install it again, and find out who changed it",
            };
        }
    }

    private static string Said(InstalledFile file) => file.State == FileState.Missing
        ? "is gone"
        : $"is {(file.ActualSha256 is { } actual ? $"sha256:{actual}" : "no file")}; installed was sha256:{file.Binary.Sha256}";

    private static StatusFile Output(InstalledFile file, HostRoot root) => new(
        file.Binary.Name,
        root.Seen(file.Binary.Path),
        file.Binary.Reference,
        file.Binary.Digest,
        file.Binary.Version,
        file.Binary.VersionProof,
        file.Binary.Sha256,
        file.Binary.Size,
        InstallCommand.Word(file.Binary.Verified),
        file.Binary.InstalledAt,
        file.State switch
        {
            FileState.Intact => "intact",
            FileState.Modified => "modified",
            _ => "missing",
        },
        file.Binary.Previous is { } previous
            ? new PreviousOutput(previous.Installed?.Version, previous.Installed?.Digest, previous.Sha256, previous.Link)
            : null,
        [.. file.Running.Select(r => new RunningOutput(r.Process, r.IsOlder))],
        file.Binary.Signature?.Signer,
        file.Binary.Signature?.SignedAt,
        file.Binary.Signature?.LogIndex,
        file.Binary.Commit);

    private static void Write(StatusOutput status, TextWriter text)
    {
        foreach (var file in status.Files)
        {
            var problem = file.State == "intact" ? "" : $"  {Upper(file.State)}";
            text.WriteLine($"{file.Path}  {file.Version ?? "of an unknown version"} ({file.VersionProof}){problem}");
            text.WriteLine($"  from       {file.Reference}");
            text.WriteLine($"  image      {file.Digest}");
            text.WriteLine($"  installed  {file.InstalledAt:yyyy-MM-dd HH:mm:ss} UTC, "
                + $"verified by {InstallCommand.Proof(file.Verified, file.Signer)}");
            if (file.SignedAt is { } signed)
            {
                text.WriteLine($"  signed     {signed:yyyy-MM-dd HH:mm:ss} UTC by {file.Signer}, log entry {file.LogIndex}");
            }

            text.WriteLine($"  content    sha256:{file.Sha256}  {Sizes.Text(file.Size)}");
            if (file.Previous is { } previous)
            {
                text.WriteLine($"  before     {previous.Version ?? previous.Link ?? $"sha256:{previous.Sha256}"}; rollback puts it back");
            }

            foreach (var process in file.Running)
            {
                text.WriteLine($"  process    {process.Pid} {(process.Older ? "runs an OLDER file: restart it" : "runs it")}");
            }
        }

        foreach (var hold in status.Holds)
        {
            text.WriteLine($"on hold      {hold.Digest} since {hold.Since:yyyy-MM-dd HH:mm:ss} UTC: {hold.Because}");
        }

        foreach (var unit in status.RestartsOwed)
        {
            text.WriteLine($"owed         {unit} has not been seen healthy with this: run install again");
        }

        if (status.Interrupted)
        {
            text.WriteLine("interrupted  an install was ended between two renames: run install again");
        }
    }

    private static string Upper(string word) => word.ToUpperInvariant();
}
