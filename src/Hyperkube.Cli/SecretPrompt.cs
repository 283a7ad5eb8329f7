using System.Text;

namespace Hyperkube.Cli;

/// <summary>Asks the person at the terminal for a secret.</summary>
internal static class SecretPrompt
{
    private const int MaxChars = 1024;

    /// <summary>Asks, and shows nothing of the answer; null where no terminal is.</summary>
    internal static string? Ask(string question)
    {
        if (Console.IsInputRedirected || Console.IsErrorRedirected)
        {
            return null;
        }

        Console.Error.Write(question);
        StringBuilder secret = new();
        for (ConsoleKeyInfo key; (key = Console.ReadKey(intercept: true)).Key != ConsoleKey.Enter;)
        {
            if (key.Key == ConsoleKey.Backspace)
            {
                secret.Length = Math.Max(0, secret.Length - 1);
            }
            else if (!char.IsControl(key.KeyChar) && secret.Length < MaxChars)
            {
                secret.Append(key.KeyChar);
            }
        }

        Console.Error.WriteLine();
        return secret.ToString();
    }
}
