namespace Hyperkube.Oci.Content;

/// <summary>Told how far one blob is on its way.</summary>
public interface ICopyProgress : IProgress<long>, IDisposable
{
    /// <summary>It is there.</summary>
    void Complete();
}

/// <summary>Tells how much of a stream has been read. Disposing disposes the source.</summary>
internal sealed class CountingStream(Stream source, long offset, ICopyProgress progress) : ReadOnlyStream
{
    private long _read = offset;

    internal static OpenContent Opener(OpenContent open, ICopyProgress progress) => async (offset, cancellationToken) =>
    {
        var stream = await open(offset, cancellationToken).ConfigureAwait(false);
        if (stream is VerifyingStream verifying)
        {
            verifying.Tell(progress); // Left as it is, so that whoever gets it sees that it verifies itself.
            return verifying;
        }

        return new CountingStream(stream, offset, progress);
    };

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await source.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        progress.Report(_read += count);
        return count;
    }

    public override int Read(Span<byte> buffer)
    {
        var count = source.Read(buffer);
        progress.Report(_read += count);
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            source.Dispose();
        }

        base.Dispose(disposing);
    }
}
