using System.Text.Json;
using System.Text.Json.Nodes;
using Hyperkube.E2E.Images;

namespace Hyperkube.E2E.Peers;

/// <summary>An image of one platform, unpacked by umoci into what a runtime runs.</summary>
internal sealed record Bundle(string Directory)
{
    /// <summary>The unpacked files.</summary>
    internal string Root => Path.Combine(Directory, "rootfs");

    /// <summary>Unpacks a platform of an image.</summary>
    internal static async Task<Bundle> UnpackAsync(Sandbox sandbox, Layout layout, string architecture)
    {
        // umoci chooses no platform: skopeo does.
        var one = sandbox["one"];
        Bundle bundle = new(sandbox["bundle"]);
        (await sandbox.RunAsync(
            "skopeo", "--insecure-policy", "--override-arch", architecture, "copy", "-q", layout.Reference, $"oci:{one}:one")).Well();
        (await sandbox.RunAsync("umoci", "unpack", "--image", $"{one}:one", bundle.Directory)).Well();
        return bundle;
    }

    /// <summary>Takes every right away from the process, and leaves it the image's user and entrypoint.</summary>
    internal async Task HardenAsync()
    {
        var path = Path.Combine(Directory, "config.json");
        var config = JsonNode.Parse(await File.ReadAllBytesAsync(path))!;
        var process = config["process"]!.AsObject();
        process["terminal"] = false;
        process["noNewPrivileges"] = true;
        process.Remove("rlimits"); // Raising them is what not every root may.
        process["capabilities"] = JsonSerializer.SerializeToNode(new Dictionary<string, string[]>
        {
            ["bounding"] = [],
            ["effective"] = [],
            ["inheritable"] = [],
            ["permitted"] = [],
            ["ambient"] = [],
        });
        config["root"]!["readonly"] = true;
        await File.WriteAllTextAsync(path, config.ToJsonString());
    }
}
