using System.Net;
using System.Text.Json;
using Hyperkube.Oci;
using Hyperkube.Oci.Http;
using Hyperkube.Releases;
using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Bundles;
using Hyperkube.Sigstore.Signing;

namespace Hyperkube.Publishing;

/// <summary>The services that help to sign: one that certifies a name, logs and timestamp authorities that bear witness.</summary>
/// <param name="http">Sends requests.</param>
/// <param name="retry">How often and how patiently.</param>
/// <param name="log">Told about retries.</param>
public sealed class SigningServices(HttpMessageInvoker http, RetryPolicy retry, IActivityLog log)
{
    /// <summary>The certificate authority of Sigstore's public instance.</summary>
    public static readonly Uri PublicFulcio = new("https://fulcio.sigstore.dev");

    /// <summary>A timestamp takes 5 KiB.</summary>
    private const int MaxTimestampBytes = 128 << 10;

    private readonly ServiceClient _service = new(http, retry, log);

    /// <summary>Reads the URL of a service, which has to be reached over TLS unless it is on this machine.</summary>
    /// <param name="text">The URL.</param>
    /// <param name="flag">Where it was said.</param>
    /// <exception cref="HyperkubeException">It is none (<see cref="ErrorKind.Usage"/>).</exception>
    public static Uri Url(string text, string flag) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url)
            && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback))
                ? url
                : throw new HyperkubeException(ErrorKind.Usage, $"{flag}: not the URL of a service; expected https://HOST/PATH");

    /// <summary>Gets a certificate of some minutes for a key.</summary>
    /// <param name="fulcio">The authority.</param>
    /// <param name="key">The key; the caller disposes it.</param>
    /// <param name="token">Who asks.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="HyperkubeException">The authority refuses (<see cref="ErrorKind.AccessDenied"/>), or cannot be reached.</exception>
    public async Task<Signer> CertifyAsync(Uri fulcio, SigningKey key, string token, CancellationToken cancellationToken)
    {
        var url = Below(fulcio, "api/v2/signingCert");
        var answer = await _service.SendAsync(
            new ServiceCall(HttpMethod.Post, url)
            {
                Body = Signer.CertificateRequest(key, token),
                MaxBytes = Signer.MaxAnswerBytes,
                Hint = "name another certificate authority with --fulcio-url, or sign with a key: --key FILE",
                Expected = [HttpStatusCode.BadRequest, HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden],
            },
            cancellationToken).ConfigureAwait(false);
        if ((int)answer.Status >= 400)
        {
            throw new HyperkubeException(
                ErrorKind.AccessDenied, $"POST {HttpFailure.Where(url)}: {(int)answer.Status}: {Complaint(answer.Body)}")
            {
                Hint = "get a fresh token: it holds for some minutes, and for the audience sigstore alone",
            };
        }

        return Parsed(url, () => Signer.WithCertificate(key, answer.Body));
    }

    /// <summary>Puts a signature into a log of Rekor's first version.</summary>
    internal async Task<RekorEntry> LogAsync(Uri rekor, Signer signer, SigstoreBundle bundle, CancellationToken cancellationToken)
    {
        var url = Below(rekor, "api/v1/log/entries");
        ServiceCall call = new(HttpMethod.Post, url)
        {
            Body = signer.LogRequest(bundle),
            MaxBytes = RekorEntry.MaxAnswerBytes,
            Hint = "name another log with --rekor-url",
            Expected = [HttpStatusCode.Conflict],
        };
        var answer = await _service.SendAsync(call, cancellationToken).ConfigureAwait(false);
        if (answer.Status == HttpStatusCode.Conflict)
        {
            // An answer got lost: the entry is there.
            Uri there = answer.Location is { } location ? new(url, location) : throw Unreadable(url, "409 without a place");
            if (there.Host != url.Host || there.Port != url.Port || there.Scheme != url.Scheme)
            {
                throw Unreadable(url, $"the entry is said to be at {HttpFailure.Where(there)}");
            }

            answer = await _service.SendAsync(
                call with { Method = HttpMethod.Get, Uri = there, Body = null, Expected = [] }, cancellationToken).ConfigureAwait(false);
        }

        return Parsed(url, () => RekorEntry.ParseAnswer(answer.Body) is [var entry]
            ? entry
            : throw new SignatureException(SignatureFailure.Malformed, "answer of the log: not one entry"));
    }

    /// <summary>Has a timestamp put on a signature.</summary>
    internal async Task<ReadOnlyMemory<byte>> TimestampAsync(Uri authority, SigstoreBundle bundle, CancellationToken cancellationToken)
    {
        var answer = await _service.SendAsync(
            new ServiceCall(HttpMethod.Post, authority)
            {
                Body = bundle.TimestampRequest(),
                ContentType = "application/timestamp-query",
                Accept = "application/timestamp-reply",
                MaxBytes = MaxTimestampBytes,
                Hint = "name another timestamp authority with --timestamp-url",
            },
            cancellationToken).ConfigureAwait(false);
        return answer.Body;
    }

    private static Uri Below(Uri root, string path) => new($"{root.GetLeftPart(UriPartial.Path).TrimEnd('/')}/{path}");

    private static T Parsed<T>(Uri url, Func<T> parse)
    {
        try
        {
            return parse();
        }
        catch (SignatureException e)
        {
            throw new HyperkubeException(ErrorKind.BadContent, $"POST {HttpFailure.Where(url)}: {e.Message}", e);
        }
    }

    private static HyperkubeException Unreadable(Uri url, string came) =>
        new(ErrorKind.BadContent, $"POST {HttpFailure.Where(url)}: {came}; expected the entry");

    private static string Complaint(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return SmallText.Quote(document.RootElement.GetProperty("message").GetString() ?? "", 200);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return "refused";
        }
    }
}

/// <summary>Who is told of each signature that is made, and answers for it.</summary>
/// <param name="services">Asks them.</param>
/// <param name="log">A log of Rekor's first version; null for none.</param>
/// <param name="authority">A timestamp authority, its whole URL; null for none.</param>
public sealed class SigningWitnesses(SigningServices services, Uri? log, Uri? authority)
{
    /// <summary>Whether signatures are logged.</summary>
    internal bool HasLog => log is not null;

    internal async Task<SigstoreBundle> CompleteAsync(Signer signer, SigstoreBundle bundle, CancellationToken cancellationToken)
    {
        var complete = bundle;
        if (log is not null)
        {
            complete = complete.With(await services.LogAsync(log, signer, bundle, cancellationToken).ConfigureAwait(false));
        }

        if (authority is not null)
        {
            complete = complete.WithTimestamp(await services.TimestampAsync(authority, bundle, cancellationToken).ConfigureAwait(false));
        }

        return complete;
    }
}
