using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Hyperkube.Cli.Output;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Http;
using Hyperkube.Oci.Registry;
using Hyperkube.Releases;
using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Trust;
using Hyperkube.Sigstore.Tuf;

namespace Hyperkube.Cli.Commands;

/// <summary><c>hyperkube trust</c>: whom this program believes; <c>hyperkube trust update</c>: Sigstore's newest keys, into a file.
/// </summary>
internal static class TrustCommand
{
    /// <summary>What <c>trust update</c> was asked for, parsed.</summary>
    internal sealed record UpdateRequest(
        string Output, Uri Mirror, string? Root, IReadOnlyList<string> RedirectHosts, bool PlainHttp, string? Authorities);

    internal static Command Create(Action<string?> show, Func<UpdateRequest, CancellationToken, Task> update)
    {
        Option<string?> trustedRoot = new("--trusted-root")
        {
            Description = "Show this trusted_root.json (default: the one that comes with this program)",
            HelpName = "FILE",
            CustomParser = Parsers.Text,
        };
        Command command = new("trust",
            "Shows whose signatures are believed: the logs and authorities of Sigstore, by name, key and time, and who has to have\n" +
            "signed the binaries of a release. Asks nobody.\n\n" +
            "Example:\n" +
            "  hyperkube trust --format json") { trustedRoot, CreateUpdate(update) };
        command.SetAction(line => show(line.GetValue(trustedRoot)));
        return command;
    }

    private static Command CreateUpdate(Func<UpdateRequest, CancellationToken, Task> run)
    {
        Option<string> output = new("--output", "-o")
        {
            Description = "The file; what was seen is kept in FILE.tuf beside it, so that the next update takes nothing older",
            HelpName = "FILE",
            Required = true,
            CustomParser = Parsers.Text,
        };
        Option<Uri?> mirror = new("--mirror")
        {
            Description = "A mirror of the repository: the directory of timestamp.json " +
                $"(default: {PublicGoodRepository.Location.OriginalString})",
            HelpName = "URL",
            CustomParser = ParseMirror,
        };
        Option<string?> root = new("--root")
        {
            Description = "The repository's root.json to begin with (default: the one that comes with this program)",
            HelpName = "FILE",
            CustomParser = Parsers.Text,
        };
        Option<string[]> allowRedirect = new("--allow-redirect")
        {
            Description = "A host that the mirror may redirect to, beside its own; repeat",
            HelpName = "HOST",
            CustomParser = Parsers.Texts,
            Arity = ArgumentArity.OneOrMore,
        };
        Option<bool> plainHttp = new("--plain-http") { Description = "Let a mirror that is not on this machine speak HTTP without TLS" };
        Option<string?> authorities = new("--ca")
        {
            Description = "A PEM file of certificate authorities to trust beside the system's",
            HelpName = "FILE",
            CustomParser = Parsers.Text,
        };
        Command command = new("update",
            "Brings Sigstore's newest trusted_root.json into a file, through the checks of its TUF repository: nothing that a mirror\n" +
            "or the network does can put another one there. It is used only where --trusted-root names it.\n\n" +
            "Example:\n" +
            "  hyperkube trust update --output trusted_root.json") { output, mirror, root, allowRedirect, plainHttp, authorities };
        command.SetAction((line, token) => run(
            new UpdateRequest(
                line.GetRequiredValue(output), line.GetValue(mirror) ?? PublicGoodRepository.Location, line.GetValue(root),
                line.GetValue(allowRedirect) ?? [], line.GetValue(plainHttp), line.GetValue(authorities)),
            token));
        return command;
    }

    internal static void Show(string? file, Session session)
    {
        var json = file is null ? TrustedRoot.PublicGoodJson : SmallFile.ReadNamed(file, "--trusted-root");
        var root = file is null ? TrustedRoot.PublicGood : Parse(json, file);
        var (version, expires) = PublicGoodRepository.Describe(PublicGoodRepository.RootJson);
        session.Result(
            new TrustResult(
                file ?? "embedded",
                Digest.Of(json.Span).Hex,
                json.Length,
                root.MediaType,
                [.. root.SignatureLogs.Select(Log)],
                [.. root.CertificateLogs.Select(Log)],
                [.. root.CertificateAuthorities.Select(Authority)],
                [.. root.TimestampAuthorities.Select(Authority)],
                new TrustedSigner(ReleaseTrust.KubernetesRelease.Subject, ReleaseTrust.KubernetesRelease.Issuer),
                new TrustedRepository(
                    PublicGoodRepository.Location.OriginalString, Digest.Of(PublicGoodRepository.RootJson.Span).Hex, version, expires)),
            CliJson.Default.TrustResult,
            Write);
    }

    internal static async Task UpdateAsync(UpdateRequest request, Session session, CancellationToken cancellationToken)
    {
        var root = request.Root is null ? default(ReadOnlyMemory<byte>?) : SmallFile.ReadNamed(request.Root, "--root");
        using var http = HttpConnections.Create(new EnvironmentProxy(session.Host.Variable), HostTls.Trusting(request.Authorities));
        SiteOptions options = new()
        {
            Flag = "--mirror",
            NoRouteHint = "name a mirror that can be reached from here with --mirror",
            RedirectHosts = request.RedirectHosts,
            PlainHttp = request.PlainHttp,
            Logins = Netrc.Load(session.Host.Variable),
            Retry = new RetryPolicy { Time = session.Host.Time },
        };
        TrustedRootUpdate update = new(http, request.Mirror, options, session.Log);
        var updated = await update.RunAsync(request.Output, root, cancellationToken).ConfigureAwait(false);
        session.Result(
            new TrustUpdateResult(
                updated.File,
                updated.IsChanged,
                Digest.Of(updated.Json.Span).Hex,
                updated.Json.Length,
                update.Location,
                new RepositoryVersions(
                    updated.Versions[TufRole.Root], updated.Versions[TufRole.Timestamp],
                    updated.Versions[TufRole.Snapshot], updated.Versions[TufRole.Targets]),
                updated.Expires),
            CliJson.Default.TrustUpdateResult,
            Write);
    }

    private static Uri? ParseMirror(ArgumentResult result)
    {
        var text = result.Tokens[^1].Value;
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
        {
            return url;
        }

        result.AddError("--mirror: not a URL; expected https://HOST/PATH");
        return null;
    }

    private static TrustedRoot Parse(ReadOnlyMemory<byte> json, string file)
    {
        try
        {
            return TrustedRoot.Parse(json);
        }
        catch (SignatureException e)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"--trusted-root {file}: {e.Message}", e);
        }
    }

    private static TrustedLog Log(TransparencyLog log) => new(
        log.Location, Convert.ToHexStringLower(log.KeyId.Span), log.KeyDetails, log.ValidFor.Start, log.ValidFor.End);

    private static TrustedAuthority Authority(CertificateAuthority authority) => new(
        authority.Location, authority.Subject, authority.Fingerprint, authority.ValidFor.Start, authority.ValidFor.End);

    private static void Write(TrustResult trust, TextWriter text)
    {
        var source = trust.Source == "embedded" ? "the trusted root that comes with this program" : trust.Source;
        text.WriteLine($"{source}  {Sizes.Text(trust.Size)}");
        text.WriteLine($"  sha256:{trust.Sha256}");
        foreach (var (title, logs) in ((string, IReadOnlyList<TrustedLog>)[])
            [("signature logs", trust.SignatureLogs), ("certificate logs", trust.CertificateLogs)])
        {
            text.WriteLine();
            text.WriteLine(title);
            foreach (var log in logs)
            {
                text.WriteLine($"  {log.Url}  {Days(log.Start, log.End)}");
                text.WriteLine($"    {log.KeyKind} {log.KeyId}");
            }
        }

        foreach (var (title, authorities) in ((string, IReadOnlyList<TrustedAuthority>)[])
            [("certificate authorities", trust.CertificateAuthorities), ("timestamp authorities", trust.TimestampAuthorities)])
        {
            text.WriteLine();
            text.WriteLine(title);
            foreach (var authority in authorities)
            {
                text.WriteLine($"  {authority.Url}  {Days(authority.Start, authority.End)}");
                text.WriteLine($"    {authority.Name}, sha256:{authority.Fingerprint}");
            }
        }

        text.WriteLine();
        text.WriteLine("a release's binaries have to be signed by");
        text.WriteLine($"  {trust.Release.Identity}");
        text.WriteLine($"    for whom {trust.Release.Issuer} has vouched");
        text.WriteLine();
        text.WriteLine($"updates begin with version {trust.Repository.RootVersion} of the root of");
        text.WriteLine($"  {trust.Repository.Url}");
        text.WriteLine($"    sha256:{trust.Repository.RootSha256}");
    }

    private static void Write(TrustUpdateResult update, TextWriter text)
    {
        text.WriteLine($"{update.Output}  {(update.Changed ? "written" : "is the newest already")}  {Sizes.Text(update.Size)}");
        text.WriteLine($"  sha256:{update.Sha256}");
        text.WriteLine($"  from       {update.Mirror}");
        text.WriteLine($"  versions   root {update.Versions.Root}, timestamp {update.Versions.Timestamp}, " +
            $"snapshot {update.Versions.Snapshot}, targets {update.Versions.Targets}");
        var expires = update.Expires.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        text.WriteLine($"  the mirror has to be up to date by {expires} UTC");
        text.WriteLine($"  to use it: --trusted-root {update.Output}");
    }

    private static string Days(DateTimeOffset? start, DateTimeOffset? end) =>
        (start is { } first ? $"from {first:yyyy-MM-dd}" : "from ever") + (end is { } last ? $" to {last:yyyy-MM-dd}" : " on");
}
