using System.Text;
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

/// <summary>Whoever signs in one run: opened when the first signature is wanted, and again when its certificate is about to end.</summary>
internal sealed class SigningSession : IDisposable
{
    /// <summary>What a signature and its witnesses may take.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(2);

    private readonly SigningRequest _request;
    private readonly Session _session;
    private readonly RetryPolicy _retry;
    private readonly HttpMessageInvoker _http;
    private readonly SigningKey? _key;
    private readonly Lazy<TrustedRoot> _trust;
    private readonly SemaphoreSlim _one = new(1);
    private readonly List<SigningKey> _certified = [];
    private (ImageSigningIdentity Identity, DateTimeOffset? Until)? _open;

    /// <summary>Reads the files that were named, and asks for a password: before anything else is begun.</summary>
    internal SigningSession(SigningRequest request, RegistryAccess access, Session session)
    {
        (_request, _session) = (request, session);
        _key = request.Key is { } file ? ReadKey(file) : null;
        _trust = request.TrustedRoot is null ? new Lazy<TrustedRoot>(request.ReadTrust) : new Lazy<TrustedRoot>(request.ReadTrust());
        _retry = new RetryPolicy { Time = session.Host.Time };
        _http = HttpConnections.Create(new EnvironmentProxy(session.Host.Variable), HostTls.Trusting(access.Authorities));
    }

    /// <summary>Whom to believe about the services.</summary>
    internal TrustedRoot Trust => _trust.Value;

    /// <summary>Who signs now.</summary>
    internal async Task<ImageSigningIdentity> OpenAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_open is not { } open || open.Until - Margin < _session.Host.Time.GetUtcNow())
            {
                _open = open = await OpenNewAsync(cancellationToken).ConfigureAwait(false);
            }

            return open.Identity;
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _one.Dispose();
        _key?.Dispose();
        foreach (var key in _certified)
        {
            key.Dispose();
        }
    }

    private async Task<(ImageSigningIdentity Identity, DateTimeOffset? Until)> OpenNewAsync(CancellationToken cancellationToken)
    {
        if (_key is not null && _request is { Rekor: null, Timestamp: null })
        {
            TrustedSigner known = new($"the key {_request.Key}", VerificationPolicy.SignedBy(_key.PublicKey).UnsafeWithoutLog());
            return (ImageSigningIdentity.Of(_key, known), null);
        }

        SigningServices services = new(_http, _retry, _session.Log);
        var signer = _key is not null ? Signer.WithKey(_key) : await CertifyAsync(services, cancellationToken).ConfigureAwait(false);
        SigningWitnesses witnesses = new(services, _request.Rekor ?? (_key is null ? RekorClient.PublicGood : null), _request.Timestamp);
        return (ImageSigningIdentity.Of(new WitnessedSigner(signer, witnesses, Trust)), signer.ValidUntil);
    }

    private async Task<Signer> CertifyAsync(SigningServices services, CancellationToken cancellationToken)
    {
        var key = SigningKey.Generate();
        _certified.Add(key);
        IdentityToken surroundings = new(_http, _session.Host.Variable, _retry, _session.Log);
        var token = _request.Token == SigningFlags.Surroundings
            ? await surroundings.FindAsync(cancellationToken).ConfigureAwait(false)
            : IdentityToken.Read(_request.Token);
        return await services.CertifyAsync(_request.Fulcio, key, token, cancellationToken).ConfigureAwait(false);
    }

    private SigningKey ReadKey(string file)
    {
        var flag = $"{_request.Prefix}key";
        var pem = Encoding.UTF8.GetString(SmallFile.ReadNamed(file, flag).Span);
        try
        {
            return SigningKey.FromPem(pem, () => Password(file));
        }
        catch (SignatureException e)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"{flag} {file}: {e.Message}", e)
            {
                Hint = $"put the password into {_request.PasswordVariable ?? SigningFlags.DefaultPasswordVariable}, or make a key: "
                    + "cosign generate-key-pair",
            };
        }
    }

    private string? Password(string file) =>
        _request.PasswordVariable is { } name
            ? _session.Host.Variable(name)
                ?? throw new HyperkubeException(
                    ErrorKind.Usage, $"{_request.Prefix}password-env {name}: not set; expected the key's password in it")
            : _session.Host.Variable(SigningFlags.DefaultPasswordVariable) ?? _session.Host.AskSecret($"Password of {file}: ");
}
