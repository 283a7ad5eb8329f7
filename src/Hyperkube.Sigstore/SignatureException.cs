namespace Hyperkube.Sigstore;

/// <summary>Which check failed. Each is one step of the verification, so that a message can be acted on.</summary>
public enum SignatureFailure
{
    /// <summary>There is no signature: nothing was given, or the document carries none.</summary>
    NotSigned,

    /// <summary>The evidence cannot be read, or breaks a rule of its format.</summary>
    Malformed,

    /// <summary>The trusted root or a key of the caller cannot be read.</summary>
    BadTrust,

    /// <summary>The signature is for other content.</summary>
    WrongArtifact,

    /// <summary>The signature does not fit its key.</summary>
    BadSignature,

    /// <summary>Somebody else signed: another identity, another issuer, or another key than the policy demands.</summary>
    WrongSigner,

    /// <summary>The certificate does not come from a trusted authority, or is not one that may sign.</summary>
    UntrustedCertificate,

    /// <summary>The certificate, or a key of a log or an authority, was not valid at the time that was proved.</summary>
    OutsideValidity,

    /// <summary>A certificate log's promise, the SCT, is missing or wrong.</summary>
    BadCertificateLog,

    /// <summary>The log entry is about another signature, or of a kind that says nothing about this one.</summary>
    BadLogEntry,

    /// <summary>The log's promise, the signed entry timestamp, is wrong.</summary>
    BadEntryTimestamp,

    /// <summary>The entry is not proved to be in the log.</summary>
    BadInclusionProof,

    /// <summary>The log's signed tree head is wrong.</summary>
    BadCheckpoint,

    /// <summary>A timestamp authority's answer is wrong.</summary>
    BadTimestamp,

    /// <summary>What is there is in order, and is less than the policy demands.</summary>
    MissingEvidence,
}

/// <summary>The one failure of this room: evidence that proves nothing. Its message names the check.</summary>
public sealed class SignatureException(SignatureFailure failure, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>Which check failed.</summary>
    public SignatureFailure Failure { get; } = failure;
}
