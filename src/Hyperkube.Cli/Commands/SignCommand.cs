using System.CommandLine;
using System.Text;
using Hyperkube.Cli.Output;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Publishing;
using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Signing;

namespace Hyperkube.Cli.Commands;

/// <summary><c>hyperkube sign REF</c>: says of an image that it is ours.</summary>
internal static class SignCommand
{
    private const string PasswordVariable = "COSIGN_PASSWORD";

    /// <summary>What the command line asked for, parsed.</summary>
    internal sealed record Request(
        ImageReference Reference, string? Key, string? PasswordVariable, KeylessRequest Keyless, SignRequest Sign, RegistryAccess Access);

    internal static Command Create(Func<Request, CancellationToken, Task> run)
    {
        Argument<ImageReference> reference = new("REF")
        {
            Description = "The image: HOST/REPO:TAG, HOST/REPO@sha256:..., oci:DIR[:TAG]",
            CustomParser = Parsers.One<ImageReference>,
        };
        Option<string?> key = new("--key")
        {
            Description = "Sign with this private key: PEM (PKCS #8, encrypted or not; EC; RSA), or cosign's key file (default: none,\n" +
                "but a certificate of some minutes for whom an ID token names)",
            HelpName = "FILE",
            CustomParser = Parsers.Text,
        };
        Option<string?> passwordVariable = new("--password-env")
        {
            Description = $"The environment variable with the key's password (default: {PasswordVariable}; else a terminal is asked)",
            HelpName = "NAME",
            CustomParser = Parsers.Text,
        };
        Option<bool> recursive = new("--recursive")
        {
            Description = "Sign the manifest of each platform too, for those who pull one by its digest",
        };
        Option<bool> noLegacyTag = new("--no-legacy-tag")
        {
            Description = "Write no tag sha256-....sig: only the bundle that refers to the image, which older verifiers do not read",
        };
        Option<string?> identity = new("--sign-container-identity")
        {
            Description = "The name that the older form says (default: that of REF, with its tag)",
            HelpName = "NAME",
            CustomParser = Parsers.Text,
        };
        Command command = new("sign",
            "Signs an image where it is, so that cosign, policies and hyperkube itself can tell who made it. Signs once: a good\n" +
            "signature of the same key is not written again, and those of others stay.\n\n" +
            "Examples:\n" +
            "  hyperkube sign registry.example.com/hyperkube:v1.36.4 --key cosign.key\n" +
            "  hyperkube sign oci:dist/hyperkube:v1.36.4 --key release.pem --recursive\n" +
            "  hyperkube sign registry.example.com/hyperkube:v1.36.4 --identity-token env")
        {
            reference, key, passwordVariable, recursive, noLegacyTag, identity,
        };
        KeylessFlags keyless = new(command, key);
        RegistryFlags registry = new(command);
        command.SetAction((line, token) => run(
            new Request(
                line.GetRequiredValue(reference),
                line.GetValue(key),
                line.GetValue(passwordVariable),
                keyless.Read(line),
                new SignRequest
                {
                    IsRecursive = line.GetValue(recursive),
                    WithTag = !line.GetValue(noLegacyTag),
                    Identity = line.GetValue(identity),
                },
                registry.Read(line)),
            token));
        return command;
    }

    internal static async Task RunAsync(Request request, Session session, CancellationToken cancellationToken)
    {
        using var key = request.Key is { } file ? ReadKey(file, request, session) : SigningKey.Generate();
        using var registries = request.Access.Open(session);
        var (content, root) = await ImageSigner.OpenAsync(registries.Transports, request.Reference, cancellationToken)
            .ConfigureAwait(false);
        var trust = request.Keyless.ReadTrust();
        using KeylessSession keyless = new(request.Keyless, request.Access, session);
        var identity = await keyless.OpenAsync(key, request.Key, trust, cancellationToken).ConfigureAwait(false);
        ImageSigner images = new(content, identity, () => trust, session.Host.Time);
        var signed = await images.SignAsync(request.Reference, root, request.Sign, cancellationToken).ConfigureAwait(false);
        session.Result(
            new SignResult(
                request.Reference.ToString(),
                root.Digest.ToString(),
                [.. signed.Select(s => new SignedEntry(
                    s.Image.ToString(), s.Bundle is null && s.Tag is null ? "present" : "signed", s.Bundle?.ToString(), s.Tag))]),
            CliJson.Default.SignResult,
            Write);
    }

    private static SigningKey ReadKey(string file, Request request, Session session)
    {
        var pem = Encoding.UTF8.GetString(SmallFile.ReadNamed(file, "--key").Span);
        try
        {
            return SigningKey.FromPem(pem, () => Password(file, request, session.Host));
        }
        catch (SignatureException e)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"--key {file}: {e.Message}", e)
            {
                Hint = $"put the password into {request.PasswordVariable ?? PasswordVariable}, or make a key: cosign generate-key-pair",
            };
        }
    }

    private static string? Password(string file, Request request, CliHost host) =>
        request.PasswordVariable is { } name
            ? host.Variable(name)
                ?? throw new HyperkubeException(ErrorKind.Usage, $"--password-env {name}: not set; expected the key's password in it")
            : host.Variable(PasswordVariable) ?? host.AskSecret($"Password of {file}: ");

    private static void Write(SignResult result, TextWriter text)
    {
        foreach (var image in result.Signatures)
        {
            string?[] places = [image.Bundle is null ? null : $"bundle {image.Bundle}", image.Tag is null ? null : $"tag {image.Tag}"];
            text.WriteLine($"{image.Digest}  {image.Action}{string.Concat(places.OfType<string>().Select(p => $"  {p}"))}");
        }
    }
}
