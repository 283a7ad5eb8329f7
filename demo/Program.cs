using System.Text.Json;
using Hyperkube.Demo;
using Hyperkube.Oci;
using Hyperkube.Testing;

// The main job, end to end and offline: what a release engineer does, and what a node does with the result.
const string Version = "v1.36.4";
if (args is not [var hyperkube, var directory])
{
    await Console.Error.WriteLineAsync("usage: Hyperkube.Demo HYPERKUBE DIRECTORY");
    return 2;
}

if (Directory.Exists(directory))
{
    Directory.Delete(directory, recursive: true);
}

Stage stage = new(Console.Out, hyperkube);
var (site, usb) = (Path.Combine(directory, "site"), Path.Combine(directory, "usb"));
var (image, node) = (Path.Combine(directory, "image"), Path.Combine(directory, "node"));
var host = Platform.Host;

stage.Step("A release as upstream lays it out: stand-ins, tiny but real programs, with their checksums and without signatures");
ReleaseTree.Write(site, Version);
stage.Say(string.Join('\n', Directory.GetFiles(site, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
    .Where(f => !f.Contains(".sha", StringComparison.Ordinal)).Select(f => $"{f}  {new FileInfo(f).Length} bytes")));

stage.Step("Fetch it: every file is checked on the way (from https://dl.k8s.io/release, were there a network)");
await stage.HyperkubeAsync(["fetch", Version, "--source", site, "--to", usb, "--verify", "checksum"]);

stage.Step("Build the image, for two platforms, without a daemon and without root");
await stage.HyperkubeAsync(["build", Version, "--source", usb, "--verify", "checksum", "--output", $"oci:{image}", "--output", $"oci-archive:{image}.tar"]);

stage.Step("Look inside");
await stage.HyperkubeAsync(["inspect", $"oci-archive:{image}.tar"]);

stage.Step("Build it again: the same bytes, so the same digest");
var first = await DigestAsync(["inspect", $"oci:{image}:{Version}"]);
var second = await DigestAsync(["build", Version, "--source", site, "--verify", "checksum", "--output", $"oci:{image}-again", "--jobs", "1"]);
stage.Check(first == second, $"{first}\n{second}", "two builds gave two digests");

stage.Step($"Unpack the layers for {host} with tar, as any container engine does, and run what is inside");
Directory.CreateDirectory(node);
foreach (var layer in await LayersAsync())
{
    await stage.RunAsync("tar", ["-xzf", Path.Combine(image, "blobs", "sha256", layer), "-C", node]);
}

var said = await stage.RunAsync(Path.Combine(node, "kubelet"), ["--version"]);
stage.Check(said.Contains(Version, StringComparison.Ordinal), "kubelet is the release's", "kubelet did not say its version");
var code = await stage.RunUntilTerminatedAsync(Path.Combine(node, "sleep"));
stage.Check(code == 0, "the entrypoint waits, and leaves at SIGTERM with exit code 0", $"/sleep ended with exit code {code}");

stage.Step("Somebody changes one byte of kubelet on the way: nothing is built");
var victim = ReleaseTree.PathOf(usb, Version, host, "kubelet");
var bytes = await File.ReadAllBytesAsync(victim);
bytes[^2] ^= 1;
await File.WriteAllBytesAsync(victim, bytes);
var refused = await stage.HyperkubeAsync(["build", Version, "--source", usb, "--verify", "checksum", "--output", $"oci:{image}-tampered"], expected: 4);
stage.Check(!File.Exists(Path.Combine($"{image}-tampered", "index.json")), "no image was left behind", refused);

stage.Step("A release that is signed, as upstream's are: a small authority stands in for Sigstore and its log. --verify signature is the default");
var signed = Path.Combine(directory, "signed");
await using SignedRelease release = new(signed);
release.Write(Version);
await stage.HyperkubeAsync(["build", Version, "--source", signed, "--output", $"oci:{image}-signed", .. release.BuildWords]);

stage.Step("A node installs it offline: the evidence travels in the image, and nobody in between is trusted");
var root = Directory.CreateDirectory(Path.Combine(directory, "root")).FullName;
var owner = $"{(await stage.RunAsync("id", ["-u"])).Trim()}:{(await stage.RunAsync("id", ["-g"])).Trim()}";
string[] install = ["--root", root, "--owner", owner, "--trusted-root", release.TrustedRoot];
await stage.HyperkubeAsync(["install", $"oci:{image}-signed:{Version}", .. install]);

stage.Step("The image without signatures is refused, and what is installed stays");
await stage.HyperkubeAsync(["install", $"oci:{image}:{Version}", .. install], expected: 4);
await stage.HyperkubeAsync(["status", "--root", root]);

stage.Done($"All of it worked. The image is in {image}; clean up with: rm -r {directory}");
return 0;

async Task<string> DigestAsync(string[] command)
{
    using var json = JsonDocument.Parse(await stage.HyperkubeAsync([.. command, "--format", "json"], quiet: true));
    return json.RootElement.GetProperty("digest").GetString()!;
}

async Task<IReadOnlyList<string>> LayersAsync()
{
    using var json = JsonDocument.Parse(await stage.HyperkubeAsync(["inspect", $"oci:{image}:{Version}", "--format", "json"], quiet: true));
    return
    [
        .. json.RootElement.GetProperty("platforms").EnumerateArray()
            .Single(p => p.GetProperty("platform").GetString() == host.ToString())
            .GetProperty("layers").EnumerateArray()
            .Select(l => Digest.Parse(l.GetProperty("digest").GetString()).Hex),
    ];
}
