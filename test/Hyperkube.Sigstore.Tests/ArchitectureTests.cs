namespace Hyperkube.Sigstore.Tests;

public sealed class ArchitectureTests
{
    [Fact]
    public void The_room_stands_on_the_base_class_library_and_one_library_alone()
    {
        var references = typeof(Verifier).Assembly.GetReferencedAssemblies().Select(a => a.Name!);

        Assert.All(references, name => Assert.True(
            name.StartsWith("System.", StringComparison.Ordinal) || name == "BouncyCastle.Cryptography", name));
    }

    [Fact]
    public void No_type_of_the_room_speaks_of_Kubernetes_or_images()
    {
        var names = typeof(Verifier).Assembly.GetTypes().Select(t => t.FullName!.Replace("Hyperkube", "", StringComparison.Ordinal));

        Assert.All(names, name =>
        {
            Assert.DoesNotContain("kube", name, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("Image", name, StringComparison.Ordinal);
        });
    }
}
