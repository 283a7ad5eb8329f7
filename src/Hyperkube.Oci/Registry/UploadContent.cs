using System.Net;
using System.Net.Http.Headers;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Http;

namespace Hyperkube.Oci.Registry;

/// <summary>A body that is read while it is sent, opened anew for each try.</summary>
internal sealed class UploadContent : HttpContent
{
    private readonly Stream _source;
    private readonly long _length;
    private readonly bool _isLast;
    private readonly TimeSpan _commitTimeout;
    private BodySending? _sending;

    /// <param name="source">Positioned at the first byte to send; disposed with the content.</param>
    /// <param name="length">How many bytes are sent of it.</param>
    /// <param name="isLast">Whether the source must end there, which is when it verifies itself.</param>
    /// <param name="mediaType">Of what type.</param>
    /// <param name="commitTimeout">How long the answer may take once all is sent.</param>
    internal UploadContent(Stream source, long length, bool isLast, string mediaType, TimeSpan commitTimeout)
    {
        (_source, _length, _isLast, _commitTimeout) = (source, length, isLast, commitTimeout);
        Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        Headers.ContentLength = length;
    }

    /// <summary>Told about the bytes that pass.</summary>
    internal SpeedGuard? Guard { get; set; }

    /// <summary>How many bytes it is.</summary>
    internal long Length => _length;

    /// <summary>When it began to be sent, as <see cref="TimeProvider.GetTimestamp"/> counts on this machine; null before.</summary>
    internal long? Began { get; private set; }

    /// <summary>Whether all of it has been handed over.</summary>
    internal bool IsDone { get; private set; }

    /// <summary>Whether the far side has hung up on it; an answer may have come all the same.</summary>
    internal bool IsCutOff => _sending?.IsCutOff == true;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        Began = TimeProvider.System.GetTimestamp();
        _sending = BodySending.Begin();
        var buffer = new byte[(int)Math.Clamp(_length, 1, StreamSizes.CopyBytes)];
        for (var left = _length; left > 0;)
        {
            var wanted = buffer.AsMemory(0, (int)Math.Min(buffer.Length, left));

            // .NET reads no answer before it has been given as much as was promised; what it is given then goes nowhere.
            var count = IsCutOff ? wanted.Length : await _source.ReadAsync(wanted, cancellationToken).ConfigureAwait(false);
            if (count == 0)
            {
                throw new HyperkubeException(ErrorKind.BadDigest, $"the content to send ends {left} bytes early");
            }

            left -= count;
            if (left == 0 && _isLast && !IsCutOff && await _source.ReadAsync(new byte[1], cancellationToken).ConfigureAwait(false) > 0)
            {
                throw new HyperkubeException(ErrorKind.BadDigest, $"the content to send is longer than {_length} bytes");
            }

            await stream.WriteAsync(wanted[..count], cancellationToken).ConfigureAwait(false);
            Guard?.Passed(count);
        }

        await stream.FlushAsync(cancellationToken).ConfigureAwait(false); // While it is known for a body.
        IsDone = true;
        Guard?.Await(_commitTimeout);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _length;
        return true;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _source.Dispose();
        }

        base.Dispose(disposing);
    }
}
