using System.CommandLine;
using Hyperkube.Cli.Output;
using Hyperkube.Host;
using Hyperkube.Oci;
using Hyperkube.Releases;

namespace Hyperkube.Cli.Commands;

/// <summary><c>hyperkube install REF [NAME[=DEST]...]</c>: binaries of an image onto this host.</summary>
internal static class InstallCommand
{
    /// <summary>What the command line asked for, parsed.</summary>
    internal sealed record Request(InstallRequest Install, string Root, TrustRequest Trust, ImageSignatureRequest Signatures,
        RegistryAccess Access);

    internal static Command Create(GlobalOptions globals, Func<Request, CancellationToken, Task> run)
    {
        Argument<ImageReference> reference = new("REF")
        {
            Description = "The image: HOST/REPO:TAG, HOST/REPO@sha256:..., oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE",
            CustomParser = Parsers.One<ImageReference>,
        };
        InstallOptions options = new();
        Command command = new("install",
            "Puts binaries of an image onto this host: verified, atomic, resumable, reversible. Nothing is changed before\n" +
            "everything is checked; what is there already is not fetched.\n\n" +
            "Examples:\n" +
            "  hyperkube install registry.example.com/hyperkube:v1.36.4 --restart kubelet --rollback-on-failure\n" +
            "  hyperkube install oci-archive:/media/usb/hyperkube.tar kubelet=/usr/bin/kubelet --dry-run")
        {
            reference,
        };
        options.AddTo(command);
        command.SetAction((line, token) => run(options.Read(line, line.GetRequiredValue(reference), globals), token));
        return command;
    }

    internal static async Task RunAsync(Request request, Session session, CancellationToken cancellationToken)
    {
        var install = request.Install with
        {
            Trust = request.Trust.Open(),
            Exceptions = request.Trust.OpenExceptions(session.Host.Time),
            Demand = request.Signatures.DemandOf(request.Install.Reference, request.Trust.TrustedRoot),
        };
        using var root = HostRoot.Open(request.Root);
        using var registries = (request.Access with { Root = root.Path }).Open(session);
        HostInstaller installer = new(
            root, registries.Transports.OpenSourceAsync, session.Log, session.Host.Variable("PATH"), session.Host.Time);
        var result = await installer.InstallAsync(install, cancellationToken).ConfigureAwait(false);
        var traffic = registries.Client.Traffic;
        session.Result(
            new InstallOutput(
                result.Reference.ToString(),
                result.Version,
                result.Digest.ToString(),
                result.IsChanged,
                result.Previous is { } previous ? new PreviousOutput(previous.Version, previous.Digest) : null,
                [.. result.Binaries.Select(b => Output(b, root))],
                result.Restarted,
                traffic.BytesDownloaded,
                traffic.Requests,
                result.IsDowngrade ? true : null),
            CliJson.Default.InstallOutput,
            (output, text) => Write(output, request.Install.IsDry, text));
        if (result.Failure is { } failure)
        {
            throw failure;
        }
    }

    private static InstalledOutput Output(InstalledResult result, HostRoot root) => new(
        result.Binary.Name,
        root.Seen(result.Binary.Path),
        result.Binary.Sha256,
        result.Binary.Size,
        Word(result.Binary.Verified),
        result.IsInstalled ? "installed" : "unchanged",
        result.Binary.Version,
        result.Binary.VersionProof,
        result.Binary.Previous?.Link,
        result.Binary.Signature?.Signer,
        result.Binary.Signature?.SignedAt,
        result.Binary.Signature?.LogIndex);

    internal static string Word(VerificationMode mode) => mode switch
    {
        VerificationMode.Signature => "signature",
        VerificationMode.Exception => "exception",
        VerificationMode.Digest => "digest",
        _ => "none",
    };

    private static void Write(InstallOutput result, bool isDry, TextWriter text)
    {
        text.WriteLine($"{result.Reference}  {result.Digest}");
        foreach (var binary in result.Binaries)
        {
            var action = (binary.Action, isDry) switch
            {
                ("installed", true) => "would be installed",
                _ => binary.Action,
            };
            text.WriteLine($"  {binary.Path}  {binary.Version ?? "of an unknown version"} ({binary.VersionProof})  {action}");
            text.WriteLine($"    sha256:{binary.Sha256}  {Sizes.Text(binary.Size)}  verified by {Proof(binary.Verified, binary.Signer)}");
            if (binary.ReplacedLink is { } link)
            {
                text.WriteLine($"    replaced a symbolic link to {link}; rollback puts it back");
            }
        }

        if (result.Downgrade == true)
        {
            text.WriteLine($"  a DOWNGRADE from {result.Previous?.Version ?? "a newer version"}");
        }

        if (result.Restarted.Count > 0)
        {
            text.WriteLine($"  restarted {string.Join(", ", result.Restarted)}");
        }

        if (result.Changed)
        {
            text.WriteLine($"  {Sizes.Text(result.BytesDownloaded)} in {result.Requests} requests");
        }
    }

    /// <summary>What a kind of verification means, for a person.</summary>
    internal static string Proof(string verified, string? signer) => verified switch
    {
        "signature" => signer is null || signer == ReleaseTrust.KubernetesRelease.Subject
            ? "the Kubernetes release team's signature" : $"the signature of {signer}",
        "exception" => "an EXCEPTION in this host's own list, not by a signature",
        "digest" => "the digest in the reference",
        _ => "NOTHING but the registry's word",
    };
}
