using System.CommandLine;

namespace Hyperkube.Cli.Commands;

/// <summary>All commands.</summary>
internal static class Root
{
    internal static RootCommand Create(GlobalOptions options, Func<Session> session)
    {
        RootCommand root = new("Carries the Kubernetes node binaries (kubelet, kubectl) through image registries: builds minimal,\n" +
            "reproducible images of a release from verified files, without a daemon, and installs them on hosts, atomically.\n\n" +
            "Every flag can be set in the environment: HYPERKUBE_<COMMAND>_<FLAG> or HYPERKUBE_<FLAG>.\n" +
            "Exit codes: 0 done, 1 a bug, 2 bad call, 3 not there, 4 wrong content, 5 refused, 6 try later, 7 this host,\n" +
            "8 a unit is not well.")
        {
            BuildCommand.Create((request, token) => BuildCommand.RunAsync(request, session(), token)),
            FetchCommand.Create((request, token) => FetchCommand.RunAsync(request, session(), token)),
            VersionsCommand.Create((request, token) => VersionsCommand.RunAsync(request, session(), token)),
            CopyCommand.Create((request, token) => CopyCommand.RunAsync(request, session(), token)),
            ExplainCommand.Create((request, token) => ExplainCommand.RunAsync(request, session(), token)),
            InspectCommand.Create((request, token) => InspectCommand.RunAsync(request, session(), token)),
            VerifyCommand.Create((request, token) => VerifyCommand.RunAsync(request, session(), token)),
            ReleaseCommand.Create((request, token) => ReleaseCommand.RunAsync(request, session(), token)),
            InstallCommand.Create(options, (request, token) => InstallCommand.RunAsync(request, session(), token)),
            StatusCommand.Create((root, token) => StatusCommand.Run(root, session(), token)),
            RollbackCommand.Create(options, (request, token) => RollbackCommand.RunAsync(request, session(), token)),
            SignCommand.Create((request, token) => SignCommand.RunAsync(request, session(), token)),
            TrustCommand.Create(
                file => TrustCommand.Show(file, session()), (request, token) => TrustCommand.UpdateAsync(request, session(), token)),
        };
        foreach (var option in options.All)
        {
            root.Options.Add(option);
        }

        return root;
    }
}
