namespace Hyperkube.Oci.Http;

/// <summary>How the sending of a body goes on its connection: whether the far side has hung up on it.</summary>
/// <remarks>
/// It belongs to the flow of control that sends the body, because .NET shows the connection to nobody else. Not thread safe.
/// </remarks>
internal sealed class BodySending
{
    private static readonly AsyncLocal<BodySending?> InThisFlow = new();

    /// <summary>That of the body that is being sent here, or null.</summary>
    internal static BodySending? Current => InThisFlow.Value;

    /// <summary>Whether nobody reads the rest of the body.</summary>
    internal bool IsCutOff { get; private set; }

    /// <summary>Begins one; it ends with the asynchronous method that calls.</summary>
    internal static BodySending Begin() => InThisFlow.Value = new BodySending();

    internal void NoteCutOff() => IsCutOff = true;
}
