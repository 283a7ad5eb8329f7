using Hyperkube.Oci;
using Hyperkube.Oci.Content;

namespace Hyperkube.ToolImage;

/// <summary>The directory of packages that <c>fetch-packages</c> fills. Nobody trusts it: each file is held against its pin.</summary>
/// <param name="directory">Where the <c>.deb</c> files lie.</param>
/// <param name="searchPath">Where programs are, as in the variable <c>PATH</c>.</param>
/// <param name="time">Measures how long unpacking takes.</param>
internal sealed class DebianArchive(string directory, string? searchPath, TimeProvider time)
{
    private const string Program = "dpkg-deb";

    /// <summary>Checks a package, and unpacks what was checked.</summary>
    /// <param name="package">Which.</param>
    /// <param name="into">An empty directory; it gets the files, and Debian's own words about them in <c>DEBIAN</c>.</param>
    /// <param name="cancellationToken">Leaves a part of the files.</param>
    /// <exception cref="HyperkubeException">It is not there, not what is pinned, or cannot be unpacked.</exception>
    internal async Task<UnpackedPackage> UnpackAsync(PinnedPackage package, string into, CancellationToken cancellationToken)
    {
        var deb = Path.Combine(into, package.File);
        var files = Path.Combine(into, "files");
        await CopyAsync(package, deb, cancellationToken).ConfigureAwait(false);

        var dpkg = ChildProgram.Locate(Program, searchPath)
            ?? throw new HyperkubeException(ErrorKind.HostFailed, $"{package.File}: the program {Program} is not on PATH")
            {
                Hint = "install dpkg, which Debian, Ubuntu, Fedora and Homebrew have",
            };
        ChildProgram program = new(dpkg, ["--raw-extract", deb, files], [new("LC_ALL", "C")]);
        var answer = await program.AskAsync(default, time, cancellationToken).ConfigureAwait(false);
        if (answer.Failure is not null || answer.ExitCode != 0)
        {
            var said = answer.Failure ?? $"ended with code {answer.ExitCode}: {answer.Errors}";
            throw new HyperkubeException(ErrorKind.BadContent, $"{package.File}: {Program} {said}; expected a package of Debian");
        }

        return new UnpackedPackage(package, files);
    }

    // What is unpacked is a copy that has been verified: nobody can change it in between.
    private async Task CopyAsync(PinnedPackage package, string target, CancellationToken cancellationToken)
    {
        var path = Path.Combine(directory, package.File);
        FileStream file;
        try
        {
            file = SharedFile.OpenRead(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new HyperkubeException(ErrorKind.NotFound, $"{path}: no such package; expected {package.Name} {package.Version}", e)
            {
                Hint = $"fetch what is pinned: tools/Hyperkube.ToolImage/fetch-packages {directory}",
            };
        }

        VerifyingStream verified = new(file, package.Content, path);
        await using (verified.ConfigureAwait(false))
        {
            var copy = File.Create(target);
            await using (copy.ConfigureAwait(false))
            {
                await verified.CopyToAsync(copy, StreamSizes.CopyBytes, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
