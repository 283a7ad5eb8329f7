using System.CommandLine;
using Hyperkube.Cli.Output;
using Hyperkube.Oci;
using Hyperkube.Publishing;

namespace Hyperkube.Cli.Commands;

/// <summary><c>hyperkube sign REF</c>: says of an image that it is ours.</summary>
internal static class SignCommand
{
    /// <summary>What the command line asked for, parsed.</summary>
    internal sealed record Request(
        ImageReference Reference, SigningRequest Signing, SignRequest Sign, RegistryAccess Access);

    internal static Command Create(Func<Request, CancellationToken, Task> run)
    {
        Argument<ImageReference> reference = new("REF")
        {
            Description = "The image: HOST/REPO:TAG, HOST/REPO@sha256:..., oci:DIR[:TAG]",
            CustomParser = Parsers.One<ImageReference>,
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
            reference,
        };
        var signing = SigningFlags.Of(command);
        foreach (var option in (Option[])[recursive, noLegacyTag, identity])
        {
            command.Options.Add(option);
        }

        RegistryFlags registry = new(command);
        command.SetAction((line, token) => run(
            new Request(
                line.GetRequiredValue(reference),
                signing.Read(line)!,
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
        using SigningSession signing = new(request.Signing, request.Access, session);
        using var registries = request.Access.Open(session);
        var (content, root) = await ImageSigner.OpenAsync(registries.Transports, request.Reference, cancellationToken)
            .ConfigureAwait(false);
        var identity = await signing.OpenAsync(cancellationToken).ConfigureAwait(false);
        ImageSigner images = new(content, identity, () => signing.Trust, session.Host.Time);
        var signed = await images.SignAsync(request.Reference, root, request.Sign, cancellationToken).ConfigureAwait(false);
        session.Result(
            new SignResult(
                request.Reference.ToString(),
                root.Digest.ToString(),
                [.. signed.Select(s => new SignedEntry(
                    s.Image.ToString(), s.Bundle is null && s.Tag is null ? "present" : "signed", (s.Bundle?.Digest)?.ToString(), s.Tag))]),
            CliJson.Default.SignResult,
            Write);
    }

    private static void Write(SignResult result, TextWriter text)
    {
        foreach (var image in result.Signatures)
        {
            string?[] places = [image.Bundle is null ? null : $"bundle {image.Bundle}", image.Tag is null ? null : $"tag {image.Tag}"];
            text.WriteLine($"{image.Digest}  {image.Action}{string.Concat(places.OfType<string>().Select(p => $"  {p}"))}");
        }
    }
}
