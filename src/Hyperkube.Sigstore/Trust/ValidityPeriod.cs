namespace Hyperkube.Sigstore.Trust;

/// <summary>When something is trusted. Both ends belong to it; one that is missing is open.</summary>
/// <param name="Start">The first moment.</param>
/// <param name="End">The last moment.</param>
public sealed record ValidityPeriod(DateTimeOffset? Start, DateTimeOffset? End)
{
    /// <summary>Whether a moment is in it.</summary>
    public bool Contains(DateTimeOffset time) => !(time < Start) && !(time > End);

    /// <summary>As messages say it: <c>from 2021-01-12T11:53:27Z to 2022-12-31T23:59:59Z</c>.</summary>
    public override string ToString() =>
        (Start is { } start ? $"from {Moment.Of(start)}" : "from ever") + (End is { } end ? $" to {Moment.Of(end)}" : " on");

    internal static ValidityPeriod Read(JsonPart? part) => new(part?.Find("start")?.Time(), part?.Find("end")?.Time());
}
