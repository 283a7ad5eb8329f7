using System.Text.Json;
using Hyperkube.Oci;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Cli.Tests;

/// <summary>A shell with a signed release, and the image that build makes of it.</summary>
internal sealed class SignedShell : IAsyncDisposable
{
    internal static readonly Platform Amd64 = new("linux", "amd64");
    internal static readonly Platform Arm64 = new("linux", "arm64");

    internal SignedShell()
    {
        Shell.Variables.Remove("HYPERKUBE_BUILD_VERIFY");
        Shell.Variables.Remove("HYPERKUBE_FETCH_VERIFY");
        Release = new SignedRelease(Tree);
        Release.Write(Cli.Tests.Shell.Version);
    }

    internal Shell Shell { get; } = new();

    internal SignedRelease Release { get; }

    internal string Layout => $"oci:{Shell["layout"]}";

    /// <summary>Makes a command believe the release's authority.</summary>
    internal IReadOnlyList<string> Trust => ["--trusted-root", Release.TrustedRoot];

    internal string Tree => Shell["signed"];

    internal string PathOf(Platform platform, string name, string version = Cli.Tests.Shell.Version) => ReleaseTree.PathOf(Tree, version, platform, name);

    /// <summary>The evidence of a binary, in a file.</summary>
    internal string BundleOf(Platform platform, string name, string version = Cli.Tests.Shell.Version)
    {
        var path = Shell[$"{version}-{platform.Architecture}-{name}.json"];
        File.WriteAllBytes(path, Signed(platform, name, version).Json);
        return path;
    }

    /// <summary>Builds the image and answers its digest.</summary>
    internal async Task<string> BuildAsync(string version = Cli.Tests.Shell.Version, params IReadOnlyList<string> words)
    {
        var ended = await Shell.RunAsync(
            ["--format", "json", "build", version, "--source", Tree, "-o", Layout, .. Release.BuildWords, .. words]);
        return ended.With(0).Json.GetProperty("digest").GetString()!;
    }

    internal Task<Ended> RunAsync(params IReadOnlyList<string> words) => Shell.RunAsync(["--format", "json", .. words]);

    public async ValueTask DisposeAsync()
    {
        await Release.DisposeAsync();
        Shell.Dispose();
    }

    private SignedArtifact Signed(Platform platform, string name, string version) =>
        Release.Artifacts[Path.GetRelativePath(Tree, PathOf(platform, name, version))];
}

/// <summary>What JSON results are asked for.</summary>
internal static class JsonElementExtensions
{
    internal static string Text(this JsonElement element, string name) => element.GetProperty(name).ToString();

    internal static IReadOnlyList<JsonElement> Items(this JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray()];

    internal static string Names(this JsonElement element) => string.Join(' ', element.EnumerateObject().Select(p => p.Name));
}
