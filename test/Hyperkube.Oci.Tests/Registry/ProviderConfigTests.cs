using Hyperkube.Oci.Registry.Credentials;
using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Registry;

public sealed class ProviderConfigTests : IDisposable
{
    // The example of kubelet's documentation.
    private const string Example = """
        apiVersion: kubelet.config.k8s.io/v1
        kind: CredentialProviderConfig
        # providers is a list of credential provider helper plugins that will be enabled by the kubelet.
        providers:
          # name is the required name of the credential provider.
          - name: ecr-credential-provider
            matchImages:
              - "*.dkr.ecr.*.amazonaws.com"
              - "*.dkr.ecr.*.amazonaws.com.cn"
              - "*.dkr.ecr-fips.*.amazonaws.com"
              - "*.dkr.ecr.us-iso-east-1.c2s.ic.gov"
              - "*.dkr.ecr.us-isob-east-1.sc2s.sgov.gov"
            defaultCacheDuration: "12h"
            apiVersion: credentialprovider.kubelet.k8s.io/v1
            args:
              - --v=3
            env:
              - name: AWS_PROFILE
                value: example_profile
            tokenAttributes:
              serviceAccountTokenAudience: "<audience for the token>"
              cacheType: "<Token or ServiceAccount>"
              requireServiceAccount: true
              requiredServiceAccountAnnotationKeys:
              - "example.com/required-annotation-key-1"
              optionalServiceAccountAnnotationKeys:
              - "example.com/optional-annotation-key-1"
        """;

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void The_documented_example_is_understood()
    {
        var provider = Assert.Single(ProviderConfig.Parse(Example, "file"));

        Assert.Equal("ecr-credential-provider", provider.Name);
        Assert.Equal("credentialprovider.kubelet.k8s.io/v1", provider.ApiVersion);
        Assert.Equal(5, provider.Patterns.Count);
        Assert.Equal(TimeSpan.FromHours(12), provider.DefaultCacheDuration);
        Assert.Equal(["--v=3"], provider.Arguments);
        Assert.Equal([new("AWS_PROFILE", "example_profile")], provider.Variables);
        Assert.True(provider.NeedsServiceAccount);
    }

    [Fact]
    public void JSON_is_understood_as_well()
    {
        var provider = Assert.Single(ProviderConfig.Parse(
            """
            {"apiVersion":"kubelet.config.k8s.io/v1","kind":"CredentialProviderConfig","providers":[{"name":"gcp","matchImages":["gcr.io"],
            	"defaultCacheDuration":"1m0s","apiVersion":"credentialprovider.kubelet.k8s.io/v1","args":null,"tokenAttributes":null}]}
            """, "file"));

        Assert.Equal(("gcp", false), (provider.Name, provider.NeedsServiceAccount));
        Assert.Empty(provider.Arguments);
    }

    [Theory]
    [InlineData("kubelet.config.k8s.io/v1", "kubelet.config.k8s.io/v2", "apiVersion is 'kubelet.config.k8s.io/v2'")]
    [InlineData("kind: CredentialProviderConfig", "kind: KubeletConfiguration", "kind is 'KubeletConfiguration'")]
    [InlineData("kind: CredentialProviderConfig", "", "no kind")]
    [InlineData("credentialprovider.kubelet.k8s.io/v1", "v1", "apiVersion is 'v1'")]
    [InlineData("  - name:", "  - nmae:", "no name")]
    [InlineData("    args:", "    arguments:", "unknown field 'arguments'")]
    [InlineData("    args:", "    Args:", "unknown field 'Args'")]
    [InlineData("    args:", "    name: again\n    args:", "'name' again")]
    [InlineData("kind:", "extra: 1\nkind:", "unknown field 'extra'")]
    [InlineData("ecr-credential-provider", "a/b", "no name of a program")]
    [InlineData("ecr-credential-provider", "..", "no name of a program")]
    [InlineData("ecr-credential-provider", "a b", "no name of a program")]
    [InlineData("ecr-credential-provider", "5", "name is something else; expected text, in quotes")]
    [InlineData("--v=3", "3", "args[0] is something else; expected text, in quotes")]
    [InlineData("example_profile", "{a: s3cret}", "value is something else; expected text")]
    [InlineData("example_profile", "yes", "value is something else; expected text, in quotes")]
    [InlineData("AWS_PROFILE", "A=B", "no name of a variable")]
    [InlineData("example_profile", "\"s3cret\\0\"", "a zero byte")]
    [InlineData("\"12h\"", "12", "defaultCacheDuration")]
    [InlineData("\"12h\"", "-1h", "defaultCacheDuration is no duration")]
    [InlineData("\"12h\"", "1d", "defaultCacheDuration is no duration")]
    [InlineData("    defaultCacheDuration: \"12h\"", "", "no defaultCacheDuration")]
    [InlineData("\"*.dkr.ecr.*.amazonaws.com\"", "\"a b\"", "matchImages holds several words")]
    [InlineData("\"*.dkr.ecr.*.amazonaws.com\"", "\"a:b\"", "matchImages holds 'a:b'")]
    [InlineData("kind: CredentialProviderConfig", "kind: CredentialProviderConfig\n  s3cret", "kind is several words")]
    [InlineData("requireServiceAccount: true", "requireServiceAccount: \"true\"", "expected true or false")]
    [InlineData("example_profile", "!!binary czNjcmV0", "a tag")]
    [InlineData("example_profile", "*nobody", "an alias of nothing before it")]
    [InlineData("example_profile", "'s3cret", "not YAML")]
    [InlineData("example_profile", "\"s3cret\\q\"", "not YAML")]
    public void What_kubelet_would_refuse_is_refused_with_its_place(string what, string by, string expected)
    {
        Assert.Contains(what, Example, StringComparison.Ordinal);

        var error = Assert.Throws<HyperkubeException>(
            () => ProviderConfig.Parse(Example.Replace(what, by, StringComparison.Ordinal), "file"));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.StartsWith("file:", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("- a\n- b\n")]
    [InlineData("text")]
    [InlineData("apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders: []\n")]
    [InlineData("apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders: x\n")]
    public void What_is_no_configuration_is_refused(string yaml) =>
        Assert.Equal(ErrorKind.Usage, Assert.Throws<HyperkubeException>(() => ProviderConfig.Parse(yaml, "file")).Kind);

    [Fact]
    public void A_provider_that_can_do_without_a_pods_account_does_without() =>
        Assert.False(Assert.Single(ProviderConfig.Parse(
            Example.Replace("requireServiceAccount: true", "requireServiceAccount: false", StringComparison.Ordinal), "file"))
            .NeedsServiceAccount);

    [Fact]
    public void A_directory_is_read_in_the_order_of_its_names()
    {
        foreach (var name in (string[])["b.yaml", "a.json", "c.yml", "notes.txt"])
        {
            File.WriteAllText(
                _directory[name],
                Example.Replace("ecr-credential-provider", Path.GetFileNameWithoutExtension(name), StringComparison.Ordinal));
        }

        Assert.Equal(["a", "b", "c"], ProviderConfig.Load(_directory.Path).Select(p => p.Name).ToArray());
    }

    [Fact]
    public void Two_providers_of_one_name_are_refused()
    {
        File.WriteAllText(_directory["a.yaml"], Example);
        File.WriteAllText(_directory["b.yaml"], Example);

        var error = Assert.Throws<HyperkubeException>(() => ProviderConfig.Load(_directory.Path));

        Assert.Contains("two providers named 'ecr-credential-provider'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_there_is_refused()
    {
        Assert.Equal(ErrorKind.Usage, Assert.Throws<HyperkubeException>(() => ProviderConfig.Load(_directory.Path)).Kind);
        Assert.Equal(ErrorKind.Usage, Assert.Throws<HyperkubeException>(() => ProviderConfig.Load(_directory["x"])).Kind);
    }
}
