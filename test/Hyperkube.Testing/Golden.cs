namespace Hyperkube.Testing;

/// <summary>Texts that are promises, kept in files beside the tests. <c>HYPERKUBE_GOLDEN=update</c> rewrites them.</summary>
public static class Golden
{
    private static bool Updates =>
        Environment.GetEnvironmentVariable("HYPERKUBE_GOLDEN") == "update" && Environment.GetEnvironmentVariable("CI") != "true";

    /// <summary>The golden text for an actual one: what the file says, which in an update is the actual text.</summary>
    /// <param name="file">Relative to the root of the repository.</param>
    /// <param name="actual">What came out.</param>
    public static string TextFor(string file, string actual)
    {
        var path = Repository.PathOf(file);
        if (Updates)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, actual);
        }

        return File.Exists(path)
            ? File.ReadAllText(path)
            : throw new FileNotFoundException($"{file} is missing; run the tests with HYPERKUBE_GOLDEN=update, and look at what it writes");
    }
}
