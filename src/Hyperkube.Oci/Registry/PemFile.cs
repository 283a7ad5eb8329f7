using System.Security.Cryptography;
using System.Text;
using Hyperkube.Oci.Configuration;

namespace Hyperkube.Oci.Registry;

/// <summary>Files of certificates and keys that a hosts.toml names: as with containerd, one that cannot be read fails the pull
/// instead of letting the next host answer.</summary>
/// <remarks>Only the form is looked at, so that a machine without OpenSSL can say what is wrong.</remarks>
internal static class PemFile
{
    /// <summary>The system's whole bundle of authorities is a quarter of this.</summary>
    private const int MaxBytes = 1 << 20;

    internal static void HasCertificate(string path, string setting, int line, TomlErrors errors) =>
        Has(path, label => label is "CERTIFICATE", setting, "a PEM file with a certificate", line, errors);

    internal static void HasKey(string path, string setting, int line, TomlErrors errors) =>
        Has(path, label => label is "PRIVATE KEY" || label.EndsWith(" PRIVATE KEY", StringComparison.Ordinal),
            setting, "a PEM file with a private key without a passphrase", line, errors);

    private static void Has(string path, Predicate<string> isWanted, string setting, string expected, int line, TomlErrors errors)
    {
        string text;
        try
        {
            text = Encoding.Latin1.GetString(BoundedFile.Read(path, MaxBytes));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw errors.At(line, $"{setting} '{path}' cannot be read: {e.Message}", expected, inner: e);
        }

        for (var rest = text.AsSpan(); PemEncoding.TryFind(rest, out var fields); rest = rest[fields.Location.End..])
        {
            if (isWanted(rest[fields.Label].ToString()))
            {
                return;
            }
        }

        throw errors.At(line, $"{setting} '{path}' holds none", expected);
    }
}

/// <summary>Reads files that somebody else may have written.</summary>
internal static class BoundedFile
{
    /// <summary>Reads a whole file.</summary>
    /// <exception cref="IOException">It cannot be read, or is longer.</exception>
    internal static byte[] Read(string path, int maxBytes)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        var bytes = new byte[Math.Min(file.Length, maxBytes) + 1];
        var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return length < bytes.Length ? bytes[..length] : throw new IOException($"it is longer than {maxBytes} bytes, or is being written");
    }
}
