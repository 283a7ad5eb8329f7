using System.Reflection;

namespace Hyperkube.Testing;

/// <summary>The working copy that the tests were built from.</summary>
public static class Repository
{
    /// <summary>Its root, without a slash at the end.</summary>
    public static string Root { get; } = Path.TrimEndingDirectorySeparator(Path.GetFullPath(
        typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!));

    /// <summary>A path below the root.</summary>
    public static string PathOf(string relative) => Path.Combine(Root, relative);
}
