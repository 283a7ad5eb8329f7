using Hyperkube.Oci;

namespace Hyperkube.Releases;

/// <summary>Binds a signed binary to its name and platform.</summary>
/// <remarks>
/// A signature is over bytes: a mirror could serve the truly signed kubectl as the kubelet, or another architecture's. The
/// Go linker has written into the same bytes which program they are, so that says it, and nobody can change it.
/// </remarks>
internal static class BinaryBinding
{
    private const string Commands = "k8s.io/kubernetes/cmd/";

    /// <summary>Server binaries that live in repositories of their own.</summary>
    /// <remarks>Source: https://github.com/kubernetes/kubernetes/blob/v1.34.2/hack/lib/golang.sh (server targets)</remarks>
    private static readonly Dictionary<string, string> Elsewhere = new(StringComparer.Ordinal)
    {
        ["apiextensions-apiserver"] = "k8s.io/apiextensions-apiserver",
        ["kube-aggregator"] = "k8s.io/kube-aggregator",
        ["kube-log-runner"] = "k8s.io/component-base/logs/kube-log-runner",
    };

    /// <summary>Proves that a program is the one of a name, for a platform.</summary>
    /// <param name="program">The program from its start; it can seek. The caller disposes it.</param>
    /// <param name="platform">What it must be for.</param>
    /// <param name="name">What it must be: <c>kubelet</c>.</param>
    /// <param name="where">Which file, for messages.</param>
    /// <returns>What it was built from.</returns>
    /// <exception cref="HyperkubeException">It is another; the message says which (<see cref="ErrorKind.BadContent"/>).</exception>
    internal static GoBuildInfo Check(Stream program, Platform platform, string name, string where)
    {
        var info = GoBuildInfo.Read(ElfFile.Check(program, platform, where));
        var expected = PackageOf(name);
        return info is not null && info.Path == expected && PlatformOf(info) == (platform.Os, platform.Architecture)
            ? info
            : throw new HyperkubeException(
                ErrorKind.BadContent, $"{where}: {Describe(info)}; expected {expected} for {platform.Os}/{platform.Architecture}")
            {
                Hint = "do not use it: its signature is in order, but it was put in another file's place",
            };
    }

    private static string PackageOf(string name) => Elsewhere.GetValueOrDefault(name) ?? Commands + name;

    private static (string?, string?) PlatformOf(GoBuildInfo info) =>
        (info.Settings.GetValueOrDefault("GOOS"), info.Settings.GetValueOrDefault("GOARCH"));

    private static string Describe(GoBuildInfo? info)
    {
        if (info is null)
        {
            return "it carries no Go build information, so nothing says which program it is";
        }

        var (os, architecture) = PlatformOf(info);
        var revision = info.Settings.GetValueOrDefault("vcs.revision");
        return $"it is {info.Path ?? "of no package"} for {os ?? "?"}/{architecture ?? "?"}"
            + $" ({info.GoVersion}{(revision is null ? "" : $", commit {revision}")})";
    }
}
