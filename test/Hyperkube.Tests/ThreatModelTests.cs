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

    // A row either says that something is not caught, or names what proves that it is.
    [Fact]
    public void Every_line_that_promises_something_names_a_test()
    {
        var lines = File.ReadAllLines(Repository.PathOf("docs/threat-model.md"));
        var rows = lines.Where((line, i) => line.StartsWith('|') && !IsRule(i) && !IsRule(i + 1)).ToList();

        Assert.True(rows.Count > 50, $"{rows.Count} rows");
        Assert.All(rows, row => Assert.True(Link.IsMatch(row) || row.Contains("**not ", StringComparison.Ordinal), row));

        bool IsRule(int i) => i < lines.Length && lines[i].StartsWith("| ---", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\[(?<name>\w+)\]\((?<path>\.\./test/[^)]+\.cs)\)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Link { get; }
}
