namespace Hyperkube.Tests;

/// <summary>Steps that nobody watches.</summary>
internal static class Quiet
{
    internal static IActivity Step => NoActivityLog.Instance.Begin("", totalBytes: null);
}
