using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Hyperkube.Cli.Output;

namespace Hyperkube.Cli;

/// <summary>One run of one command: how it talks, and what it has said so far.</summary>
internal sealed class Session(CliHost host, OutputFormat format, Verbosity verbosity, IActivityLog log)
{
    private Action<Utf8JsonWriter>? _result;

    /// <summary>What surrounds the run.</summary>
    internal CliHost Host => host;

    /// <summary>Told what happens.</summary>
    internal IActivityLog Log => log;

    /// <summary>Gives the result: text at once, JSON at the end, because there an error may have to stand beside it.</summary>
    internal async Task ResultAsync<T>(T result, JsonTypeInfo<T> type, Action<T, TextWriter> write)
    {
        if (format == OutputFormat.Json)
        {
            _result = writer => WriteProperties(writer, JsonSerializer.SerializeToElement(result, type));
            return;
        }

        using StringWriter text = new();
        write(result, text);
        await host.Out.WriteAsync(text.ToString()).ConfigureAwait(false);
    }

    /// <summary>Ends the run well.</summary>
    internal async Task<int> SucceedAsync()
    {
        await WriteJsonAsync(error: null).ConfigureAwait(false);
        return ExitCodes.Success;
    }

    /// <summary>Ends the run with an error.</summary>
    internal async Task<int> FailAsync(int code, string kind, string message, string? hint, Exception? cause)
    {
        await host.Error.WriteLineAsync($"hyperkube: {message}").ConfigureAwait(false);
        if (hint is not null)
        {
            await host.Error.WriteLineAsync($"  try: {hint}").ConfigureAwait(false);
        }

        if (verbosity == Verbosity.Debug && cause is not null)
        {
            await host.Error.WriteLineAsync(cause.ToString()).ConfigureAwait(false);
        }

        await WriteJsonAsync(new ErrorBody(code, kind, message, hint)).ConfigureAwait(false);
        return code;
    }

    private async Task WriteJsonAsync(ErrorBody? error)
    {
        if (format != OutputFormat.Json || (_result is null && error is null))
        {
            return; // Help and version have no result.
        }

        using MemoryStream json = new();
        using (Utf8JsonWriter writer = new(json, new JsonWriterOptions { Indented = true, Encoder = CliJson.Encoder }))
        {
            writer.WriteStartObject();
            _result?.Invoke(writer);
            if (error is not null)
            {
                writer.WritePropertyName("error");
                JsonSerializer.Serialize(writer, error, CliJson.Default.ErrorBody);
            }

            writer.WriteEndObject();
        }

        await host.Out.WriteLineAsync(System.Text.Encoding.UTF8.GetString(json.ToArray())).ConfigureAwait(false);
    }

    private static void WriteProperties(Utf8JsonWriter writer, JsonElement element)
    {
        foreach (var property in element.EnumerateObject())
        {
            property.WriteTo(writer);
        }
    }
}
