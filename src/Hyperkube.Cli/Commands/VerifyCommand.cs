using System.CommandLine;
using Hyperkube.Cli.Output;
using Hyperkube.Host;
using Hyperkube.Images;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Publishing;

namespace Hyperkube.Cli.Commands;

/// <summary><c>hyperkube verify REF|FILE</c>: whether binaries are the release team's, by evidence alone.</summary>
internal static class VerifyCommand
{
    /// <summary>What the command line asked for, parsed.</summary>
    internal sealed record Request(
        string Subject, string? Bundle, ImageReference? Image, IReadOnlyList<string> Names, Platform? Platform, TrustRequest Trust,
        ImageSignatureRequest Signatures, RegistryAccess Access)
    {
        /// <summary>Whether a file is looked at, and not an image.</summary>
        internal bool IsFile => Bundle is not null || Image is not null || Subject is ['/', ..] or ['.', '/', ..] or ['.', '.', '/', ..];
    }

    internal static Command Create(Func<Request, CancellationToken, Task> run)
    {
        Argument<string> subject = new("REF|FILE")
        {
            Description = "An image: HOST/REPO:TAG, HOST/REPO@sha256:..., oci:DIR[:TAG], oci-archive:FILE[:TAG], " +
                "docker-archive:FILE; or a\n" +
                "file that begins with / or ./",
        };
        Option<string?> bundle = new("--bundle")
        {
            Description = "The evidence of the file (default: FILE.sigstore.json)",
            HelpName = "FILE",
            CustomParser = Parsers.Text,
        };
        Option<ImageReference?> image = new("--image")
        {
            Description = "Take the evidence of the file from this image",
            HelpName = "REF",
            CustomParser = Parsers.One<ImageReference>,
        };
        Option<string[]> name = new("--name")
        {
            Description = "What the file must be (default: what it is called); of an image: look only at these; repeat",
            HelpName = "NAME",
            CustomParser = Parsers.Texts,
            Arity = ArgumentArity.OneOrMore,
        };
        Option<Platform?> platform = new("--platform")
        {
            Description = "For what it must be (default: all platforms of an image; what a file says it is for)",
            HelpName = "OS/ARCH",
            CustomParser = Parsers.One<Platform>,
        };
        Command command = new("verify",
            "Checks binaries against the Kubernetes release team's signature, offline: that the bytes are signed, by whom and when,\n" +
            "and that they are the program and platform they pass for. Of an image, every program but /sleep. Changes nothing.\n" +
            "Exit code 4 if one is not right.\n\n" +
            "Examples:\n" +
            "  hyperkube verify registry.example.com/hyperkube:v1.36.4\n" +
            "  hyperkube verify /opt/bin/kubelet --image registry.example.com/hyperkube:v1.36.4\n" +
            "  hyperkube verify ./kubectl --bundle kubectl.sigstore.json") { subject, bundle, image, name, platform };
        TrustFlags trust = new(command, "default: none");
        ImageSignatureFlags signatures = new(command);
        RegistryFlags registry = new(command, withMirrors: true);
        command.SetAction((line, token) => run(
            new Request(
                line.GetRequiredValue(subject), line.GetValue(bundle), line.GetValue(image), line.GetValue(name) ?? [],
                line.GetValue(platform), trust.Read(line), signatures.Read(line), registry.Read(line)),
            token));
        return command;
    }

    internal static async Task RunAsync(Request request, Session session, CancellationToken cancellationToken)
    {
        using var registries = request.Access.Open(session);
        BinaryVerifier verifier = new(
            request.Trust.Open(), request.Trust.OpenExceptions(session.Host.Time), session.Log,
            session.Host.Variable("TMPDIR") is { Length: > 0 } directory ? directory : "/tmp");
        var policy = request.Signatures.Open(request.Trust.TrustedRoot);
        using var image = await OpenAsync(request, policy is not null, registries, cancellationToken).ConfigureAwait(false);
        var root = image is null ? null : await image.FindAsync(cancellationToken).ConfigureAwait(false);

        // Who has to have signed the image decides whether to look into it at all.
        var signatures = policy is null || root is null ? []
            : await policy.CheckAsync(image!.Content, image.Reference, root, cancellationToken).ConfigureAwait(false);
        var result = request.IsFile
            ? await CheckFileAsync(request, image, root, verifier, cancellationToken).ConfigureAwait(false)
            : await verifier.CheckImageAsync(image!, root!, request.Platform, request.Names, cancellationToken).ConfigureAwait(false);
        session.Result(Output(request, result, signatures), CliJson.Default.VerifyOutput, Write);
        var failures = result.Platforms.SelectMany(p => p.Binaries).Where(b => b.Failure is not null).ToList();
        if (failures.Count > 0)
        {
            // What is wrong weighs more than what is missing.
            var worst = (failures.FirstOrDefault(f => f.Failure!.Kind != ErrorKind.Unsigned) ?? failures[0]).Failure!;
            throw new HyperkubeException(worst.Kind, string.Join("; ", failures.Select(f => $"{f.Path}: {f.Failure!.Message}")))
            {
                Hint = worst.Kind == ErrorKind.Unsigned ? "take an image that carries evidence: nothing says whose this is" : worst.Hint,
            };
        }
    }

    // One look at what the reference stands for: a tag that is moved in between would be judged by halves.
    private static async Task<ImageSource?> OpenAsync(
        Request request, bool isImageWanted, RegistrySession registries, CancellationToken cancellationToken)
    {
        if (request.IsFile && (request.Names.Count > 1 || (request.Bundle is not null && request.Image is not null)))
        {
            throw new HyperkubeException(
                ErrorKind.Usage, $"verify {request.Subject}: expected one --name, and one of --bundle and --image");
        }

        if (request.IsFile && request.Image is null && isImageWanted)
        {
            throw new HyperkubeException(ErrorKind.Usage, "--key and --policy are about images; expected one, or a file with --image");
        }

        var image = request.IsFile ? request.Image : Reference(request.Subject);
        return image is null ? null : await registries.Transports.OpenSourceAsync(image, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<CheckedImage> CheckFileAsync(
        Request request, ImageSource? image, Descriptor? root, BinaryVerifier verifier, CancellationToken cancellationToken)
    {
        var name = request.Names is [var given] ? given : Path.GetFileName(request.Subject);
        if (image is not null)
        {
            return await verifier.CheckFileAsync(request.Subject, name, request.Platform, image, root!, cancellationToken)
                .ConfigureAwait(false);
        }

        var bundle = request.Bundle ?? NodeImageRecipe.EvidencePath(request.Subject);
        var isThere = request.Bundle is not null || File.Exists(bundle);
        if (!isThere && request.Trust.Exceptions is null)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"verify {request.Subject}: there is no {bundle}; expected evidence")
            {
                Hint = "name it with --bundle FILE, or the image that carries it with --image REF",
            };
        }

        return await verifier.CheckFileAsync(
            request.Subject, name, request.Platform,
            isThere ? SmallFile.ReadNamed(bundle, "--bundle") : default(ReadOnlyMemory<byte>?), bundle, cancellationToken)
            .ConfigureAwait(false);
    }

    private static ImageReference Reference(string text)
    {
        try
        {
            return ImageReference.Parse(text);
        }
        catch (FormatException e)
        {
            throw new HyperkubeException(ErrorKind.Usage, e.Message, e) { Hint = $"if it is a file: ./{text}" };
        }
    }

    private static VerifyOutput Output(Request request, CheckedImage result, IReadOnlyList<ImageSignature> signatures) => new(
        request.IsFile ? request.Image?.ToString() : request.Subject,
        result.Root?.ToString(),
        [
            .. result.Platforms.Select(p => new VerifiedPlatform(
                p.Platform.ToString(), p.Manifest?.ToString(), [.. p.Binaries.Select(Output)])),
        ],
        signatures.Count == 0 ? null
            : [.. signatures.Select(s => new VerifiedSignature(s.Image.ToString(), s.Signer.Name, s.Form == SignatureForm.Bundle
                ? "bundle" : "tag", s.Proof.SignedAt))]);

    private static VerifiedOutput Output(CheckedBinary binary) => new(
        binary.Name,
        binary.Path,
        binary.Sha256,
        binary.Size,
        InstallCommand.Word(binary.Verified),
        binary.Signature?.Signer,
        binary.Signature?.Issuer,
        binary.Signature?.SignedAt,
        binary.Signature?.LogIndex,
        binary.Version,
        binary.Package,
        binary.Commit,
        binary.Failure is { } e ? new ErrorBody(ExitCodes.Of(e.Kind), ExitCodes.NameOf(e.Kind), e.Message, e.Hint) : null);

    private static void Write(VerifyOutput result, TextWriter text)
    {
        if (result.Reference is not null)
        {
            text.WriteLine($"{result.Reference}  {result.Digest}");
        }

        foreach (var signature in result.Signatures ?? [])
        {
            text.WriteLine($"  signed by {signature.Signer}{(signature.SignedAt is { } time ? $", {time:yyyy-MM-dd HH:mm:ss} UTC" : "")}");
        }

        foreach (var platform in result.Platforms)
        {
            text.WriteLine($"  {platform.Platform}{(platform.Digest is null ? "" : $"  {platform.Digest}")}");
            foreach (var binary in platform.Binaries)
            {
                text.WriteLine($"    {binary.Path}  sha256:{binary.Sha256}  {Sizes.Text(binary.Size)}");
                text.WriteLine(binary.Error is { } error ? $"      NOT VERIFIED: {error.Message}"
                    : $"      verified by {InstallCommand.Proof(binary.Verified, binary.Signer)}");
                if (binary.SignedAt is { } signed)
                {
                    text.WriteLine($"      signed {signed:yyyy-MM-dd HH:mm:ss} UTC by {binary.Signer}, log entry {binary.LogIndex}");
                }

                if (binary.Package is not null)
                {
                    text.WriteLine($"      built from {binary.Package}{(binary.Commit is null ? "" : $", commit {binary.Commit}")}");
                }
            }
        }
    }
}
