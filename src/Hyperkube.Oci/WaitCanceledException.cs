namespace Hyperkube.Oci;

/// <summary>A wait that its caller ended; the message says what was waited for.</summary>
public sealed class WaitCanceledException(string message, Exception innerException, CancellationToken token)
    : OperationCanceledException(message, innerException, token);
