namespace Hyperkube.Oci.Registry;

/// <summary>What can be wrong with a file, told with the file's name and a line.</summary>
/// <param name="Path">The file's name.</param>
internal sealed record HostsFileErrors(string Path)
{
    /// <summary>Makes an error. Lines count from 1; line 0 is none.</summary>
    internal HyperkubeException At(int line, string came, string expected, string? hint = null, Exception? inner = null) =>
        new(ErrorKind.Usage, $"{(line > 0 ? $"{Path}:{line}" : Path)}: {came}; expected {expected}", inner) { Hint = hint };
}
