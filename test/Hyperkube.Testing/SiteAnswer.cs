using System.Collections.Immutable;
using System.Globalization;

namespace Hyperkube.Testing;

/// <summary>What a client asked a <see cref="ReleaseSite"/>.</summary>
public sealed record SiteRequest(string Method, string Path, ImmutableDictionary<string, string> Headers)
{
    /// <summary>A header, or null.</summary>
    public string? Header(string name) => Headers.GetValueOrDefault(name);
}

/// <summary>A request and how many bytes of body were sent for it.</summary>
public sealed record ServedRequest(SiteRequest Request, int Status, long BodyBytes);

/// <summary>What a <see cref="ReleaseSite"/> answers, and how badly.</summary>
public sealed record SiteAnswer
{
    public int Status { get; init; } = 200;

    public ImmutableDictionary<string, string> Headers { get; init; } = ImmutableDictionary<string, string>.Empty;

    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>The Content-Length that is said; the body's unless told.</summary>
    public long? SaidLength { get; init; }

    /// <summary>No Content-Length at all: the end of the connection is the end of the body.</summary>
    public bool UntilClose { get; init; }

    /// <summary>The connection is cut after so many bytes of the body.</summary>
    public int? CutAfter { get; init; }

    /// <summary>The body is sent byte by byte with this long between.</summary>
    public TimeSpan? Drip { get; init; }

    /// <summary>After the body come zeros, without end.</summary>
    public bool Endless { get; init; }

    /// <summary>After the body comes nothing, and the connection stays open.</summary>
    public bool Stalls { get; init; }

    /// <summary>Nothing is answered until the client goes away.</summary>
    public bool Silent { get; init; }

    /// <summary>With one more header; lines of the value become headers of their own.</summary>
    public SiteAnswer With(string name, string value) => this with { Headers = Headers.SetItem(name, value) };

    public SiteAnswer Without(string name) => this with { Headers = Headers.Remove(name) };

    public static SiteAnswer Of(int status) => new() { Status = status };

    public static SiteAnswer Text(string text, int status = 200) =>
        new() { Status = status, Body = System.Text.Encoding.UTF8.GetBytes(text) };

    public static SiteAnswer Redirect(string location) =>
        new() { Status = 302, Headers = ImmutableDictionary<string, string>.Empty.Add("Location", location) };

    /// <summary>What a store answers that knows ranges: all of it when none is asked for.</summary>
    public static SiteAnswer Part(byte[] content, string? range)
    {
        if (range is null)
        {
            return new SiteAnswer { Body = content };
        }

        var ends = range["bytes=".Length..].Split('-');
        var from = int.Parse(ends[0], CultureInfo.InvariantCulture);
        var to = ends[1].Length == 0 ? content.Length - 1 : Math.Min(int.Parse(ends[1], CultureInfo.InvariantCulture), content.Length - 1);
        return from >= content.Length
            ? Of(416).With("Content-Range", $"bytes */{content.Length}")
            : (Of(206) with { Body = content.AsMemory(from, to - from + 1) })
                .With("Content-Range", $"bytes {from}-{to}/{content.Length}");
    }
}
