namespace Hyperkube.Oci.Tests;

public sealed class ArchitectureTests
{
    [Fact]
    public void The_room_stands_on_the_base_class_library_and_four_libraries_alone()
    {
        var references = typeof(Digest).Assembly.GetReferencedAssemblies().Select(a => a.Name!);

        Assert.All(references, name => Assert.True(
            name.StartsWith("System.", StringComparison.Ordinal) || name is "Microsoft.Win32.Primitives" or "Tomlyn" or "YamlDotNet" or "ZstdSharp", name));
    }

    [Fact]
    public void No_type_of_the_room_speaks_of_Kubernetes()
    {
        var names = typeof(Digest).Assembly.GetTypes()
            .Select(type => type.FullName!.Replace("Hyperkube", "", StringComparison.Ordinal));

        Assert.All(names, name => Assert.DoesNotContain("kube", name, StringComparison.OrdinalIgnoreCase));
    }
}
