using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hyperkube.E2E.Images;
using Hyperkube.E2E.Programs;
using Hyperkube.Oci.Registry;
using Hyperkube.Testing;

namespace Hyperkube.E2E.Peers;

/// <summary>A tree on disk, its hosts on loopback, and what they were asked.</summary>
internal sealed class HostsScene : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly TestAuthority _authority = new();
    private readonly Dictionary<string, (string Name, RecordedHost Host, bool Serves)> _byAuthority = [];
    private readonly Dictionary<string, string> _words = [];
    private readonly List<string> _record = [];
    private readonly TinyImage _image;
    private readonly string _reference;

    internal HostsScene(HostsTree tree, string name)
    {
        _image = new TinyImage(Convert.ToHexStringLower(Encoding.UTF8.GetBytes(name)));
        _reference = tree.ByDigest ? _image.Digest : "latest";
        foreach (var letter in (string[])["A", "B", "C", "R"])
        {
            _words[$"{{{letter}}}"] = "127.0.0.1:1"; // Nobody listens there.
        }

        foreach (var host in tree.Hosts.Split(' '))
        {
            Add(host[..1], host[2..].Split('+'));
        }

        _words["{R_}"] = $"{_words["{R}"].Replace(':', '_')}_";
        Registry = Fill(tree.Registry);
        foreach (var (path, text) in tree.Files)
        {
            var file = Path.Combine(Root, Fill(path));
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, Fill(text));
        }
    }

    internal string Registry { get; }

    internal string Root => _directory.Path;

    internal IReadOnlyList<string> Record
    {
        get
        {
            lock (_record)
            {
                return [.. _record];
            }
        }
    }

    /// <summary>Lets containerd fetch the image.</summary>
    internal Task<Ended> FetchAsync(Containerd containerd) => containerd.RunAsync(
        "content", "fetch", "--hosts-dir", Root, $"{Registry}/{TinyImage.Repository}{(_reference == "latest" ? ":" : "@")}{_reference}");

    /// <summary>Lets our own program read the image.</summary>
    internal Task<Ended> InspectAsync(Exe exe) => exe.RunAsync(
        ["inspect", $"{Registry}/{TinyImage.Repository}{(_reference == "latest" ? ":" : "@")}{_reference}", "--hosts-dir", Root]);

    /// <summary>Who was asked for what the reference stands for, and who for content, in order; another try at once is none.</summary>
    /// <param name="method">How the client asks what a reference stands for.</param>
    internal IReadOnlyList<string> Asked(string method)
    {
        List<string> asked = [];
        foreach (var line in Record)
        {
            var isResolve = line.StartsWith($"{method} ", StringComparison.Ordinal)
                && line.Contains($"/manifests/{_reference}", StringComparison.Ordinal);

            // The port is another in each scene; two values of a header may share a line.
            var address = line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..]
                .Replace(Uri.EscapeDataString(Registry), "REGISTRY", StringComparison.Ordinal)
                .Replace(" x-mark=", ", ", StringComparison.Ordinal);
            if ((isResolve || line.Contains("/blobs/", StringComparison.Ordinal)) && (asked.Count == 0 || asked[^1] != address))
            {
                asked.Add(address);
            }
        }

        return asked;
    }

    /// <summary>Writes down what a client asks that goes from host to host until one serves.</summary>
    /// <returns>Whether it has everything at the end.</returns>
    internal bool Foresee(IReadOnlyList<RegistryHost> hosts, List<string> record)
    {
        foreach (var (method, path, byTag) in _image.Requests(_reference))
        {
            if (!Able(hosts, method, byTag).Any(host => Ask(host, method, path, record)))
            {
                return false;
            }
        }

        return true;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, host, _) in _byAuthority.Values)
        {
            await host.DisposeAsync();
        }

        _authority.Dispose();
        _directory.Dispose();
    }

    // Content is fetched from all hosts, whatever they may be asked for, if only one of them may be pulled from.
    // Source: https://github.com/containerd/containerd/blob/v2.1.9/core/remotes/docker/fetcher.go#L223
    private static IEnumerable<RegistryHost> Able(IReadOnlyList<RegistryHost> hosts, string method, bool byTag)
    {
        var needed = byTag ? HostCapabilities.Pull | HostCapabilities.Resolve : HostCapabilities.Pull;
        var able = hosts.Where(h => h.Capabilities.HasFlag(needed)).ToList();
        return method == "GET" && able.Count > 0 ? hosts : able;
    }

    private bool Ask(RegistryHost host, string method, string path, List<string> record)
    {
        if (!_byAuthority.TryGetValue(host.Name, out var there))
        {
            return false;
        }

        var scheme = host.Root.Scheme;
        if (scheme == "https" && !there.Host.HasTls)
        {
            AddOnce(record, RecordedHost.Greeting(there.Name));
            scheme = "http";
            if (!host.FallsBackToPlainHttp)
            {
                return false;
            }
        }
        else if (there.Host.HasTls && (scheme == "http" || !(host.Tls.SkipVerify || Trusts(host))))
        {
            return false;
        }

        var query = host.Namespace is null ? "" : $"?ns={Uri.EscapeDataString(host.Namespace)}";
        record.Add(RecordedHost.Line(
            method, $"{scheme}://{there.Name}{host.Root.AbsolutePath.TrimEnd('/')}/{path}{query}",
            host.Headers.Where(h => h.Key.Equals("x-mark", StringComparison.OrdinalIgnoreCase)).Select(h => h.Value),
            scheme == "https" && host.Tls.ClientCertificates.Length > 0));
        return there.Serves;
    }

    private bool Trusts(RegistryHost host) => host.Tls.Authorities.Any(file => File.ReadAllText(file) == _authority.Pem);

    // Whoever does not understand TLS is greeted anew by each connection; how often says nothing.
    private static void AddOnce(List<string> record, string line)
    {
        if (!record.Contains(line))
        {
            record.Add(line);
        }
    }

    private void Add(string name, string[] traits)
    {
        var serves = traits[0] == "ok";
        RecordedHost host = new(
            name, traits.Contains("tls") ? _authority.Certificate : null,
            path => serves ? _image.Answer(path) : RecordedAnswer.Nothing(int.Parse(traits[0], CultureInfo.InvariantCulture)),
            line =>
            {
                lock (_record)
                {
                    if (line == RecordedHost.Greeting(name))
                    {
                        AddOnce(_record, line);
                    }
                    else
                    {
                        _record.Add(line);
                    }
                }
            });
        _byAuthority.Add(host.Authority, (name, host, serves));
        _words[$"{{{name}}}"] = host.Authority;
    }

    private string Fill(string text) => text switch
    {
        "@ca" => _authority.Pem,
        "@cert" => _authority.Certificate.ExportCertificatePem(),
        "@key" => Key(),
        "@both" => $"{_authority.Certificate.ExportCertificatePem()}\n{Key()}\n",
        _ => _words.Aggregate(text, (all, word) => all.Replace(word.Key, word.Value, StringComparison.Ordinal)),
    };

    private string Key()
    {
        using var key = _authority.Certificate.GetECDsaPrivateKey()!;
        return key.ExportPkcs8PrivateKeyPem();
    }
}
