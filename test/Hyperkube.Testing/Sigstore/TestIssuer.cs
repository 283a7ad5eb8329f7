using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hyperkube.Testing.Sigstore;

/// <summary>Issues certificates. What is wrong about one, the test puts into it.</summary>
public sealed class TestIssuer : IDisposable
{
    public const string CodeSigning = "1.3.6.1.5.5.7.3.3";
    public const string TimeStamping = "1.3.6.1.5.5.7.3.8";

    private TestIssuer(string name, TestKey key, DateTimeOffset from, DateTimeOffset to)
    {
        Name = new X500DistinguishedName($"O=hyperkube tests, CN={name}");
        Key = key;
        (From, To) = (from, to);
        Certificate = [];
    }

    public X500DistinguishedName Name { get; }

    public TestKey Key { get; }

    public DateTimeOffset From { get; }

    public DateTimeOffset To { get; }

    /// <summary>Its own certificate, in DER.</summary>
    public byte[] Certificate { get; private set; }

    public static TestIssuer Root(string name, DateTimeOffset from, DateTimeOffset to, TestKey? key = null)
    {
        TestIssuer issuer = new(name, key ?? TestKey.P384(), from, to);
        issuer.Certificate = issuer.Issue(issuer.Name, issuer.Key, from, to, Authority(pathLength: 1));
        return issuer;
    }

    /// <summary>An authority below this one.</summary>
    /// <param name="name">Its common name.</param>
    /// <param name="alter">Changes its extensions before it is issued.</param>
    /// <param name="key">Its key, of P-384 unless told.</param>
    public TestIssuer Below(string name, Func<List<X509Extension>, IEnumerable<X509Extension>>? alter = null, TestKey? key = null)
    {
        TestIssuer issuer = new(name, key ?? TestKey.P384(), From, To);
        var extensions = Authority(pathLength: 0);
        extensions.Add(Purposes(CodeSigning));
        issuer.Certificate = Issue(issuer.Name, issuer.Key, From, To, alter is null ? extensions : alter(extensions));
        return issuer;
    }

    /// <summary>The extension that says which key of the issuer's has signed.</summary>
    public const string AuthorityKeyId = "2.5.29.35";

    /// <summary>Issues a certificate with these extensions and the identifiers of both keys, unless they say the issuer's.</summary>
    public byte[] Issue(
        X500DistinguishedName subject, TestKey key, DateTimeOffset from, DateTimeOffset to, IEnumerable<X509Extension> extensions, byte[]? serial = null)
    {
        var publicKey = key.Request(subject).PublicKey;
        X509SubjectKeyIdentifierExtension issuers = new(Key.Request(Name).PublicKey, critical: false);

        // The hash has to suit the issuer's key, not the subject's.
        CertificateRequest request = new(subject, publicKey, Key.Hash, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(publicKey, critical: false));
        var all = extensions.ToList();
        if (!all.Exists(e => e.Oid!.Value == AuthorityKeyId))
        {
            request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(issuers));
        }

        foreach (var extension in all)
        {
            request.CertificateExtensions.Add(extension);
        }

        using var certificate = request.Create(Name, Key.Generator(), from, to, serial ?? [1, .. RandomNumberGenerator.GetBytes(15)]);
        return certificate.RawData;
    }

    public static X509Extension Purposes(params string[] oids) => Purposes(critical: false, oids);

    public static X509Extension Purposes(bool critical, params string[] oids)
    {
        OidCollection purposes = [];
        foreach (var oid in oids)
        {
            purposes.Add(new Oid(oid));
        }

        return new X509EnhancedKeyUsageExtension(purposes, critical);
    }

    public void Dispose() => Key.Dispose();

    private static List<X509Extension> Authority(int pathLength) =>
    [
        new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLength, critical: true),
        new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true),
    ];
}
