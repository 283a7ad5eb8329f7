using System.Buffers.Binary;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Hyperkube.Testing.Sigstore;

/// <summary>A promise of a certificate log that is put into a certificate; right unless told.</summary>
public sealed record SctRecipe(TestKey Log)
{
    /// <summary>After the certificate's first second.</summary>
    public TimeSpan After { get; init; } = TimeSpan.FromSeconds(1);

    public byte[] Extensions { get; init; } = [];

    public byte Version { get; init; }

    /// <summary>What the log calls itself.</summary>
    public byte[] LogId { get; init; } = Log.SpkiHash;

    /// <summary>Changes what is signed.</summary>
    public Func<byte[], byte[]> Alter { get; init; } = content => content;
}

/// <summary>A signer's certificate, like Fulcio's; right unless told.</summary>
public sealed record CertificateRecipe
{
    public const string Email = "krel-staging@k8s-releng-prod.iam.gserviceaccount.com";
    public const string Google = "https://accounts.google.com";

    public string Subject { get; init; } = Email;

    /// <summary>1 for an e-mail address, 6 for a URI, 0 for Fulcio's other name.</summary>
    public int SubjectKind { get; init; } = 1;

    public string? Issuer { get; init; } = Google;

    /// <summary>The issuer in the older extension; null for none.</summary>
    public string? OldIssuer { get; init; } = Google;

    public DateTimeOffset From { get; init; } = SigstoreAuthority.SignedAt.AddMinutes(-1);

    public TimeSpan Lifetime { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Null for the log of the authority.</summary>
    public IReadOnlyList<SctRecipe>? Scts { get; init; }

    /// <summary>Changes the list of promises as it is encoded.</summary>
    public Func<byte[], byte[]> AlterSctList { get; init; } = list => list;

    /// <summary>Who issues it; null for the authority's intermediate.</summary>
    public TestIssuer? IssuedBy { get; init; }

    /// <summary>Changes the extensions before it is issued.</summary>
    public Func<List<X509Extension>, IEnumerable<X509Extension>> Alter { get; init; } = extensions => extensions;

    /// <summary>Issues it.</summary>
    /// <returns>DER.</returns>
    public byte[] Issue(TestIssuer issuer, TestKey key, TestKey certificateLog)
    {
        X500DistinguishedName nobody = new("");
        var serial = (byte[])[1, .. RandomNumberGenerator.GetBytes(15)];
        var extensions = Alter(Extensions()).ToList();
        var scts = Scts ?? [new SctRecipe(certificateLog)];
        if (scts.Count == 0)
        {
            return issuer.Issue(nobody, key, From, From + Lifetime, extensions, serial);
        }

        // The log signs the certificate as it is without the promise.
        var before = issuer.Issue(nobody, key, From, From + Lifetime, extensions, serial);
        var promises = scts.SelectMany(s => Vector(Encode(s, TbsOf(before), issuer.Key.SpkiHash))).ToArray();
        AsnWriter writer = new(AsnEncodingRules.DER);
        writer.WriteOctetString(AlterSctList(Vector(promises)));
        return issuer.Issue(
            nobody, key, From, From + Lifetime, [.. extensions, new X509Extension("1.3.6.1.4.1.11129.2.4.2", writer.Encode(), critical: false)], serial);
    }

    private List<X509Extension> Extensions()
    {
        List<X509Extension> extensions =
        [
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true),
            TestIssuer.Purposes(TestIssuer.CodeSigning),
            SubjectName(Subject, SubjectKind),
        ];
        if (OldIssuer is not null)
        {
            extensions.Add(new X509Extension("1.3.6.1.4.1.57264.1.1", Encoding.UTF8.GetBytes(OldIssuer), critical: false));
        }

        if (Issuer is not null)
        {
            AsnWriter writer = new(AsnEncodingRules.DER);
            writer.WriteCharacterString(UniversalTagNumber.UTF8String, Issuer);
            extensions.Add(new X509Extension("1.3.6.1.4.1.57264.1.8", writer.Encode(), critical: false));
        }

        return extensions;
    }

    public static X509Extension SubjectName(string subject, int kind)
    {
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            Asn1Tag tag = new(TagClass.ContextSpecific, kind);
            if (kind != 0)
            {
                writer.WriteCharacterString(UniversalTagNumber.IA5String, subject, tag);
            }
            else
            {
                using (writer.PushSequence(tag))
                {
                    writer.WriteObjectIdentifier("1.3.6.1.4.1.57264.1.7");
                    using (writer.PushSequence(tag))
                    {
                        writer.WriteCharacterString(UniversalTagNumber.UTF8String, subject);
                    }
                }
            }
        }

        return new X509Extension("2.5.29.17", writer.Encode(), critical: true);
    }

    private byte[] Encode(SctRecipe sct, byte[] tbs, byte[] issuerKeyHash)
    {
        var time = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(time, (From + sct.After).ToUnixTimeMilliseconds());
        byte[] length = [(byte)(tbs.Length >> 16), (byte)(tbs.Length >> 8), (byte)tbs.Length];
        byte[] content = [0, 0, .. time, 0, 1, .. issuerKeyHash, .. length, .. tbs, .. Vector(sct.Extensions)];
        var isRsa = sct.Log.Details.Contains("RSA", StringComparison.Ordinal);
        var signature = sct.Log.Sign(sct.Alter(content), HashAlgorithmName.SHA256);
        return [sct.Version, .. sct.LogId, .. time, .. Vector(sct.Extensions), 4, (byte)(isRsa ? 1 : 3), .. Vector(signature)];
    }

    private static byte[] Vector(byte[] content) => [(byte)(content.Length >> 8), (byte)content.Length, .. content];

    private static byte[] TbsOf(byte[] certificate) =>
        new AsnReader(certificate, AsnEncodingRules.DER).ReadSequence().ReadEncodedValue().ToArray();
}
