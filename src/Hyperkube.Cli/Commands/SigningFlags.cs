using System.CommandLine;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Publishing;
using Hyperkube.Releases;
using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Trust;

namespace Hyperkube.Cli.Commands;

/// <summary>Who signs, and before whom, as the command line says it.</summary>
/// <param name="Prefix">What the names of the flags begin with.</param>
/// <param name="Key">A private key's file; null for one that is made up and certified.</param>
/// <param name="PasswordVariable">The variable with its password.</param>
/// <param name="Token">A file with an ID token, or <see cref="SigningFlags.Surroundings"/>.</param>
/// <param name="Fulcio">The certificate authority.</param>
/// <param name="Rekor">The log; null for none with a key, and for the public one without.</param>
/// <param name="Timestamp">The timestamp authority; null for none.</param>
/// <param name="TrustedRoot">A file with the keys of those services; null for those of Sigstore's public instance.</param>
internal sealed record SigningRequest(
    string Prefix, string? Key, string? PasswordVariable, string Token, Uri Fulcio, Uri? Rekor, Uri? Timestamp, string? TrustedRoot)
{
    /// <summary>Reads whom to believe about those services.</summary>
    internal TrustedRoot ReadTrust()
    {
        try
        {
            return TrustedRoot is { } file
                ? Sigstore.Trust.TrustedRoot.Parse(SmallFile.ReadNamed(file, $"{Prefix}trusted-root"))
                : Sigstore.Trust.TrustedRoot.PublicGood;
        }
        catch (SignatureException e)
        {
            throw new HyperkubeException(ErrorKind.Usage, $"{Prefix}trusted-root {TrustedRoot}: {e.Message}", e);
        }
    }
}

/// <summary>The flags for signing: with a key, or without one of one's own.</summary>
internal sealed class SigningFlags
{
    internal const string Surroundings = "env";

    /// <summary>Where the password of a key is looked for unless told; cosign's name.</summary>
    internal const string DefaultPasswordVariable = "COSIGN_PASSWORD";

    private readonly string _prefix;
    private readonly Option<string?> _key;
    private readonly Option<string?> _passwordVariable;
    private readonly Option<string?> _token;
    private readonly Option<string?> _fulcio;
    private readonly Option<string?> _rekor;
    private readonly Option<string?> _timestamp;
    private readonly Option<string?> _trustedRoot;

    private SigningFlags(Command command, string prefix, string what, string without)
    {
        _prefix = prefix;
        _key = Text(
            "key", "FILE",
            $"Sign {what}with this private key: PEM (PKCS #8, encrypted or not; EC; RSA), or cosign's key file (default: {without})");
        _passwordVariable = Text(
            "password-env", "NAME",
            $"The environment variable with the key's password (default: {DefaultPasswordVariable}; else a terminal is asked)");
        _token = Text(
            "identity-token", $"FILE|{Surroundings}",
            $"Without {prefix}key: an ID token in a file, or {Surroundings}{(IsAsked ? "" : " (default)")} for SIGSTORE_ID_TOKEN, " +
            "then GitHub's Actions");
        _fulcio = Text(
            "fulcio-url", "URL",
            $"Without {prefix}key: who certifies the name (default: {SigningServices.PublicFulcio.OriginalString})");
        _rekor = Text(
            "rekor-url", "URL",
            $"The log, of Rekor's first version (default: with {prefix}key none, else {RekorClient.PublicGood.OriginalString})");
        _timestamp = Text("timestamp-url", "URL", "A timestamp authority, its whole URL (default: none)");
        _trustedRoot = Text(
            "trusted-root", "FILE",
            "The keys of those services, a trusted_root.json (default: those of Sigstore's public instance)");
        Option<string?>[] all = [_key, _passwordVariable, _token, _fulcio, _rekor, _timestamp, _trustedRoot];
        foreach (var option in all)
        {
            command.Options.Add(option);
        }

        command.Validators.Add(result =>
        {
            var given = all.Where(o => result.GetValue(o) is not null).ToList();
            if (given.Contains(_key))
            {
                foreach (var option in given.Where(o => o == _token || o == _fulcio))
                {
                    result.AddError($"{_key.Name} and {option.Name}: expected one of them");
                }
            }
            else if (IsAsked && given.Count > 0 && !given.Contains(_token))
            {
                result.AddError($"{given[0].Name}: nothing is signed; expected {_key.Name} or {_token.Name} beside it");
            }
        });

        Option<string?> Text(string name, string value, string description) => new(prefix + name)
        {
            Description = description,
            HelpName = value,
            CustomParser = Parsers.Text,
        };
    }

    /// <summary>Whether signing is only one of the things that the command does, and only if it is asked for.</summary>
    private bool IsAsked => _prefix != "--";

    /// <summary>Of the command that signs.</summary>
    internal static SigningFlags Of(Command command) =>
        new(command, "--", "", "none,\nbut a certificate of some minutes for whom an ID token names");

    /// <summary>Of a command that pushes.</summary>
    internal static SigningFlags WithPrefix(Command command) =>
        new(command, "--sign-", "what is pushed ", "unsigned");

    /// <summary>What was asked for; null for no signature.</summary>
    internal SigningRequest? Read(ParseResult line) =>
        IsAsked && line.GetValue(_key) is null && line.GetValue(_token) is null ? null
        : new SigningRequest(
            _prefix,
            line.GetValue(_key),
            line.GetValue(_passwordVariable),
            line.GetValue(_token) ?? Surroundings,
            Url(line, _fulcio) ?? SigningServices.PublicFulcio,
            Url(line, _rekor),
            Url(line, _timestamp),
            line.GetValue(_trustedRoot));

    private static Uri? Url(ParseResult line, Option<string?> option) =>
        line.GetValue(option) is { } text ? SigningServices.Url(text, option.Name) : null;
}
