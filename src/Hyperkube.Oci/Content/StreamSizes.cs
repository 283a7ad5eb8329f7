namespace Hyperkube.Oci.Content;

/// <summary>Buffer sizes that several types share.</summary>
public static class StreamSizes
{
    /// <summary>One copy's buffer: 128 KiB. Larger ones were not faster here, and this many bytes stay in the cache of one core.</summary>
    public const int CopyBytes = 128 * 1024;
}
