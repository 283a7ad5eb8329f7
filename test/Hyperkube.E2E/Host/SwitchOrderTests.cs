using System.Text.RegularExpressions;

namespace Hyperkube.E2E.Host;

/// <summary>The order of the calls by which new files come into place, seen from outside: it is what survives a power loss.</summary>
public sealed class SwitchOrderTests
{
    [Fact]
    public async Task Files_then_intent_then_renames_then_directory_then_receipt()
    {
        await using var scene = await HostScene.CreateAsync(1 << 16);
        (await scene.InstallAsync(scene.Local(HostScene.Old))).Well();

        var calls = await Strace.TraceAsync(
            "fsync,fdatasync,renameat,renameat2,linkat,unlinkat", scene["trace"], scene.Words(scene.Local(HostScene.New)));

        Order order = new([.. calls.Where(c => c.EndsWith(" = 0", StringComparison.Ordinal))], scene);
        foreach (var name in (string[])["kubelet", "kubectl"])
        {
            order.Is($"fsync(#<{scene.Bin}/.hyperkube-stage-{name}>)", $"fsync(#<{scene.State}/.hyperkube-stage-intent.json>)");
            var rename = $"\".hyperkube-stage-{name}\", #<{scene.Bin}>, \"{name}\"";
            order.Is($"linkat(#<{scene.Bin}>, \"{name}\", #<{scene.Bin}>, \".hyperkube-keep-{name}\"", rename);
            order.Is("\"intent.json\"", $"linkat(#<{scene.Bin}>, \"{name}\"");
            order.Between(rename, $"fsync(#<{scene.Bin}>)", "\"receipt.json\"");
            order.Between("\".hyperkube-keep-kubectl\"", $"fsync(#<{scene.Bin}>)", rename);
            order.Is("\"receipt.json\"", "\".hyperkube-prev-" + name);
        }

        order.Is($"fsync(#<{scene.State}/.hyperkube-stage-intent.json>)", "\"intent.json\"");
        order.Between("\"intent.json\"", $"fsync(#<{scene.State}>)", "linkat(");
        order.Is($"fsync(#<{scene.State}/.hyperkube-stage-receipt.json>)", "\"receipt.json\"");
        order.Between("\"receipt.json\"", $"fsync(#<{scene.State}>)", $"unlinkat(#<{scene.State}>, \"intent.json\"");
    }

    // Descriptors' numbers do not matter.
    private sealed class Order(IReadOnlyList<string> calls, HostScene scene)
    {
        private readonly List<string> _calls =
            [.. calls.Select(c => Regex.Replace(c, "[0-9]+<", "#<", RegexOptions.None, TimeSpan.FromSeconds(1)))];

        internal void Is(string first, string then) => Assert.True(At(first) < At(then), $"{first} is not before {then}\n{this}");

        internal void Between(string first, string between, string then) => Assert.True(
            _calls.FindIndex(At(first), c => c.Contains(between)) is >= 0 and var at && at < At(then),
            $"no {between} after {first} and before {then}\n{this}");

        public override string ToString() => string.Join('\n', _calls).Replace(scene.Root, "");

        private int At(string part) =>
            _calls.FindIndex(c => c.Contains(part)) is >= 0 and var at ? at : throw new InvalidOperationException($"no {part}\n{this}");
    }
}
