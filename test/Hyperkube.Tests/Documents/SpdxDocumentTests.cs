using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Hyperkube.Documents;
using Hyperkube.Releases;
using Hyperkube.Testing;

namespace Hyperkube.Tests.Documents;

public sealed partial class SpdxDocumentTests
{
    [Fact]
    public void The_document_is_the_one_in_the_file()
    {
        var document = Encoding.UTF8.GetString(Write(Documented.Binaries()));

        Assert.Equal(Golden.TextFor("test/Hyperkube.Tests/Documents/Golden/sbom.spdx.json", document), document);
    }

    [Fact]
    public void The_order_of_binaries_does_not_matter() =>
        Assert.Equal(Write(Documented.Binaries()), Write([.. Documented.Binaries().Reverse()]));

    // https://spdx.github.io/spdx-spec/v2.3/: what is mandatory, and what names may hold.
    [Fact]
    public void It_keeps_to_the_rules_of_SPDX()
    {
        var document = Read(Documented.Binaries());

        Assert.Equal("SPDX-2.3 CC0-1.0 SPDXRef-DOCUMENT", $"{document.GetProperty("spdxVersion")} {document.GetProperty("dataLicense")} {document.GetProperty("SPDXID")}");
        Assert.Matches(@"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\z", document.GetProperty("creationInfo").GetProperty("created").GetString());
        Assert.True(Uri.TryCreate(document.GetProperty("documentNamespace").GetString(), UriKind.Absolute, out var place) && place.Fragment.Length == 0);
        HashSet<string> ids = ["SPDXRef-DOCUMENT"];
        foreach (var package in document.GetProperty("packages").EnumerateArray())
        {
            var id = package.GetProperty("SPDXID").GetString()!;
            Assert.Matches(IdForm, id);
            Assert.True(ids.Add(id), id);
            Assert.NotEqual("", package.GetProperty("name").GetString());
            Assert.NotEqual("", package.GetProperty("downloadLocation").GetString());
            Assert.False(package.GetProperty("filesAnalyzed").GetBoolean());
            Assert.All(Items(package, "checksums"), c => Assert.Matches(
                c.GetProperty("algorithm").GetString() == "SHA256" ? "^[0-9a-f]{64}$" : "^[0-9a-f]{128}$", c.GetProperty("checksumValue").GetString()));
            Assert.All(Items(package, "externalRefs"), r => Assert.Contains(
                $"{r.GetProperty("referenceCategory")} {r.GetProperty("referenceType")}", (string[])["PACKAGE-MANAGER purl", "SECURITY cpe23Type"]));
        }

        var relations = document.GetProperty("relationships").EnumerateArray().ToList();
        Assert.All(relations, r => Assert.Contains(r.GetProperty("spdxElementId").GetString()!, ids));
        Assert.All(relations, r => Assert.Contains(r.GetProperty("relatedSpdxElement").GetString()!, ids));
        Assert.Equal("SPDXRef-Image", Assert.Single(relations, r => r.GetProperty("relationshipType").GetString() == "DESCRIBES").GetProperty("relatedSpdxElement").GetString());
        Assert.Equal(ids.Count - 1, relations.Select(r => r.GetProperty("relatedSpdxElement").GetString()).Distinct().Count()); // Nothing hangs loose.
    }

    [Fact]
    public void Scanners_find_Kubernetes_by_its_names()
    {
        var kubelet = Package(Read(Documented.Binaries()), "kubelet");

        Assert.Equal("pkg:golang/k8s.io/kubernetes@v1.36.4#cmd/kubelet", Reference(kubelet, "purl"));
        Assert.Equal("cpe:2.3:a:kubernetes:kubernetes:1.36.4:*:*:*:*:*:*:*", Reference(kubelet, "cpe23Type"));
        Assert.Equal("https://dl.k8s.io/release/v1.36.4/bin/linux/amd64/kubelet", kubelet.GetProperty("downloadLocation").GetString());
        Assert.Equal("git commit 8cc511e399b929453cd98ae65b419c3cc227ec79", kubelet.GetProperty("sourceInfo").GetString());
    }

    [Theory]
    [InlineData("dep\tgithub.com/Azure/go-ansiterm\tv0.0.0-20250102033503-faa5f7b0171c\th1:a=\n", "github.com/Azure/go-ansiterm v0.0.0-20250102033503-faa5f7b0171c pkg:golang/github.com/azure/go-ansiterm@v0.0.0-20250102033503-faa5f7b0171c go.sum h1:a=")]
    [InlineData("dep\tgithub.com/a/b\tv2.0.0+incompatible\th1:b=\n", "github.com/a/b v2.0.0+incompatible pkg:golang/github.com/a/b@v2.0.0%2Bincompatible go.sum h1:b=")]
    [InlineData("dep\tgithub.com/a/b\tv1.0.0\n=>\tgithub.com/c/d\tv1.1.0\th1:c=\n", "github.com/c/d v1.1.0 pkg:golang/github.com/c/d@v1.1.0 go.sum h1:c=")]
    [InlineData("dep\tk8s.io/api\tv0.0.0\n=>\t./staging/src/k8s.io/api\t(devel)\t\n", "k8s.io/api  pkg:golang/k8s.io/api ")]
    [InlineData("dep\tk8s.io/api\t(devel)\t\n", "k8s.io/api  pkg:golang/k8s.io/api ")]
    public void A_module_is_what_was_taken_with_the_version_that_is_known(string modules, string expected)
    {
        var document = Read([Documented.Binary("kubelet", modules: modules)]);

        var module = Assert.Single(document.GetProperty("packages").EnumerateArray(), p => Text(p, "SPDXID").StartsWith("SPDXRef-Module", StringComparison.Ordinal));
        Assert.Equal(expected, $"{Text(module, "name")} {Text(module, "versionInfo")} {Reference(module, "purl")} {Text(module, "sourceInfo")}");
        Assert.Contains(document.GetProperty("relationships").EnumerateArray(), r =>
            $"{r.GetProperty("spdxElementId")} {r.GetProperty("relationshipType")} {r.GetProperty("relatedSpdxElement")}"
            == $"SPDXRef-Binary-kubelet DEPENDS_ON {Text(module, "SPDXID")}");
    }

    [Fact]
    public void Modules_whose_names_differ_in_signs_alone_are_two()
    {
        var document = Read([Documented.Binary("kubelet", modules: "dep\ta.b/c-d\tv1\ndep\ta.b/c_d\tv1\ndep\ta.b/c/d\tv1\n")]);

        Assert.Equal(3, document.GetProperty("packages").EnumerateArray().Count(p => Text(p, "SPDXID").StartsWith("SPDXRef-Module", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("go1.25.1", "go1.25.1 pkg:golang/stdlib@1.25.1 cpe:2.3:a:golang:go:1.25.1:-:*:*:*:*:*:*")]
    [InlineData("go1.25.1 X:nocoverageredesign", "go1.25.1 pkg:golang/stdlib@1.25.1 cpe:2.3:a:golang:go:1.25.1:-:*:*:*:*:*:*")]
    [InlineData("devel go1.26-abcdef", null)]
    public void The_standard_library_has_the_compilers_version(string goVersion, string? expected)
    {
        var packages = Read([Documented.Binary("kubelet", goVersion: goVersion)]).GetProperty("packages").EnumerateArray().ToList();

        var library = packages.Where(p => Text(p, "name") == "stdlib").Select(p => $"{Text(p, "versionInfo")} {Reference(p, "purl")} {Reference(p, "cpe23Type")}");
        Assert.Equal(expected is null ? [] : [expected], library);
    }

    [Fact]
    public void A_binary_that_says_nothing_of_itself_is_named_all_the_same()
    {
        var document = Read([Documented.Binary("kubelet") with { Build = null }]);

        Assert.Equal(["SPDXRef-Binary-kubelet", "SPDXRef-Image", "SPDXRef-Sleep"], document.GetProperty("packages").EnumerateArray().Select(p => Text(p, "SPDXID")));
    }

    [Fact]
    public void A_release_candidate_is_one_to_the_NVD_too() =>
        Assert.Equal(
            "cpe:2.3:a:kubernetes:kubernetes:1.37.0:rc.1:*:*:*:*:*:*", PackageUrl.CpeOfKubernetes(KubernetesVersion.Parse("v1.37.0-rc.1")));

    [GeneratedRegex(@"\ASPDXRef-[A-Za-z0-9.-]+\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex IdForm { get; }

    private static byte[] Write(IReadOnlyList<DocumentedBinary> binaries) =>
        SpdxDocument.Write(Documented.ManifestOf(Documented.Amd64), Documented.Version, Documented.Created, binaries);

    private static JsonElement Read(IReadOnlyList<DocumentedBinary> binaries) => JsonDocument.Parse(Write(binaries)).RootElement;

    private static JsonElement Package(JsonElement document, string name) =>
        Assert.Single(document.GetProperty("packages").EnumerateArray(), p => Text(p, "name") == name);

    private static JsonElement.ArrayEnumerator Items(JsonElement package, string name) =>
        package.TryGetProperty(name, out var items) ? items.EnumerateArray() : [];

    private static string Text(JsonElement package, string name) => package.TryGetProperty(name, out var text) ? text.GetString()! : "";

    private static string? Reference(JsonElement package, string type) =>
        Items(package, "externalRefs").SingleOrDefault(r => Text(r, "referenceType") == type) is { ValueKind: JsonValueKind.Object } found
            ? Text(found, "referenceLocator") : null;
}
