namespace Hyperkube.E2E.Peers;

/// <summary>A containerd of 2.1 or later for all tests of a class.</summary>
public sealed class NewestContainerd : IAsyncDisposable
{
    private Containerd? _containerd;

    public async ValueTask DisposeAsync()
    {
        if (_containerd is not null)
        {
            await _containerd.DisposeAsync();
        }
    }

    internal async Task<Containerd> GetAsync() => _containerd ??= await Containerd.StartNewestAsync();
}
