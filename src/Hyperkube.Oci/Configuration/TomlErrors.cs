namespace Hyperkube.Oci.Configuration;

/// <summary>What can be wrong with a file, told with the file's name and a line.</summary>
/// <param name="Path">The file's name.</param>
public sealed record TomlErrors(string Path)
{
    /// <summary>Makes an error. Lines count from 1; line 0 is none.</summary>
    /// <param name="line">Where.</param>
    /// <param name="came">What came.</param>
    /// <param name="expected">What was expected.</param>
    /// <param name="hint">What to try, or null.</param>
    /// <param name="inner">Why, or null.</param>
    public HyperkubeException At(int line, string came, string expected, string? hint = null, Exception? inner = null) =>
        new(ErrorKind.Usage, $"{(line > 0 ? $"{Path}:{line}" : Path)}: {came}; expected {expected}", inner) { Hint = hint };
}
