using System.CommandLine;
using System.CommandLine.Parsing;
using Hyperkube.Host;

namespace Hyperkube.Cli.Commands;

/// <summary>The flags of commands that put files on a host: which host, and which units run them.</summary>
internal sealed class HostFlags
{
    private static readonly TimeSpan DefaultLockPatience = TimeSpan.FromMinutes(10);

    private readonly Option<string?> _root = RootOption();

    private readonly Option<string[]> _restart = new("--restart")
    {
        Description = "Restart this unit when what it runs has changed, and wait until it is healthy; repeat",
        HelpName = "UNIT",
        CustomParser = Parsers.Texts,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _health = new("--health")
    {
        Description = "What must answer 2xx then (default: kubelet's http://127.0.0.1:10248/healthz if it is a kubelet)",
        HelpName = "URL|none",
        CustomParser = ParseHealth,
    };

    private readonly Option<TimeSpan?> _healthTimeout = new("--health-timeout")
    {
        Description = "How long a unit may take to become healthy (default: 5m)",
        HelpName = "DURATION",
        CustomParser = Parsers.Duration,
    };

    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Say what would be done, and do nothing" };

    internal HostFlags(Command command)
    {
        foreach (var option in (Option[])[_root, _restart, _health, _healthTimeout, _dryRun])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The flag that says which host.</summary>
    internal static Option<string?> RootOption() => new("--root")
    {
        Description = "The host: all paths, configuration and state are below this directory (default: /)",
        HelpName = "DIR",
        CustomParser = Parsers.Text,
    };

    internal string Root(ParseResult line) => line.GetValue(_root) ?? "/";

    internal bool IsDry(ParseResult line) => line.GetValue(_dryRun);

    internal RestartRequest Restart(ParseResult line, bool rollbackOnFailure = false)
    {
        var health = line.GetValue(_health);
        return new RestartRequest
        {
            Units = [.. (line.GetValue(_restart) ?? []).Distinct(StringComparer.Ordinal)],
            HealthUrl = health is null or None ? null : new Uri(health),
            WithoutHealthUrl = health == None,
            HealthTimeout = line.GetValue(_healthTimeout) ?? TimeSpan.FromMinutes(5),
            RollbackOnFailure = rollbackOnFailure,
        };
    }

    /// <summary>Another run is waited for as long as this one may take.</summary>
    internal static TimeSpan LockPatience(ParseResult line, GlobalOptions options) => line.GetValue(options.Timeout) ?? DefaultLockPatience;

    private const string None = "none";

    private static string? ParseHealth(ArgumentResult result)
    {
        var text = Parsers.Text(result);
        if (text is not (null or None)
            && !(Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"))
        {
            result.AddError($"--health '{text}': expected a URL that begins with http:// or https://, or none");
        }

        return text;
    }
}
