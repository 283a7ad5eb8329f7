namespace Hyperkube.Oci.Registry;

/// <summary>What each of several hosts said, put together when none of them helped.</summary>
internal sealed class HostFailures
{
    private readonly List<HyperkubeException> _failures = [];

    /// <summary>A host behind which others wait is tried twice, the last one as often as the policy says.</summary>
    internal static int? AttemptsAt(int position, int count) => position < count - 1 ? 2 : null;

    internal void Add(HyperkubeException failure) => _failures.Add(failure);

    /// <summary>Whether every host said that there is no such thing.</summary>
    internal bool AllSayNotFound => _failures.All(f => f.Kind == ErrorKind.NotFound);

    /// <summary>One failure that tells them all.</summary>
    /// <param name="what">What was asked for.</param>
    internal HyperkubeException Summary(string what)
    {
        if (_failures is [var only])
        {
            return only;
        }

        if (_failures.Count == 0)
        {
            return new HyperkubeException(ErrorKind.NotFound, $"{what}: no host may be asked for it");
        }

        var decisive = Seriousness.Most(_failures, f => f.Kind);
        var others = _failures.Where(f => f != decisive).Select(f => f.Message);
        return new HyperkubeException(decisive.Kind, $"{decisive.Message} (before: {string.Join("; ", others)})", decisive)
        {
            Hint = decisive.Hint,
        };
    }
}
