using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

/// <summary>A directory of hosts with a registry's own directory in it, and certificates and keys in that.</summary>
internal sealed class HostsTree : IDisposable
{
    private readonly TempDirectory _root = new();

    internal HostsTree(string name = "registry.example.com")
    {
        Directory = _root[name];
        using TestAuthority authority = new();
        var certificate = authority.Certificate.ExportCertificatePem();
        using var privateKey = System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions
            .GetECDsaPrivateKey(authority.Certificate)!;
        var key = privateKey.ExportPkcs8PrivateKeyPem();
        Write("ca.crt", authority.Pem);
        Write("sub/ca.crt", authority.Pem);
        Write("client.cert", certificate);
        Write("client.key", key);
        Write("both.pem", $"{certificate}\n{key}\n");
    }

    /// <summary>Where the registries' directories are.</summary>
    internal string Root => _root.Path;

    /// <summary>The registry's directory.</summary>
    internal string Directory { get; }

    internal void Write(string name, string text)
    {
        var path = Path.Combine(Directory, name);
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    /// <summary>Leaves nothing but the directory itself.</summary>
    internal void Clear()
    {
        System.IO.Directory.Delete(Directory, recursive: true);
        System.IO.Directory.CreateDirectory(Directory);
    }

    public void Dispose() => _root.Dispose();
}
