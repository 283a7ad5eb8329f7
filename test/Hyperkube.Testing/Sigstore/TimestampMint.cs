using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hyperkube.Testing.Sigstore;

/// <summary>A timestamp authority; its answers are right unless told.</summary>
public sealed class TimestampMint : IDisposable
{
    private const string TimestampInfo = "1.2.840.113549.1.9.16.1.4";

    private static readonly Asn1Tag Zero = new(TagClass.ContextSpecific, 0);
    private readonly TestIssuer _root;
    private readonly TestKey _key;
    private readonly List<byte[]> _above;

    /// <param name="root">Who issues the signing certificate.</param>
    /// <param name="from">Its first second.</param>
    /// <param name="to">Its last.</param>
    /// <param name="purposes">What it is for; timestamps alone unless told.</param>
    /// <param name="key">Its key; of P-256 unless told.</param>
    /// <param name="above">Further certificates that it sends along.</param>
    public TimestampMint(
        TestIssuer root, DateTimeOffset from, DateTimeOffset to, X509Extension? purposes = null, TestKey? key = null, params byte[][] above)
    {
        _root = root;
        _key = key ?? TestKey.P256();
        _above = [.. above];
        Certificate = root.Issue(
            new X500DistinguishedName("CN=hyperkube test timestamps"),
            _key,
            from,
            to,
            [
                new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true),
                purposes ?? TestIssuer.Purposes(critical: true, TestIssuer.TimeStamping),
            ]);
    }

    /// <summary>The signing certificate, in DER.</summary>
    public byte[] Certificate { get; }

    public TestIssuer Root => _root;

    /// <summary>Puts a time on something.</summary>
    /// <returns>A <c>TimeStampResp</c>.</returns>
    public byte[] Stamp(byte[] content, DateTimeOffset time, TimestampRecipe? recipe = null)
    {
        recipe ??= new TimestampRecipe();
        var info = Info(recipe, recipe.AlterImprint(CryptographicOperations.HashData(recipe.Imprint, content)), time);
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteInteger(recipe.Status);
            }

            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier("1.2.840.113549.1.7.2");
                using (writer.PushSequence(Zero))
                {
                    WriteSignedData(writer, info, recipe);
                }
            }
        }

        return writer.Encode();
    }

    public void Dispose() => _key.Dispose();

    private static string OidOf(HashAlgorithmName hash) =>
        $"2.16.840.1.101.3.4.2.{(hash == HashAlgorithmName.SHA256 ? 1 : hash == HashAlgorithmName.SHA384 ? 2 : 3)}";

    private static byte[] Info(TimestampRecipe recipe, byte[] imprint, DateTimeOffset time)
    {
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(1);
            writer.WriteObjectIdentifier("1.3.6.1.4.1.57264.2");
            using (writer.PushSequence())
            {
                WriteAlgorithm(writer, OidOf(recipe.Imprint));
                writer.WriteOctetString(imprint);
            }

            writer.WriteInteger(RandomNumberGenerator.GetInt32(int.MaxValue));
            writer.WriteGeneralizedTime(time, omitFractionalSeconds: true);
        }

        return writer.Encode();
    }

    private void WriteSignedData(AsnWriter writer, byte[] info, TimestampRecipe recipe)
    {
        using (writer.PushSequence())
        {
            writer.WriteInteger(3);
            using (writer.PushSetOf())
            {
                WriteAlgorithm(writer, OidOf(_key.Hash));
            }

            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(recipe.ContentType);
                using (writer.PushSequence(Zero))
                {
                    writer.WriteOctetString(info);
                }
            }

            if (recipe.WithCertificate)
            {
                using (writer.PushSetOf(Zero))
                {
                    writer.WriteEncodedValue(Certificate);
                    _above.ForEach(c => writer.WriteEncodedValue(c));
                }
            }

            using (writer.PushSetOf())
            {
                WriteSigner(writer, info, recipe);
            }
        }
    }

    private void WriteSigner(AsnWriter writer, byte[] info, TimestampRecipe recipe)
    {
        var attributes = Attributes(info, recipe);
        var tbs = new AsnReader(Certificate, AsnEncodingRules.DER).ReadSequence().ReadSequence();
        tbs.ReadEncodedValue();
        var serial = tbs.ReadIntegerBytes();
        using (writer.PushSequence())
        {
            writer.WriteInteger(recipe.ByKeyId ? 3 : 1);
            if (recipe.ByKeyId)
            {
                X509SubjectKeyIdentifierExtension id = new(_key.Request(_root.Name).PublicKey, critical: false);
                writer.WriteOctetString(id.SubjectKeyIdentifierBytes.Span, Zero);
            }
            else
            {
                using (writer.PushSequence())
                {
                    writer.WriteEncodedValue(_root.Name.RawData);
                    writer.WriteInteger(serial.Span);
                }
            }

            WriteAlgorithm(writer, OidOf(_key.Hash));
            writer.WriteEncodedValue([0xA0, .. attributes[1..]]);
            WriteAlgorithm(writer, _key.Details.Contains("RSA", StringComparison.Ordinal) ? "1.2.840.113549.1.1.11"
                : _key.Hash == HashAlgorithmName.SHA256 ? "1.2.840.10045.4.3.2"
                : _key.Hash == HashAlgorithmName.SHA384 ? "1.2.840.10045.4.3.3"
                : "1.2.840.10045.4.3.4");
            writer.WriteOctetString(recipe.AlterSignature(_key.Sign(attributes)));
        }
    }

    private byte[] Attributes(byte[] info, TimestampRecipe recipe)
    {
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSetOf())
        {
            WriteAttribute(writer, "1.2.840.113549.1.9.3", w => w.WriteObjectIdentifier(TimestampInfo));
            WriteAttribute(writer, "1.2.840.113549.1.9.4", w => w.WriteOctetString(
                recipe.AlterDigest(CryptographicOperations.HashData(_key.Hash, info))));
            if (recipe.NamesCertificate)
            {
                WriteAttribute(writer, "1.2.840.113549.1.9.16.2.47", w =>
                {
                    using (w.PushSequence())
                    using (w.PushSequence())
                    using (w.PushSequence())
                    {
                        w.WriteOctetString(recipe.AlterCertificateHash(SHA256.HashData(Certificate)));
                    }
                });
            }
        }

        return writer.Encode();
    }

    private static void WriteAttribute(AsnWriter writer, string oid, Action<AsnWriter> value)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(oid);
            using (writer.PushSetOf())
            {
                value(writer);
            }
        }
    }

    private static void WriteAlgorithm(AsnWriter writer, string oid)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(oid);
        }
    }
}
