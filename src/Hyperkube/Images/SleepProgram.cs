using Hyperkube.Oci;

namespace Hyperkube.Images;

/// <summary>The program at <c>/sleep</c>: waits for SIGTERM or SIGINT and exits, so that a container of the image stays up
/// and <c>kubectl exec</c> and <c>docker cp</c> have something to reach into.</summary>
/// <remarks>Made from the assembly beside this file; a test assembles it again and compares.</remarks>
public static class SleepProgram
{
    /// <summary>The platforms that have one.</summary>
    public static IReadOnlyList<Platform> Platforms { get; } =
        [new("linux", "amd64"), new("linux", "arm64"), new("linux", "ppc64le"), new("linux", "s390x")];

    /// <summary>The program for a platform.</summary>
    /// <exception cref="HyperkubeException">There is none.</exception>
    public static byte[] For(Platform platform)
    {
        if (!Platforms.Contains(platform))
        {
            throw new HyperkubeException(ErrorKind.Usage,
                $"--platform {platform}: no node image can be built for it; expected one of {string.Join(", ", Platforms)}");
        }

        using var program = typeof(SleepProgram).Assembly.GetManifestResourceStream($"sleep-{platform.Architecture}")!;
        var content = new byte[program.Length];
        program.ReadExactly(content);
        return content;
    }
}
