using System.Xml.Linq;
using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.ToolImage.Tests;

public sealed class NoticesTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private static string NuGetPackages => Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget/packages");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Everything_that_is_shipped_is_named_with_its_licence_and_the_compiler_with_what_it_links()
    {
        var shipped = XDocument.Load(Repository.PathOf("Directory.Packages.props")).Descendants("ItemGroup")
            .Single(g => (string?)g.Attribute("Label") == "Shipped").Elements().ToList();

        var text = new Notices(NuGetPackages).Make(Repository.PathOf("src/Hyperkube.Cli/packages.lock.json"));

        Assert.All(shipped, p => Assert.Contains($"\n{(string)p.Attribute("Include")!} {(string)p.Attribute("Version")!}: ", text, StringComparison.Ordinal));
        Assert.Contains("\nMicrosoft.DotNet.ILCompiler ", text, StringComparison.Ordinal);
        Assert.Contains("License notice for zlib-ng", text, StringComparison.Ordinal);
        Assert.Contains("\nPermission is hereby granted, free of charge", text, StringComparison.Ordinal);
        Assert.Contains("\nBSD 2-Clause License\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Meziantou", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\r', text);
    }

    [Fact]
    public void A_licence_whose_text_is_not_here_is_a_failure_that_says_what_to_do()
    {
        Package("""<license type="expression">WTFPL</license>""");

        var error = Assert.Throws<HyperkubeException>(Make);

        Assert.Equal("read it, and add its text: tools/Hyperkube.ToolImage/Licenses/WTFPL.txt", error.Hint);
    }

    [Fact]
    public void A_package_without_a_licence_is_a_failure()
    {
        Package("<licenseUrl>https://example.org</licenseUrl>");

        Assert.Contains("expected an SPDX expression", Assert.Throws<HyperkubeException>(Make).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_package_that_was_not_restored_is_a_failure()
    {
        Package("");
        Directory.Delete(_directory["some.thing"], recursive: true);

        Assert.Equal("dotnet restore hyperkube.slnx", Assert.Throws<HyperkubeException>(Make).Hint);
    }

    private string Make() => new Notices(_directory.Path).Make(_directory["lock.json"]);

    private void Package(string metadata)
    {
        File.WriteAllText(_directory["lock.json"], """{"dependencies":{"net10.0":{"Some.Thing":{"type":"Direct","resolved":"1.0.0"}}}}""");
        Directory.CreateDirectory(_directory["some.thing/1.0.0"]);
        File.WriteAllText(
            _directory["some.thing/1.0.0/some.thing.nuspec"], $"""<package xmlns="urn:x"><metadata>{metadata}</metadata></package>""");
    }
}
