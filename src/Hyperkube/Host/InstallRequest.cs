using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Releases;

namespace Hyperkube.Host;

/// <summary>What is to be installed, and how.</summary>
public sealed record InstallRequest
{
    /// <summary>The image.</summary>
    public required ImageReference Reference { get; init; }

    /// <summary>Which files of it go where.</summary>
    public required IReadOnlyList<WantedBinary> Binaries { get; init; }

    /// <summary>For what; this machine's unless told.</summary>
    public Platform Platform { get; init; } = Platform.Host;

    /// <summary>What must be proved.</summary>
    public required VerificationMode Verify { get; init; }

    /// <summary>Whom to believe about binaries, where a signature must prove them.</summary>
    public ReleaseTrust Trust { get; init; } = new();

    /// <summary>The binaries that this host accepts although their published signature is wrong.</summary>
    public ExemptBinaries Exceptions { get; init; } = ExemptBinaries.None;

    /// <summary>What must be true of the image as such; null for nothing.</summary>
    public ImageDemand? Demand { get; init; }

    /// <summary>Whose the files will be.</summary>
    public FileOwner Owner { get; init; } = FileOwner.Root;

    /// <summary>The oldest version that is accepted, if proved; null for any.</summary>
    public KubernetesVersion? MinimumVersion { get; init; }

    /// <summary>Whether new binaries are run before they go into place.</summary>
    public bool WithProbe { get; init; } = true;

    /// <summary>Whether installed files are read again, and not only looked at.</summary>
    public bool VerifyContent { get; init; }

    /// <summary>Whether nothing is changed.</summary>
    public bool IsDry { get; init; }

    /// <summary>Whether what is on hold is installed all the same.</summary>
    public bool Force { get; init; }

    /// <summary>A random part of this passes before anything is downloaded.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>How long another run is waited for. 10 min unless told.</summary>
    public TimeSpan LockPatience { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>What is restarted then.</summary>
    public RestartRequest Restart { get; init; } = new();
}

/// <summary>What must be true of an image as such, before anything of it is believed or fetched: that somebody has signed it,
/// say.</summary>
/// <param name="Fingerprint">The same for the same demands. What met others has to be checked again.</param>
/// <param name="CheckAsync">Throws unless the image meets them: told where it is, and what the reference stands for.</param>
public sealed record ImageDemand(string Fingerprint, Func<IContentSource, Descriptor, CancellationToken, Task> CheckAsync);

/// <summary>Which units run what is installed, and what healthy means.</summary>
public sealed record RestartRequest
{
    /// <summary>The units, in the order in which they are restarted.</summary>
    public IReadOnlyList<string> Units { get; init; } = [];

    /// <summary>What must answer 2xx; null for what is known of the binary: kubelet's healthz.</summary>
    public Uri? HealthUrl { get; init; }

    /// <summary>Whether nothing need answer.</summary>
    public bool WithoutHealthUrl { get; init; }

    /// <summary>How long a unit may take to become healthy. 5 min unless told.</summary>
    public TimeSpan HealthTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Whether the old files are put back when a unit does not become healthy.</summary>
    public bool RollbackOnFailure { get; init; }
}

/// <summary>A file of an image and where it goes.</summary>
/// <param name="Name">What it is called: <c>kubelet</c>.</param>
/// <param name="ImagePath">Where it is in the image, without a slash in front.</param>
/// <param name="Destination">The path as the host sees it, absolute.</param>
public sealed record WantedBinary(string Name, string ImagePath, string Destination)
{
    /// <summary>Reads <c>NAME[=DEST]</c>; a NAME with a slash is a path in the image.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="directory">Where it goes unless told.</param>
    /// <exception cref="FormatException">It is neither; the message quotes it.</exception>
    public static WantedBinary Parse(string text, string directory)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var (image, destination) = equals < 0 ? (text, null) : (text[..equals], text[(equals + 1)..]);
        var path = image.Trim('/');
        var name = path[(path.LastIndexOf('/') + 1)..];
        if (!path.Split('/').All(IsName))
        {
            throw new FormatException($"'{text}' names no file of an image; expected NAME[=DEST], for example kubelet=/usr/bin/kubelet");
        }

        var full = destination ?? Path.Combine(directory, name);
        return IsDestination(full)
            && !Path.GetFileName(full).StartsWith(".hyperkube-", StringComparison.Ordinal)
            ? new WantedBinary(name, path, full)
            : throw new FormatException($"'{full}' is no destination; expected an absolute path of a file, for example /opt/bin/{name}");
    }

    /// <summary>Whether something may be the path of a file as the host sees it.</summary>
    internal static bool IsDestination(string path) => path.StartsWith('/') && path[1..].Split('/').All(IsName);

    private static bool IsName(string part) => part is not ("" or "." or "..") && !part.Contains('\0', StringComparison.Ordinal);
}

/// <summary>What came of an install.</summary>
public sealed record InstallResult
{
    /// <summary>The image.</summary>
    public required ImageReference Reference { get; init; }

    /// <summary>What it is, or null when nobody says.</summary>
    public string? Version { get; init; }

    /// <summary>What the reference stood for.</summary>
    public required Digest Digest { get; init; }

    /// <summary>Whether a file was replaced, or would be.</summary>
    public bool IsChanged => Binaries.Any(b => b.IsInstalled);

    /// <summary>What was installed before at the first path that changed; null if nothing was.</summary>
    public InstalledBinary? Previous { get; init; }

    /// <summary>Each file.</summary>
    public required IReadOnlyList<InstalledResult> Binaries { get; init; }

    /// <summary>Whether a file was replaced, or would be, by an older version than the receipt says was there.</summary>
    public bool IsDowngrade { get; init; }

    /// <summary>The units that were restarted.</summary>
    public IReadOnlyList<string> Restarted { get; init; } = [];

    /// <summary>Why the run failed after the files were in place; null if it did not.</summary>
    public HyperkubeException? Failure { get; init; }
}

/// <summary>One file of it.</summary>
/// <param name="Binary">What the receipt says of it.</param>
/// <param name="IsInstalled">Whether it was replaced, or would be.</param>
public sealed record InstalledResult(InstalledBinary Binary, bool IsInstalled);
