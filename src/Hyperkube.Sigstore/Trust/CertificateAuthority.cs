using System.Collections.Concurrent;
using Hyperkube.Sigstore.Certificates;

namespace Hyperkube.Sigstore.Trust;

/// <summary>An authority of the trusted root: Fulcio, which certifies signers, or a timestamp authority.</summary>
public sealed class CertificateAuthority
{
    private const int MaxCertificates = 8;

    private readonly bool _isChainKnown;
    private readonly ConcurrentDictionary<(Certificate, Certificate), bool> _signed = [];

    private CertificateAuthority(JsonPart authority, bool isChainKnown)
    {
        _isChainKnown = isChainKnown;
        Location = authority.Find("uri")?.Text() ?? "";
        var subject = authority.Find("subject")?.Object();
        string?[] names = [subject?.Find("commonName")?.Text(), subject?.Find("organization")?.Text()];
        Subject = string.Join(", ", names.OfType<string>());
        ValidFor = ValidityPeriod.Read(authority.Find("validFor")?.Object());
        var chain = authority["certChain"].Object();
        Chain = chain["certificates"].Objects(MaxCertificates).ConvertAll(c => Certificate.Parse(c["rawBytes"].SomeBytes()));
        if (Chain.Count == 0)
        {
            throw new FormatException($"'{chain.Path}.certificates' is empty");
        }
    }

    /// <summary>Where it is served, as the trusted root writes it; empty when it does not say.</summary>
    public string Location { get; }

    /// <summary>Its name, as the trusted root writes it: <c>sigstore, sigstore.dev</c>; empty when it does not say.</summary>
    public string Subject { get; }

    /// <summary>When what it signs is trusted.</summary>
    public ValidityPeriod ValidFor { get; }

    /// <summary>The SHA-256 of its topmost certificate, in lower-case hex.</summary>
    public string Fingerprint => Chain[^1].Fingerprint;

    /// <summary>Its certificates, the topmost last.</summary>
    internal IReadOnlyList<Certificate> Chain { get; }

    /// <summary>How messages call it.</summary>
    internal string Name => Location.Length > 0 ? Location : Fingerprint;

    /// <summary>Reads one.</summary>
    /// <param name="authority">As the trusted root has it.</param>
    /// <param name="isChainKnown">Whether its certificates are known to have signed each other.</param>
    internal static CertificateAuthority Read(JsonPart authority, bool isChainKnown) => new(authority, isChainKnown);

    /// <summary>Whether one of its certificates has signed the other; they do not change, so each pair is checked once.</summary>
    internal bool HasSigned(Certificate issuer, Certificate certificate) =>
        _isChainKnown || _signed.GetOrAdd((issuer, certificate), static pair => pair.Item2.IsSignedBy(pair.Item1));
}
