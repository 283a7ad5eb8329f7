using System.Collections.Immutable;
using Hyperkube.Oci;
using Hyperkube.Oci.Images;

namespace Hyperkube.ToolImage;

/// <summary>What the image says of itself. Pure: no clock, no disk.</summary>
/// <param name="Version">The tool's: <c>v1.2.0</c>.</param>
/// <param name="Revision">The commit it was built from, or null.</param>
/// <param name="Source">Where its sources are, or null.</param>
/// <param name="Created">The time that it carries.</param>
internal sealed record ToolImageRecipe(string Version, string? Revision, string? Source, DateTimeOffset Created)
{
    /// <summary>What index, manifests and labels say.</summary>
    internal ImmutableSortedDictionary<string, string> Annotations()
    {
        List<KeyValuePair<string, string>> pairs =
        [
            new(Oci.Annotations.Created, ImageBuilder.Rfc3339(Created)),
            new(Oci.Annotations.Description, "Builds, publishes, mirrors and installs images of Kubernetes node binaries"),
            new(Oci.Annotations.Licenses, "Apache-2.0 AND BSD-2-Clause AND LGPL-2.1-or-later AND MIT AND MPL-2.0"),
            new(Oci.Annotations.Title, "hyperkube-tool"),
            new(Oci.Annotations.Vendor, "The hyperkube authors"),
            new(Oci.Annotations.Version, Version),
        ];
        pairs.AddRange(Revision is null ? [] : [new(Oci.Annotations.Revision, Revision)]);
        pairs.AddRange(Source is null ? [] : [new(Oci.Annotations.Source, Source)]);
        return Oci.Annotations.Of(pairs);
    }

    /// <summary>Makes the image of one platform from its layers, bottom first.</summary>
    internal Image Image(Platform platform, IReadOnlyList<(Layer Layer, string CreatedBy)> layers) => ImageBuilder.Build(
        new ImageSettings
        {
            Platform = platform,
            Created = Created,
            Annotations = Annotations(),
            Container = new ContainerConfig
            {
                User = $"{OwnFiles.NonRoot}:{OwnFiles.NonRoot}",
                Environment =
                [
                    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", // Credential helpers may be put there.
                    $"SSL_CERT_FILE=/{CertificateBundle.Path}", // OpenSSL's own default is a link of a package that is not here.
                ],
                Entrypoint = [$"/{ToolExe.InImage}"],
                Labels = Annotations(),
            },
        },
        layers);
}
