using Hyperkube.Oci.Content;

namespace Hyperkube.Oci.Registry;

/// <summary>Reads answers whose size the far side decides, up to a limit that we decide.</summary>
internal static class CappedContent
{
    /// <summary>Reads the whole of an answer.</summary>
    /// <exception cref="HyperkubeException">It is larger than allowed.</exception>
    internal static async Task<byte[]> ReadAsync(
        HttpResponseMessage response, int maxBytes, string where, CancellationToken cancellationToken)
    {
        var content = await ReadAtMostAsync(response, maxBytes + 1, cancellationToken).ConfigureAwait(false);
        return content.Length <= maxBytes
            ? content
            : throw new HyperkubeException(ErrorKind.BadContent, $"{where}: more than {maxBytes} bytes; expected at most that");
    }

    /// <summary>Reads the beginning of an answer.</summary>
    internal static async Task<byte[]> ReadAtMostAsync(HttpResponseMessage response, int maxBytes, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (body.ConfigureAwait(false))
        {
            using MemoryStream content = new();
            var buffer = new byte[Math.Min(maxBytes, StreamSizes.CopyBytes)];
            while (content.Length < maxBytes)
            {
                var wanted = buffer.AsMemory(0, (int)Math.Min(buffer.Length, maxBytes - content.Length));
                var count = await body.ReadAsync(wanted, cancellationToken).ConfigureAwait(false);
                if (count == 0)
                {
                    break;
                }

                content.Write(wanted.Span[..count]);
            }

            return content.ToArray();
        }
    }
}
