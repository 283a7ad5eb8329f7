using System.Text.Json;

namespace Hyperkube.E2E.Programs;

/// <summary>The program under test: the published one, or else the one that the JIT runs.</summary>
/// <param name="Program">What is started.</param>
/// <param name="Before">Words that stand before its own: an emulator and its options.</param>
internal sealed record Exe(string Program, params string[] Before)
{
    /// <summary>The one that <c>HYPERKUBE_EXE</c> names, else the debug build.</summary>
    internal static Exe Here { get; } = new(Machine.Variable("HYPERKUBE_EXE")
        ?? Path.Combine(Machine.Repository, "artifacts/bin/Hyperkube.Cli/debug/hyperkube"));

    /// <summary>The one that the public suite of Sigstore judges: what <c>HYPERKUBE_CONFORMANCE</c> names, else the debug build.</summary>
    internal static Exe Conformance { get; } = new(Machine.Variable("HYPERKUBE_CONFORMANCE")
        ?? Path.Combine(Machine.Repository, "artifacts/bin/Hyperkube.Conformance/debug/hyperkube-conformance"));

    /// <summary>Whether it is the published one.</summary>
    internal static bool IsPublished => Machine.Variable("HYPERKUBE_EXE") is not null;

    /// <summary>The published one for arm64, emulated.</summary>
    internal static Exe Arm64()
    {
        Machine.Needs("qemu-aarch64-static");
        var exe = Machine.Variable("HYPERKUBE_EXE_ARM64");
        if (exe is null)
        {
            Machine.Missing("no arm64 exe; publish one and name it in HYPERKUBE_EXE_ARM64");
        }

        return new Exe("qemu-aarch64-static", "-L", Machine.Input("root-arm64"), exe);
    }

    /// <summary>The published one, emulated on a processor of another kind.</summary>
    internal static Exe On(string processor)
    {
        Machine.Needs("qemu-x86_64-static");
        if (!IsPublished)
        {
            Machine.Missing("no published exe; publish one and name it in HYPERKUBE_EXE");
        }

        return new Exe("qemu-x86_64-static", "-cpu", processor, Here.Program);
    }

    internal RunningProgram Start(IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null) =>
        RunningProgram.Start(Program, [.. Before, .. arguments], environment);

    internal async Task<Ended> RunAsync(IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        using var running = Start(arguments, environment);
        return await running.EndAsync();
    }

    /// <summary>Runs a command that has to succeed.</summary>
    /// <returns>Its result.</returns>
    internal async Task<JsonElement> ResultAsync(
        IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var ended = (await RunAsync(["--format", "json", .. arguments], environment)).Well();
        using var json = JsonDocument.Parse(ended.Out);
        return json.RootElement.Clone();
    }
}
