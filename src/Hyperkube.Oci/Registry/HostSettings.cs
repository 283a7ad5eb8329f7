using System.Buffers;
using System.Collections.Immutable;
using Hyperkube.Oci.Configuration;

namespace Hyperkube.Oci.Registry;

/// <summary>What a hosts.toml says of one host.</summary>
/// <remarks>Names of settings are taken in any case, and unknown ones are passed over, as containerd's decoder does.
/// Source: https://github.com/containerd/containerd/blob/v2.1.9/docs/hosts.md#hoststoml-content-description---detail</remarks>
internal sealed class HostSettings(TomlErrors errors)
{
    private const string Server = "server", Header = "header";

    /// <summary>.NET counts a dial's time in milliseconds of 32 bits: 24 days, after which nobody waits.</summary>
    private static readonly TimeSpan LongestDial = TimeSpan.FromMilliseconds(int.MaxValue);

    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    // Go's client writes these by itself, whatever a caller sets.
    // Source: https://github.com/golang/go/blob/go1.24.0/src/net/http/request.go#L99 (reqWriteExcludeHeader)
    private static readonly string[] NotSent = ["Host", "Content-Length", "Transfer-Encoding", "Trailer"];

    private readonly List<KeyValuePair<string, string>> _headers = [];
    private readonly List<(string File, int Line)> _authorities = [];
    private readonly List<(string Certificate, string? Key, int Line)> _clients = [];
    private bool _saysAuthorities;

    /// <summary>What absolute paths are below: a host that is mounted somewhere; empty for this one.</summary>
    internal string Root { get; set; } = "";

    /// <summary>The address that stands for the registry itself, with its line.</summary>
    internal (string Text, int Line)? Address { get; private set; }

    /// <summary>What it may be asked for.</summary>
    internal HostCapabilities Capabilities { get; private set; } = HostCapabilities.All;

    /// <summary>Whether the path of its address is to be left as it is.</summary>
    internal bool OverridesPath { get; private set; }

    /// <summary>Whether any certificate will do; null when nothing is said.</summary>
    internal bool? SkipVerify { get; set; }

    /// <summary>How long a dial may take.</summary>
    internal TimeSpan? DialTimeout { get; private set; }

    /// <summary>Headers of every request.</summary>
    internal ImmutableArray<KeyValuePair<string, string>> Headers => [.. _headers];

    /// <summary>Whether TLS is spoken of at all: a host of plain HTTP is then tried with TLS first.</summary>
    internal bool SpeaksOfTls => _saysAuthorities || _clients.Count > 0 || SkipVerify is not null;

    /// <summary>Takes a line.</summary>
    /// <param name="line">What was written.</param>
    /// <param name="depth">How many names of its path lead here: none at the root, 2 below <c>host."x"</c>.</param>
    internal void Take(TomlLine line, int depth)
    {
        var name = Lower(line.Path[depth]);
        if (name == Header)
        {
            TakeHeader(line, line.Path.Length - depth - 1);
        }
        else if (Reader(name, isRoot: depth == 0) is { } read)
        {
            if (line.Path.Length > depth + 1 || line.Value is null)
            {
                throw errors.At(line.Number, $"{name} is a table", "a value");
            }

            read(new HostsFileValue(name, line.Value, line.Number, errors));
        }
    }

    /// <summary>Trusts a file's authorities, which no file's line tells of.</summary>
    internal void AddAuthority(string file)
    {
        _saysAuthorities = true;
        _authorities.Add((file, 0));
    }

    /// <summary>Shows a certificate, which no file's line tells of.</summary>
    internal void AddClient(string certificate, string? key) => _clients.Add((certificate, key, 0));

    /// <summary>How TLS is done; the files are there and hold what they should.</summary>
    /// <param name="directory">What their names are relative to.</param>
    internal HostTls Tls(string directory)
    {
        foreach (var (file, line) in _authorities)
        {
            PemFile.HasCertificate(PathOf(directory, file), "ca", line, errors);
        }

        foreach (var (certificate, key, line) in _clients)
        {
            PemFile.HasCertificate(PathOf(directory, certificate), "client", line, errors);
            PemFile.HasKey(PathOf(directory, key ?? certificate), "client", line, errors);
        }

        return new HostTls
        {
            SkipVerify = SkipVerify ?? false,
            Authorities = [.. _authorities.Select(a => PathOf(directory, a.File))],
            ClientCertificates =
            [
                .. _clients.Select(c => (PathOf(directory, c.Certificate), c.Key is null ? null : PathOf(directory, c.Key))),
            ],
        };
    }

    private string PathOf(string directory, string file) => Path.IsPathRooted(file) ? Root + file : Path.Combine(directory, file);

    private Action<HostsFileValue>? Reader(string name, bool isRoot) => name switch
    {
        Server when isRoot => value => Address = value.Text() is { Length: > 0 } text ? (text, value.Line) : null,
        "capabilities" => value => Capabilities = value.Capabilities(),
        "ca" => TakeAuthorities,
        "client" => value => _clients.AddRange(value.Pairs().Select(pair => (pair.First, pair.Second, value.Line))),
        "skip_verify" => value => SkipVerify = value.Boolean(),
        "override_path" => value => OverridesPath = value.Boolean(),
        "dial_timeout" => value => DialTimeout = value.Duration() is { Ticks: > 0 } time ? (time < LongestDial ? time : LongestDial) : null,
        _ => null,
    };

    // Also an empty list speaks of TLS.
    private void TakeAuthorities(HostsFileValue value)
    {
        _saysAuthorities = true;
        _authorities.AddRange(value.TextOrTexts().Select(file => (file, value.Line)));
    }

    private void TakeHeader(TomlLine line, int below)
    {
        if (below == 0 && line.Kind is TomlLineKind.Header or TomlLineKind.InlineTable)
        {
            return;
        }

        var name = line.Path[^1];
        if (below != 1 || line.Value is null)
        {
            throw errors.At(line.Number, "this is not a header", "a table of NAME = TEXT or NAME = [TEXT, ...]");
        }

        if (name.Length == 0 || name.AsSpan().ContainsAnyExcept(TokenCharacters))
        {
            throw errors.At(line.Number, "the name of a header has characters that no header can have", "letters, digits and dashes");
        }

        foreach (var text in new HostsFileValue(name, line.Value, line.Number, errors).TextOrTexts())
        {
            if (text.Any(c => char.IsControl(c) && c != '\t'))
            {
                throw errors.At(line.Number, $"the header {name} holds a line's end or another control character", "one line");
            }

            if (!NotSent.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                _headers.Add(new(name, text));
            }
        }
    }

#pragma warning disable CA1308 // The settings' names are of lower case.
    private static string Lower(string name) => name.ToLowerInvariant();
#pragma warning restore CA1308
}
