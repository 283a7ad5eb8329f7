using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Hyperkube.Cli.Output;

namespace Hyperkube.Cli;

/// <summary>One run of one command: what it was told to talk to, and what it has to say at the end.</summary>
/// <remarks>Nothing is written before <see cref="WriteAsync"/>: bars may be on the screen until then, and in JSON an error stands beside
/// the result.</remarks>
internal sealed class Session(CliHost host, OutputFormat format, Verbosity verbosity, IActivityLog log)
{
    private string _text = "";
    private JsonElement? _result;
    private string? _listName;
    private ErrorBody? _error;
    private Exception? _cause;

    /// <summary>What surrounds the run.</summary>
    internal CliHost Host => host;

    /// <summary>Told what happens.</summary>
    internal IActivityLog Log => log;

    /// <summary>Gives the result.</summary>
    internal void Result<T>(T result, JsonTypeInfo<T> type, Action<T, TextWriter> write)
    {
        if (format == OutputFormat.Json)
        {
            _result = JsonSerializer.SerializeToElement(result, type);
            return;
        }

        using StringWriter text = new();
        write(result, text);
        _text = Printable.Text(text.ToString());
    }

    /// <summary>Gives a list as the result.</summary>
    /// <param name="results">The list.</param>
    /// <param name="name">What it is called in JSON beside an error of the run itself; null when its entries say all that went wrong, and
    /// it stays a list.</param>
    /// <param name="type">Its form in JSON.</param>
    /// <param name="write">Its form for a person.</param>
    internal void Results<T>(
        IReadOnlyList<T> results, string? name, JsonTypeInfo<IReadOnlyList<T>> type, Action<IReadOnlyList<T>, TextWriter> write)
    {
        _listName = name;
        Result(results, type, write);
    }

    /// <summary>Says why the run failed.</summary>
    /// <returns>The exit code.</returns>
    internal int Fail(int code, string kind, string message, string? hint, Exception? cause)
    {
        _error = new ErrorBody(code, kind, message, hint);
        _cause = cause;
        return code;
    }

    /// <summary>Writes everything: results to standard output, errors to standard error.</summary>
    internal async Task WriteAsync()
    {
        await host.Out.WriteAsync(format == OutputFormat.Json ? Json() : _text).ConfigureAwait(false);
        if (_error is null)
        {
            return;
        }

        await host.Error.WriteLineAsync($"hyperkube: {Printable.Text(_error.Message)}").ConfigureAwait(false);
        if (_error.Hint is { } hint)
        {
            await host.Error.WriteLineAsync($"  try: {Printable.Text(hint)}").ConfigureAwait(false);
        }

        if (verbosity == Verbosity.Debug && _cause is not null)
        {
            await host.Error.WriteLineAsync(_cause.ToString()).ConfigureAwait(false);
        }
    }

    private string Json()
    {
        if (_result is null && _error is null)
        {
            return ""; // Help and version have no result.
        }

        using MemoryStream json = new();
        using (Utf8JsonWriter writer = new(json, new JsonWriterOptions { Indented = true, Encoder = CliJson.Encoder }))
        {
            var list = _result is { ValueKind: JsonValueKind.Array } array ? array : (JsonElement?)null;
            if (list is not null && (_error is null || _listName is null))
            {
                list.Value.WriteTo(writer);
                writer.Flush();
                return $"{Encoding.UTF8.GetString(json.ToArray())}\n";
            }

            writer.WriteStartObject();
            if (list is not null)
            {
                writer.WritePropertyName(_listName!);
                list.Value.WriteTo(writer);
            }
            else if (_result is { } result)
            {
                foreach (var property in result.EnumerateObject())
                {
                    property.WriteTo(writer);
                }
            }

            if (_error is not null)
            {
                writer.WritePropertyName("error");
                JsonSerializer.Serialize(writer, _error, CliJson.Default.ErrorBody);
            }

            writer.WriteEndObject();
        }

        return $"{Encoding.UTF8.GetString(json.ToArray())}\n";
    }
}
