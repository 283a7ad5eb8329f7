namespace Hyperkube.E2E.Programs;

/// <summary>How a program ended.</summary>
/// <param name="Line">How it was called.</param>
/// <param name="Code">Its exit code; 128 and the signal's number if a signal ended it.</param>
/// <param name="Out">Its standard output.</param>
/// <param name="Error">Its standard error.</param>
/// <param name="Elapsed">From its start, or from the signal it was sent, to its end.</param>
internal sealed record Ended(string Line, int Code, string Out, string Error, TimeSpan Elapsed)
{
    /// <summary>Its output without the line's end; the test fails if it failed.</summary>
    internal string Text => Well().Out.TrimEnd('\n');

    /// <summary>Lets the test fail if it failed.</summary>
    internal Ended Well()
    {
        Assert.True(Code == 0, $"{Line}\nexit code {Code}\n{Out}{Error}");
        return this;
    }
}
