using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hyperkube.Oci;

namespace Hyperkube.ToolImage;

/// <summary>The authorities of <c>ca-certificates</c> as one file, which on a Debian is made when the package is installed.</summary>
/// <remarks>The same bytes as <c>update-ca-certificates --default</c> makes. Source:
/// https://salsa.debian.org/debian/ca-certificates/-/blob/master/sbin/update-ca-certificates</remarks>
internal static class CertificateBundle
{
    /// <summary>Where programs look for it.</summary>
    internal const string Path = "etc/ssl/certs/ca-certificates.crt";

    /// <summary>Makes it of every <c>.crt</c> file below a directory, in the order of their paths' bytes.</summary>
    /// <exception cref="HyperkubeException">There is none, or one is no certificate.</exception>
    internal static byte[] Make(string directory)
    {
        var byBytes = Comparer<string>.Create(
            (a, b) => Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b)));
        var files = Directory.EnumerateFiles(directory, "*.crt", SearchOption.AllDirectories).Order(byBytes).ToList();
        if (files.Count == 0)
        {
            throw new HyperkubeException(ErrorKind.BadContent, $"{directory}: no file *.crt; expected certificates");
        }

        return [.. files.SelectMany(CertificateOf)];
    }

    private static byte[] CertificateOf(string file)
    {
        var content = Bytes.Read(file);
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(Encoding.UTF8.GetString(content));
        }
        catch (CryptographicException e)
        {
            throw new HyperkubeException(ErrorKind.BadContent, $"{file}: {e.Message}; expected a certificate in PEM", e);
        }

        return content[^1] == '\n' ? content : [.. content, (byte)'\n'];
    }
}
