namespace Hyperkube.Sigstore;

/// <summary>A file that comes with this program.</summary>
internal static class Resource
{
    internal static byte[] Read(string name)
    {
        using var stream = typeof(Resource).Assembly.GetManifestResourceStream(name)!;
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }
}
