using Hyperkube.Oci.Http;

namespace Hyperkube.Releases;

/// <summary>How to talk to a download site.</summary>
public sealed record SiteOptions
{
    /// <summary>The flag that names such a site, for messages.</summary>
    public string Flag { get; init; } = "--source";

    /// <summary>What to try when there is no way to it.</summary>
    public string NoRouteHint { get; init; } =
        "name a mirror or a directory with --source, or see it work without any network: make demo";

    /// <summary>Hosts that a redirect may lead to, beside the site's own and upstream's.</summary>
    public IReadOnlyList<string> RedirectHosts { get; init; } = [];

    /// <summary>Whether a site that is not on this machine may speak HTTP without TLS. No unless told.</summary>
    public bool PlainHttp { get; init; }

    /// <summary>Logins.</summary>
    public Netrc Logins { get; init; } = Netrc.Empty;

    /// <summary>How often and how patiently.</summary>
    public RetryPolicy Retry { get; init; } = new();

    /// <summary>How long a server may take to begin its answer. 30 s unless told.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>In each such span a body must bring at least <see cref="MinBytesPerSpan"/>. 30 s unless told.</summary>
    public TimeSpan SpeedSpan { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The least that a span must bring: 128 KiB unless told, that is 4 KiB/s. A kubelet at that speed takes
    /// nine hours; slower is down.</summary>
    public int MinBytesPerSpan { get; init; } = 128 * 1024;
}
