using System.CommandLine;
using System.CommandLine.Parsing;
using Hyperkube.Host;
using Hyperkube.Oci;
using Hyperkube.Releases;

namespace Hyperkube.Cli.Commands;

/// <summary>The flags of <c>install</c>.</summary>
internal sealed class InstallOptions
{
    private const string DefaultDirectory = "/opt/bin";
    private static readonly string[] DefaultNames = ["kubelet", "kubectl"];

    private HostFlags? _host;
    private TrustFlags? _trust;
    private ImageSignatureFlags? _signatures;
    private RegistryFlags? _registry;

    private readonly Argument<string[]> _names = new("NAME[=DEST]")
    {
        Description = "What to install, and where; a NAME with a slash is a path in the image (default: kubelet kubectl)",
        CustomParser = Parsers.Names,
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string?> _to = new("--to")
    {
        Description = "Where binaries without DEST go (default: /opt/bin)",
        HelpName = "DIR",
        CustomParser = ParseDirectory,
    };

    private readonly Option<Platform?> _platform = new("--platform")
    {
        Description = "For what (default: this machine)",
        HelpName = "OS/ARCH",
        CustomParser = Parsers.One<Platform>,
    };

    private readonly Option<VerificationMode?> _verify = new("--verify")
    {
        Description = "What must be proved: upstream's signature (default), or the digest in the reference",
        HelpName = "signature|digest",
        CustomParser = Parsers.Word<VerificationMode?>(("signature", VerificationMode.Signature), ("digest", VerificationMode.Digest)),
    };

    private readonly Option<bool> _insecure = new("--insecure-skip-signature")
    {
        Description = "Install what no signature proves, by its tag: whoever can write to the registry decides what runs here",
    };

    private readonly Option<KubernetesVersion?> _minimum = new("--minimum-version")
    {
        Description = "Refuse older binaries, and those whose version is only claimed",
        HelpName = "VERSION",
        CustomParser = Parsers.One<KubernetesVersion>,
    };

    private readonly Option<bool> _rollback = new("--rollback-on-failure")
    {
        Description = "If a unit does not become healthy: put the old files back, and the digest on hold",
    };

    private readonly Option<bool> _noProbe = new("--no-probe") { Description = "Do not run new binaries for their version first" };

    private readonly Option<bool> _noUpstream = new("--no-upstream") { Description = "Ask mirrors only, never the registry itself" };

    private readonly Option<bool> _noDelta = new("--no-delta") { Description = "Fetch whole layers even where deltas are published" };

    private readonly Option<bool> _verifyContent = new("--verify-content")
    {
        Description = "Read installed files again instead of trusting size and times",
    };

    private readonly Option<FileOwner?> _owner = new("--owner")
    {
        Description = "Whose the files will be, in numbers (default: 0:0)",
        HelpName = "UID:GID",
        CustomParser = Parsers.One<FileOwner>,
    };

    private readonly Option<TimeSpan?> _jitter = new("--jitter")
    {
        Description = "Wait a random part of this before downloading, so that a fleet does not come at once",
        HelpName = "DURATION",
        CustomParser = Parsers.Duration,
    };

    private readonly Option<bool> _force = new("--force") { Description = "Install even what is on hold after a rollback" };

    internal void AddTo(Command command)
    {
        command.Arguments.Add(_names);
        foreach (var option in (Option[])[_to, _platform, _verify, _insecure, _minimum])
        {
            command.Options.Add(option);
        }

        _trust = new TrustFlags(command, "default: none");
        _signatures = new ImageSignatureFlags(command);
        _host = new HostFlags(command);
        foreach (var option in (Option[])[_rollback, _noProbe, _noUpstream, _noDelta, _verifyContent, _owner, _jitter, _force])
        {
            command.Options.Add(option);
        }

        _registry = new RegistryFlags(command, withMirrors: true);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_insecure) && result.GetResult(_verify) is { Implicit: false })
            {
                result.AddError("--insecure-skip-signature and --verify: expected one of them");
            }

            foreach (var problem in Problems(result))
            {
                result.AddError(problem);
            }
        });
    }

    internal InstallCommand.Request Read(ParseResult line, ImageReference reference, GlobalOptions options) => new(
        new InstallRequest
        {
            Reference = reference,
            Binaries = [.. Names(line.GetValue(_names)).Select(n => WantedBinary.Parse(n, line.GetValue(_to) ?? DefaultDirectory))],
            Platform = line.GetValue(_platform) ?? Platform.Host,
            Verify = line.GetValue(_insecure) ? VerificationMode.None : line.GetValue(_verify) ?? VerificationMode.Signature,
            Owner = line.GetValue(_owner) ?? FileOwner.Root,
            MinimumVersion = line.GetValue(_minimum),
            WithProbe = !line.GetValue(_noProbe),
            VerifyContent = line.GetValue(_verifyContent),
            IsDry = _host!.IsDry(line),
            Force = line.GetValue(_force),
            Jitter = line.GetValue(_jitter) ?? TimeSpan.Zero,
            LockPatience = HostFlags.LockPatience(line, options),
            Restart = _host.Restart(line, line.GetValue(_rollback)),
        },
        _host.Root(line),
        _trust!.Read(line),
        _signatures!.Read(line),
        _registry!.Read(line) with { WithoutUpstream = line.GetValue(_noUpstream) });

    private static string[] Names(string[]? words) => words is null or [] ? DefaultNames : words;

    // By the words as they were typed: values that are wrong by themselves are refused elsewhere.
    private IEnumerable<string> Problems(CommandResult result)
    {
        var words = result.GetResult(_names)?.Tokens.Select(t => t.Value).ToArray();
        var directory = result.GetResult(_to)?.Tokens is [.., var last] && last.Value.StartsWith('/') ? last.Value : DefaultDirectory;
        List<WantedBinary> binaries = [];
        foreach (var word in Names(words).Where(w => !w.StartsWith('-')))
        {
            string? problem = null;
            try
            {
                binaries.Add(WantedBinary.Parse(word, directory));
            }
            catch (FormatException e)
            {
                problem = e.Message;
            }

            if (problem is not null)
            {
                yield return problem;
            }
        }

        if (binaries.GroupBy(b => b.ImagePath, StringComparer.Ordinal).FirstOrDefault(g => g.Skip(1).Any()) is { } twice)
        {
            yield return $"'{twice.Key}' is named twice; expected one destination for each";
        }

        if (binaries.GroupBy(b => b.Destination, StringComparer.Ordinal).FirstOrDefault(g => g.Skip(1).Any()) is { } same)
        {
            yield return $"'{same.Key}' is the destination of two files; expected one";
        }
    }

    private static string? ParseDirectory(ArgumentResult result)
    {
        var text = Parsers.Text(result);
        if (text?.StartsWith('/') == false)
        {
            result.AddError($"--to '{text}': expected an absolute directory, for example {DefaultDirectory}");
        }

        return text;
    }
}
