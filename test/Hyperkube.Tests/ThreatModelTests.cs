using System.Text.RegularExpressions;
using Hyperkube.Testing;

namespace Hyperkube.Tests;

/// <summary>A page that promises something names the tests that prove it; this finds them.</summary>
public sealed partial class ThreatModelTests
{
    [Fact]
    public void Every_test_that_the_threat_model_names_is_there()
    {
        var links = Link.Matches(File.ReadAllText(Repository.PathOf("docs/threat-model.md")));

        Assert.True(links.Count > 50, $"{links.Count} links to tests");
        Assert.All(links, link =>
        {
            var file = Repository.PathOf($"docs/{link.Groups["path"].Value}");
            Assert.True(File.Exists(file), file);
            Assert.Contains($" {link.Groups["name"].Value}(", File.ReadAllText(file), StringComparison.Ordinal);
        });
    }

    [GeneratedRegex(@"\[(?<name>\w+)\]\((?<path>\.\./test/[^)]+\.cs)\)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Link { get; }
}
