namespace Hyperkube.Oci.Layout;

/// <summary>What besides the OCI layout stands in an archive.</summary>
public enum ArchiveFormat
{
    /// <summary>Nothing: one tar of an OCI layout.</summary>
    Oci,

    /// <summary>The <c>manifest.json</c> that <c>docker load</c> reads; one platform, no referrers.</summary>
    Docker,
}
