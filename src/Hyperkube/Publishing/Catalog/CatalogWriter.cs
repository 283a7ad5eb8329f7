using Hyperkube.Oci;
using Hyperkube.Oci.Content;

namespace Hyperkube.Publishing.Catalog;

/// <summary>Writes a static catalog of what is published: a page for people, a document for programs. The same releases give the same
/// bytes.</summary>
public static class CatalogWriter
{
    /// <summary>Writes <c>catalog.json</c> and <c>index.html</c> into a directory, which is made if it is not there.</summary>
    /// <param name="directory">Where.</param>
    /// <param name="repository">What is shown, without tag or digest.</param>
    /// <param name="entries">What is published there.</param>
    /// <param name="endOfLife">Until when each minor is supported.</param>
    /// <param name="cancellationToken">Leaves the files that were there.</param>
    public static async Task WriteAsync(
        string directory, RegistryReference repository, IEnumerable<CatalogEntry> entries, EndOfLife endOfLife,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(repository);
        CatalogEntry[] ordered = [.. entries.OrderByDescending(e => e.Image.Version).ThenBy(e => e.Tag, StringComparer.Ordinal)];
        Directory.CreateDirectory(directory);
        StagedFile.RemoveAbandoned(directory);
        var name = $"{repository.Host}/{repository.Repository}";
        var document = CatalogFile.Write(name, ordered, endOfLife);
        await StagedFile.WriteAsync(Path.Combine(directory, CatalogFile.Name), document, cancellationToken).ConfigureAwait(false);
        await StagedFile.WriteAsync(Path.Combine(directory, "index.html"), CatalogPage.Write(name, ordered, endOfLife), cancellationToken)
            .ConfigureAwait(false);
    }
}
