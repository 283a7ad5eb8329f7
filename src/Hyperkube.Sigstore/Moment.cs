using System.Globalization;

namespace Hyperkube.Sigstore;

/// <summary>How messages write a time: in UTC, to the second.</summary>
internal static class Moment
{
    internal static string Of(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
