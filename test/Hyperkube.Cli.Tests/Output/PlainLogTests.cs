using Hyperkube.Cli.Output;
using Microsoft.Extensions.Time.Testing;

namespace Hyperkube.Cli.Tests.Output;

public sealed class PlainLogTests : IDisposable
{
    private readonly StringWriter _error = new();
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => _error.Dispose();

    [Fact]
    public void A_finished_step_is_one_line_with_its_time()
    {
        using (var step = new PlainLog(_error, _time).Begin("fetch kubelet", totalBytes: null))
        {
            step.Expect(100);
            step.Report(50);
            _time.Advance(TimeSpan.FromSeconds(1.5));
            step.Complete("done");
        }

        Assert.Equal("fetch kubelet: done (1.5 s)\n", _error.ToString());
    }

    [Fact]
    public void A_step_that_fails_leaves_no_line()
    {
        using (new PlainLog(_error, _time).Begin("fetch kubelet", totalBytes: 100))
        {
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal("", _error.ToString());
    }

    [Fact]
    public void A_warning_says_that_it_is_one()
    {
        new PlainLog(_error, _time).Warn("trying again");

        Assert.Equal("hyperkube: warning: trying again\n", _error.ToString());
    }

    [Fact]
    public void Lines_of_several_threads_stay_whole()
    {
        PlainLog log = new(_error, _time);

        Parallel.For(0, 200, i => log.Warn(new string((char)('a' + (i % 26)), 50)));

        Assert.All(_error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries), line =>
            Assert.Single(line["hyperkube: warning: ".Length..].Distinct()));
    }
}
