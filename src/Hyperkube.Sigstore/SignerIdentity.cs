namespace Hyperkube.Sigstore;

/// <summary>Who signed: a name, and who vouched for it. Compared exactly, letter by letter.</summary>
/// <param name="Subject">The certificate's subject alternative name: an e-mail address, a URI, or Fulcio's other name.</param>
/// <param name="Issuer">The OpenID Connect issuer, such as <c>https://accounts.google.com</c>.</param>
public sealed record SignerIdentity(string Subject, string Issuer)
{
    /// <summary>As messages say it.</summary>
    public override string ToString() => $"{Subject} (vouched for by {Issuer})";
}
