using System.Buffers.Binary;
using System.Formats.Asn1;
using System.Security.Cryptography;
using Hyperkube.Sigstore.Trust;

namespace Hyperkube.Sigstore.Certificates;

/// <summary>The promises of certificate logs, the SCTs, that a certificate carries.</summary>
/// <remarks>Source: https://www.rfc-editor.org/rfc/rfc6962#section-3.2 and #section-3.3</remarks>
internal static class SctList
{
    private const int MaxScts = 16;
    private const int LogIdBytes = 32;
    private const byte Sha256Code = 4;
    private const byte RsaCode = 1;
    private const byte EcdsaCode = 3;

    /// <summary>Checks every SCT of a certificate that is of a trusted log. What a log has promised that is not known here, a newer one
    /// perhaps, counts for nothing.</summary>
    /// <param name="leaf">Whose.</param>
    /// <param name="issuer">What issued it, which the logs have signed with it.</param>
    /// <param name="logs">Those that are trusted.</param>
    /// <param name="least">How many logs have to have promised.</param>
    internal static void Check(Certificate leaf, Certificate issuer, IReadOnlyList<TransparencyLog> logs, int least)
    {
        var promised = 0; // Each by another log.
        SignatureException? unknown = null;
        foreach (var sct in leaf.Find(Oids.SctList) is { } extension ? Read(extension) : [])
        {
            List<TransparencyLog> candidates = [.. logs.Where(l => l.KeyId.Span.SequenceEqual(sct.LogId))];
            if (candidates.Count == 0)
            {
                unknown ??= Failed($"the log {Convert.ToHexStringLower(sct.LogId)} is not in the trusted root");
                continue;
            }

            _ = FirstGood.Of(candidates, log => Check(sct, leaf, issuer, log));
            promised++;
        }

        if (promised < least)
        {
            throw unknown ?? Failed($"{promised} logs have promised to publish the certificate; expected {least}");
        }
    }

    private static TransparencyLog Check(Sct sct, Certificate leaf, Certificate issuer, TransparencyLog log)
    {
        if (!log.ValidFor.Contains(sct.Time))
        {
            throw new SignatureException(
                SignatureFailure.OutsideValidity,
                $"certificate log: {log.Name} is trusted {log.ValidFor}, not at {Moment.Of(sct.Time)}");
        }

        var (key, scheme) = log.Open(SignatureFailure.BadCertificateLog);
        var family = sct.Algorithm == RsaCode ? KeyFamily.Rsa : KeyFamily.Ecdsa;
        var content = SignedContent(sct, leaf, issuer);
        return key.Family == family && key.Verify(content, sct.Signature, scheme with { Hash = HashAlgorithmName.SHA256 })
            ? log
            : throw Failed($"the signature is not that of {log.Name}");
    }

    private static List<Sct> Read(CertificateExtension extension)
    {
        try
        {
            AsnReader outer = new(extension.Value, AsnEncodingRules.DER);
            TlsReader list = new(outer.ReadOctetString());
            outer.ThrowIfNotEmpty();
            TlsReader items = new(list.Vector16());
            list.End();
            List<Sct> scts = [];
            while (items.HasData)
            {
                scts.Add(ReadOne(new TlsReader(items.Vector16())));
                if (scts.Count > MaxScts || scts[..^1].Exists(s => s.LogId.AsSpan().SequenceEqual(scts[^1].LogId)))
                {
                    throw new FormatException($"two promises of one log, or more than {MaxScts}");
                }
            }

            return scts;
        }
        catch (Exception e) when (e is AsnContentException or FormatException or ArgumentOutOfRangeException)
        {
            throw new SignatureException(
                SignatureFailure.BadCertificateLog, $"certificate log: the list of SCTs cannot be read: {e.Message}", e);
        }
    }

    private static Sct ReadOne(TlsReader reader)
    {
        if (reader.Byte() != 0)
        {
            throw new FormatException("an SCT that is not of version 1");
        }

        var logId = reader.Bytes(LogIdBytes);
        var milliseconds = BinaryPrimitives.ReadUInt64BigEndian(reader.Bytes(sizeof(ulong)));
        var extensions = reader.Vector16();
        var hash = reader.Byte();
        var algorithm = reader.Byte();
        var signature = reader.Vector16();
        reader.End();
        return hash == Sha256Code && algorithm is RsaCode or EcdsaCode && milliseconds <= long.MaxValue
            ? new Sct(logId, DateTimeOffset.FromUnixTimeMilliseconds((long)milliseconds), milliseconds, extensions, algorithm, signature)
            : throw new FormatException($"an SCT of the algorithm {hash}, {algorithm}; expected SHA-256 with ECDSA or RSA");
    }

    // The log signed the certificate as it was before the promise was put into it.
    private static byte[] SignedContent(Sct sct, Certificate leaf, Certificate issuer)
    {
        var tbs = WithoutPromise(leaf);
        using MemoryStream content = new();
        content.Write([0, 0]); // Version 1, of a certificate's timestamp.
        Span<byte> number = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(number, sct.Milliseconds);
        content.Write(number);
        content.Write([0, 1]); // A precertificate.
        content.Write(SHA256.HashData(issuer.Spki.Span));
        content.Write([(byte)(tbs.Length >> 16), (byte)(tbs.Length >> 8), (byte)tbs.Length]);
        content.Write(tbs);
        content.Write([(byte)(sct.Extensions.Length >> 8), (byte)sct.Extensions.Length]);
        content.Write(sct.Extensions);
        return content.ToArray();
    }

    // Everything else stays as it is, byte for byte.
    private static byte[] WithoutPromise(Certificate leaf)
    {
        Asn1Tag extensionsTag = new(TagClass.ContextSpecific, 3);
        var source = new AsnReader(leaf.Tbs, AsnEncodingRules.DER).ReadSequence();
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            while (!source.PeekTag().HasSameClassAndValue(extensionsTag))
            {
                writer.WriteEncodedValue(source.ReadEncodedValue().Span);
            }

            var extensions = source.ReadSequence(extensionsTag).ReadSequence();
            using (writer.PushSequence(extensionsTag))
            using (writer.PushSequence())
            {
                while (extensions.HasData)
                {
                    var extension = extensions.ReadEncodedValue();
                    if (new AsnReader(extension, AsnEncodingRules.DER).ReadSequence().ReadObjectIdentifier() != Oids.SctList)
                    {
                        writer.WriteEncodedValue(extension.Span);
                    }
                }
            }
        }

        return writer.Encode();
    }

    private static SignatureException Failed(string what) => new(SignatureFailure.BadCertificateLog, $"certificate log: {what}");

    private sealed record Sct(byte[] LogId, DateTimeOffset Time, ulong Milliseconds, byte[] Extensions, byte Algorithm, byte[] Signature);
}
