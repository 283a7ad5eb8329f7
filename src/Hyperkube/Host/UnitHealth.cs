using System.Net.Sockets;
using Hyperkube.Oci;

namespace Hyperkube.Host;

/// <summary>Whether a unit came up and stays up: a program under <c>Restart=always</c> is started again and again, and looks active
/// whenever one looks.</summary>
internal sealed class UnitHealth(SystemManager manager, TimeProvider time)
{
    /// <summary>How long a unit must have run without a restart: longer than kubeadm's and Gardener's <c>RestartSec</c> of 10 s and 5 s.
    /// </summary>
    internal static readonly TimeSpan Steady = TimeSpan.FromSeconds(12);

    /// <summary>A unit that systemd has started so often again does not come up.</summary>
    private const int MaxRestarts = 3;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Waits until a unit is healthy.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="url">What must answer 2xx; null if nothing need.</param>
    /// <param name="patience">How long to wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Null, or why it is not.</returns>
    internal async Task<string?> WaitAsync(string unit, Uri? url, TimeSpan patience, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        var steadySince = begun;
        UnitStatus? first = null, last = null;
        while (true)
        {
            string? complaint;
            try
            {
                var now = await manager.ShowAsync(unit, cancellationToken).ConfigureAwait(false);
                first ??= now;
                if (now.State != "active" || now.MainProcess != last?.MainProcess || now.Restarts != last.Restarts)
                {
                    steadySince = time.GetTimestamp();
                }

                last = now;
                var restarts = now.Restarts - first.Restarts;
                if (now.State == "failed" || restarts >= MaxRestarts)
                {
                    return $"{unit} does not come up: {now.State} ({now.SubState}){(restarts > 0 ? $", restarted {restarts} times" : "")}";
                }

                complaint = !IsSteady() ? $"is {now.State} ({now.SubState}), not yet for {Steady.TotalSeconds:F0} s"
                    : url is null ? null
                    : await ComplaintAsync(url, cancellationToken).ConfigureAwait(false);
            }
            catch (HyperkubeException e)
            {
                complaint = $"is in an unknown state ({e.Message})";
            }

            if (complaint is null)
            {
                return null;
            }

            // Whoever came up in time gets the time to show that it stays.
            var isSettling = last?.State == "active" && !IsSteady() && time.GetElapsedTime(begun, steadySince) < patience;
            if (time.GetElapsedTime(begun) >= patience && !isSettling)
            {
                return $"{unit} {complaint}, after {patience.TotalSeconds:F0} s";
            }

            await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
        }

        bool IsSteady() => last!.State == "active" && time.GetElapsedTime(steadySince) >= Steady;
    }

    /// <summary>Looks at a unit; asks again for a while if systemd does not answer.</summary>
    /// <exception cref="HyperkubeException">It has not answered (<see cref="ErrorKind.HostFailed"/>).</exception>
    internal async Task<UnitStatus> ShowAsync(string unit, TimeSpan patience, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await manager.ShowAsync(unit, cancellationToken).ConfigureAwait(false);
            }
            catch (HyperkubeException) when (time.GetElapsedTime(begun) < patience)
            {
                await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    // Straight, without proxies: it is this host's own door.
    private static async Task<string?> ComplaintAsync(Uri url, CancellationToken cancellationToken)
    {
        using SocketsHttpHandler handler = new() { UseProxy = false, AllowAutoRedirect = false, ConnectTimeout = AnswerTimeout };
        using HttpMessageInvoker client = new(handler);
        using HttpRequestMessage request = new(HttpMethod.Get, url);
        using CancellationTokenSource deadline = new(AnswerTimeout);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            using var response = await client.SendAsync(request, either.Token).ConfigureAwait(false);
            return response.IsSuccessStatusCode ? null : $"answers {(int)response.StatusCode} at {url}";
        }
        catch (HttpRequestException e)
        {
            return $"does not answer at {url}: {(e.InnerException as SocketException)?.Message ?? e.Message}";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"has not answered at {url} within {AnswerTimeout.TotalSeconds:F0} s";
        }
    }
}
