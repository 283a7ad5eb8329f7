using Hyperkube.Testing;

namespace Hyperkube.Tests.Host;

/// <summary>What must come of an image.</summary>
internal enum Outcome
{
    /// <summary>Exit 4: content that is not what it says, or cannot be right.</summary>
    Refused,

    /// <summary>Exit 3: legal, and has no such file.</summary>
    NotFound,

    /// <summary>Legal: <see cref="Material.Kubelet"/> is there then.</summary>
    Installed,
}

/// <summary>What images are made of, small or large.</summary>
internal sealed record Material(byte[] Kubelet, byte[] Other)
{
    /// <summary>A layer of these is not worth keeping when it is interrupted.</summary>
    internal static Material Small { get; } = Of(0);

    /// <summary>A layer of these is kept as a part while it comes.</summary>
    internal static Material Large { get; } = Of(3 << 20);

    /// <summary>The wanted file as an entry.</summary>
    internal byte[] Entry => HostileTar.File("kubelet", Kubelet);

    /// <summary>A layer with the wanted file and nothing else.</summary>
    internal HostileLayer Layer => HostileLayer.Of(Entry);

    private static Material Of(int padTo) => new(
        StandInProgram.Create(HostileImage.Amd64, "Kubernetes v1.36.4\n", padTo),
        StandInProgram.Create(HostileImage.Amd64, "Kubernetes v1.29.0\n", padTo));
}

/// <summary>The corpus: what is odd about an image, and what must come of it.</summary>
internal static partial class HostileCases
{
    private static readonly Dictionary<string, (Outcome Outcome, Func<Material, HostileImage> Make)> All = new(StringComparer.Ordinal);

    static HostileCases()
    {
        AddNames();
        AddSizes();
        AddLinks();
        AddTypes();
        AddEnds();
        AddGzip();
        AddZstd();
        AddBombs();
        AddLayers();
        AddDescriptors();
        AddClaims();
        AddDocuments();
        AddManifests();
        AddPlatforms();
        AddPrograms();
    }

    internal static IReadOnlyCollection<string> Names => All.Keys;

    internal static Outcome OutcomeOf(string name) => All[name].Outcome;

    internal static HostileImage Make(string name, Material material) => All[name].Make(material);

    private static void Refused(string name, Func<Material, HostileImage> make) => All.Add(name, (Outcome.Refused, make));

    private static void Refused(string name, Func<Material, byte[][]> entries) =>
        Refused(name, m => HostileImage.Of(entries(m)));

    private static void NotFound(string name, Func<Material, HostileImage> make) => All.Add(name, (Outcome.NotFound, make));

    private static void Installed(string name, Func<Material, HostileImage> make) => All.Add(name, (Outcome.Installed, make));

    private static void Installed(string name, Func<Material, byte[][]> entries) =>
        Installed(name, m => HostileImage.Of(entries(m)));
}
