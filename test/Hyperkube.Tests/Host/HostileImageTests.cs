using System.Diagnostics;
using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Host;

/// <summary>Images of enemies, of other tools, and of accidents: refused with the host untouched and nothing left behind, or installed
/// byte for byte where they are legal.</summary>
public sealed class HostileImageTests
{
    /// <summary>Seconds, on a machine that does other things as well.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(40);

    public static TheoryData<string> Cases => [.. HostileCases.Names];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task From_a_layout(string odd)
    {
        using HostileHost host = new();
        var image = HostileCases.Make(odd, Material.Small);

        await AssertAsync(odd, host, Material.Small, token => host.InstallAsync(image, token));
    }

    // Here layers are large enough to leave parts, and some lengths are known before the bytes.
    [Theory]
    [MemberData(nameof(Cases))]
    public async Task From_a_registry(string odd)
    {
        using HostileHost host = new();
        await using TestRegistry registry = new();
        var image = HostileCases.Make(odd, Material.Large);
        image.ServeAt(registry);

        await AssertAsync(odd, host, Material.Large, token => host.InstallAsync(image.Path, token, registry));
    }

    [Fact]
    public void There_are_enough_of_them() => Assert.True(HostileCases.Names.Count >= 60);

    private static async Task AssertAsync(string odd, HostileHost host, Material material, Func<CancellationToken, Task> install)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        end.CancelAfter(Longest);
        var begun = Stopwatch.GetTimestamp();
        var failure = await Record.ExceptionAsync(() => install(end.Token));
        Assert.True(Stopwatch.GetElapsedTime(begun) < Longest, $"{odd}: it took {Stopwatch.GetElapsedTime(begun)}");

        if (HostileCases.OutcomeOf(odd) == Outcome.Installed)
        {
            Assert.Null(failure);
            host.AssertInstalled(material.Kubelet);
            return;
        }

        var kind = Assert.IsType<HyperkubeException>(failure, exactMatch: false).Kind;
        if (HostileCases.OutcomeOf(odd) == Outcome.NotFound)
        {
            Assert.Equal(ErrorKind.NotFound, kind);
        }
        else
        {
            Assert.True(kind is ErrorKind.BadContent or ErrorKind.BadDigest, failure.ToString());
        }

        host.AssertUntouched();
    }
}
