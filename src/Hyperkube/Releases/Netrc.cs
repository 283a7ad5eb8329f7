using System.Text;
using Hyperkube.Oci;

namespace Hyperkube.Releases;

/// <summary>Logins by host, from the file that curl and git read.</summary>
/// <remarks>Source: https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html</remarks>
public sealed class Netrc
{
    /// <summary>A login file is a few lines; 1 MiB is somebody else's file.</summary>
    private const int MaxBytes = 1 << 20;

    private readonly Dictionary<string, string> _byHost = new(StringComparer.OrdinalIgnoreCase);
    private string? _default;

    /// <summary>No logins.</summary>
    public static Netrc Empty { get; } = new();

    /// <summary>Reads <c>NETRC</c>, else <c>~/.netrc</c>; nothing when neither is there.</summary>
    /// <param name="variable">The value of an environment variable, or null.</param>
    /// <exception cref="HyperkubeException">The file is there and is no such file.</exception>
    public static Netrc Load(Func<string, string?> variable)
    {
        var path = variable("NETRC") is { Length: > 0 } named ? named
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".netrc");
        FileInfo file = new(path);
        if (!file.Exists)
        {
            return Empty;
        }

        return file.Length <= MaxBytes
            ? Parse(File.ReadAllText(path), path)
            : throw new HyperkubeException(ErrorKind.Usage, $"{path}: {file.Length} bytes; expected a login file of at most {MaxBytes}");
    }

    /// <summary>Reads the text of such a file.</summary>
    public static Netrc Parse(string text, string where)
    {
        Netrc logins = new();
        using StringReader lines = new(text);
        Queue<string> words = [];
        for (var inMacro = false; lines.ReadLine() is { } line;)
        {
            inMacro = inMacro ? line.Length > 0 : line.TrimStart().StartsWith("macdef", StringComparison.Ordinal);
            var isSkipped = inMacro || line.TrimStart().StartsWith('#');
            foreach (var word in isSkipped ? [] : line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            {
                words.Enqueue(word);
            }
        }

        string Value(string word) => words.TryDequeue(out var value)
            ? value
            : throw new HyperkubeException(ErrorKind.Usage, $"{where}: nothing follows '{word}'; expected a value");

        string? host = null, login = null, password = null;
        void EndEntry()
        {
            if (host is not null && password is not null)
            {
                logins.Add(host, $"{login}:{password}");
            }

            (host, login, password) = (null, null, null);
        }

        while (words.TryDequeue(out var word))
        {
            switch (word)
            {
                case "machine":
                    EndEntry();
                    host = Value(word);
                    break;
                case "default":
                    EndEntry();
                    host = "";
                    break;
                case "login":
                    login = Value(word);
                    break;
                case "account":
                    _ = Value(word);
                    break;
                case "password" when host is not null:
                    password = Value(word);
                    break;
                default:
                    throw new HyperkubeException(ErrorKind.Usage,
                        $"{where}: an unknown word after {(host is null ? "the beginning" : $"machine {host}")}; "
                        + "expected machine, login or password");
            }
        }

        EndEntry();
        return logins;
    }

    /// <summary>The <c>Authorization</c> header's Basic credentials for a host, or null.</summary>
    /// <param name="host">To whom.</param>
    /// <param name="orDefault">Whether the login for hosts without one counts: it is meant for a host that the user asked, not for
    /// wherever that host leads.</param>
    public string? BasicFor(string host, bool orDefault) => (_byHost.GetValueOrDefault(host) ?? (orDefault ? _default : null)) is { } login
        ? Convert.ToBase64String(Encoding.UTF8.GetBytes(login))
        : null;

    // The first entry for a host counts.
    private void Add(string host, string login)
    {
        if (host.Length == 0)
        {
            _default ??= login;
        }
        else
        {
            _byHost.TryAdd(host, login);
        }
    }
}
