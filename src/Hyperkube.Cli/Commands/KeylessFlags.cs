using System.CommandLine;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Http;
using Hyperkube.Oci.Registry;
using Hyperkube.Publishing;
using Hyperkube.Releases;
using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Signing;
using Hyperkube.Sigstore.Trust;

namespace Hyperkube.Cli.Commands;

/// <summary>Who certifies a name and bears witness, as the command line says it.</summary>
/// <param name="Token">A file with an ID token, or <see cref="KeylessFlags.Surroundings"/>.</param>
/// <param name="Fulcio">The certificate authority.</param>
/// <param name="Rekor">The log; null for none with a key, and for the public one without.</param>
/// <param name="Timestamp">The timestamp authority; null for none.</param>
/// <param name="TrustedRoot">A file with the keys of those services; null for those of Sigstore's public instance.</param>
internal sealed record KeylessRequest(string Token, Uri Fulcio, Uri? Rekor, Uri? Timestamp, string? TrustedRoot)
{
    /// <summary>Reads whom to believe about those services.</summary>
    internal TrustedRoot ReadTrust()
    {
        try
        {
            return TrustedRoot is { } file
                ? Sigstore.Trust.TrustedRoot.Parse(SmallFile.ReadNamed(file, "--trusted-root"))
                : Sigstore.Trust.TrustedRoot.PublicGood;
        }
        catch (SignatureException e)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"--trusted-root {TrustedRoot}: {e.Message}", e);
        }
    }
}

/// <summary>What talks to those services in one run.</summary>
internal sealed class KeylessSession(KeylessRequest request, RegistryAccess access, Session session) : IDisposable
{
    private readonly RetryPolicy _retry = new() { Time = session.Host.Time };

    private readonly HttpMessageInvoker _http = HttpConnections.Create(
        new EnvironmentProxy(session.Host.Variable), HostTls.Trusting(access.Authorities));

    /// <summary>Finds out who signs.</summary>
    /// <param name="key">The key, which stays the caller's.</param>
    /// <param name="file">Where it is from; null for one that a certificate is asked for.</param>
    /// <param name="trust">Whom to believe about the services.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    internal async Task<ImageSigningIdentity> OpenAsync(
        SigningKey key, string? file, TrustedRoot trust, CancellationToken cancellationToken)
    {
        if (file is not null && request is { Rekor: null, Timestamp: null })
        {
            return ImageSigningIdentity.Of(
                key, new TrustedSigner($"the key {file}", VerificationPolicy.SignedBy(key.PublicKey).UnsafeWithoutLog()));
        }

        SigningServices services = new(_http, _retry, session.Log);
        var signer = file is not null ? Signer.WithKey(key) : await CertifyAsync(services, key, cancellationToken).ConfigureAwait(false);
        SigningWitnesses witnesses = new(
            services, request.Rekor ?? (file is null ? RekorClient.PublicGood : null), request.Timestamp);
        return ImageSigningIdentity.Of(new WitnessedSigner(signer, witnesses, trust));
    }

    public void Dispose() => _http.Dispose();

    private async Task<Signer> CertifyAsync(SigningServices services, SigningKey key, CancellationToken cancellationToken)
    {
        var token = request.Token == KeylessFlags.Surroundings
            ? await new IdentityToken(_http, session.Host.Variable, _retry, session.Log).FindAsync(cancellationToken).ConfigureAwait(false)
            : IdentityToken.Read(request.Token);
        return await services.CertifyAsync(request.Fulcio, key, token, cancellationToken).ConfigureAwait(false);
    }
}

/// <summary>The flags for signing without a key of one's own, and before witnesses.</summary>
internal sealed class KeylessFlags
{
    internal const string Surroundings = "env";

    private readonly Option<string?> _token = new("--identity-token")
    {
        Description = "Without --key: an ID token in a file, or env (default) for SIGSTORE_ID_TOKEN, then GitHub's Actions",
        HelpName = $"FILE|{Surroundings}",
        CustomParser = Parsers.Text,
    };

    private readonly Option<string?> _fulcio = new("--fulcio-url")
    {
        Description = $"Without --key: who certifies the name (default: {SigningServices.PublicFulcio.OriginalString})",
        HelpName = "URL",
        CustomParser = Parsers.Text,
    };

    private readonly Option<string?> _rekor = new("--rekor-url")
    {
        Description = $"The log, of Rekor's first version (default: with --key none, else {RekorClient.PublicGood.OriginalString})",
        HelpName = "URL",
        CustomParser = Parsers.Text,
    };

    private readonly Option<string?> _timestamp = new("--timestamp-url")
    {
        Description = "A timestamp authority, its whole URL (default: none)",
        HelpName = "URL",
        CustomParser = Parsers.Text,
    };

    private readonly Option<string?> _trustedRoot = new("--trusted-root")
    {
        Description = "The keys of those services, a trusted_root.json (default: those of Sigstore's public instance)",
        HelpName = "FILE",
        CustomParser = Parsers.Text,
    };

    internal KeylessFlags(Command command, Option<string?> key)
    {
        foreach (var option in (Option[])[_token, _fulcio, _rekor, _timestamp, _trustedRoot])
        {
            command.Options.Add(option);
        }

        command.Validators.Add(result =>
        {
            foreach (var option in (Option<string?>[])[_token, _fulcio])
            {
                if (result.GetValue(key) is not null && result.GetValue(option) is not null)
                {
                    result.AddError($"--key and {option.Name}: expected one of them");
                }
            }
        });
    }

    internal KeylessRequest Read(ParseResult line) => new(
        line.GetValue(_token) ?? Surroundings,
        Url(line, _fulcio) ?? SigningServices.PublicFulcio,
        Url(line, _rekor),
        Url(line, _timestamp),
        line.GetValue(_trustedRoot));

    private static Uri? Url(ParseResult line, Option<string?> option) =>
        line.GetValue(option) is { } text ? SigningServices.Url(text, option.Name) : null;
}
