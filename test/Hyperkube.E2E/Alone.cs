namespace Hyperkube.E2E;

/// <summary>Tests that run one after the other and beside no others: engines of which a process starts one, and stops that are measured.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    /// <summary>For <see cref="CollectionAttribute"/>.</summary>
    public const string Name = "alone";
}
