namespace Hyperkube.Cli.Output;

/// <summary>Text that cannot drive a terminal, whoever wrote it.</summary>
internal static class Printable
{
    /// <summary>The text with a question mark for each control character but the newline.</summary>
    internal static string Text(string text) =>
        text.Any(IsUnsafe) ? new string([.. text.Select(c => IsUnsafe(c) ? '?' : c)]) : text;

    private static bool IsUnsafe(char c) => char.IsControl(c) && c != '\n';
}
