using Hyperkube.Oci;
using Hyperkube.Publishing;
using Hyperkube.Sigstore;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Tests.Publishing;

public sealed class SignaturePolicyTests : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();
    private SigningScene _scene = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Repository => $"{_scene.Registry.Url.Authority}/team/app";

    public async ValueTask InitializeAsync()
    {
        _scene = await SigningScene.CreateAsync();
        Write("ours.pub", Pem(_scene.Key.PublicKey));
        Write("theirs.pub", Pem(_scene.Stranger.PublicKey));
    }

    public async ValueTask DisposeAsync()
    {
        await _scene.DisposeAsync();
        _directory.Dispose();
    }

    [Theory]
    [InlineData("REPO")]
    [InlineData("HOST/*")]
    [InlineData("HOST/team/*")]
    [InlineData("*")]
    [InlineData("example.org/other\", \"REPO")]
    public async Task The_images_that_a_pattern_names_need_the_signature(string pattern)
    {
        var policy = Load($"[[repository]]\nmatch = [\"{Named(pattern)}\"]\n[[repository.signer]]\nkey = \"ours.pub\"");
        Assert.Equal(ErrorKind.Unsigned, (await RefusedAsync(policy)).Kind);
        await _scene.SignAsync(_scene.Stranger);
        Assert.Equal(ErrorKind.BadSignature, (await RefusedAsync(policy)).Kind);

        await _scene.SignAsync();

        Assert.Single(await CheckAsync(policy));
    }

    [Theory]
    [InlineData("HOST/team")]
    [InlineData("HOST/team/app2")]
    [InlineData("HOST/tea/*")]
    [InlineData("HOST/team/app/*")]
    [InlineData("oci:*")]
    public async Task An_image_of_which_no_rule_speaks_is_refused_although_it_is_signed(string pattern)
    {
        await _scene.SignAsync();

        var failure = await RefusedAsync(Load($"[[repository]]\nmatch = \"{Named(pattern)}\"\n[[repository.signer]]\nkey = \"ours.pub\""));

        Assert.Equal(ErrorKind.Unsigned, failure.Kind);
        Assert.Contains($"no rule speaks of {Repository}", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_closest_rule_counts_whatever_the_order()
    {
        await _scene.SignAsync(_scene.Stranger);
        var close = $"[[repository]]\nmatch = \"{Repository}\"\n[[repository.signer]]\nkey = \"theirs.pub\"\n";
        const string Wide = "[[repository]]\nmatch = \"*\"\n[[repository.signer]]\nkey = \"ours.pub\"\n";

        Assert.Single(await CheckAsync(Load(close + Wide)));
        Assert.Single(await CheckAsync(Load(Wide + close)));
        Assert.Equal(ErrorKind.BadSignature, (await RefusedAsync(Load(Wide))).Kind);
    }

    [Fact]
    public async Task Several_signers_may_all_be_needed()
    {
        var policy = Load("[[repository]]\nmatch = \"*\"\nsignatures = 2\n[[repository.signer]]\nkey = \"ours.pub\"\n[[repository.signer]]\nkey = \"theirs.pub\"");
        await _scene.SignAsync();
        Assert.Equal(ErrorKind.BadSignature, (await RefusedAsync(policy)).Kind);

        await _scene.SignAsync(_scene.Stranger);

        Assert.Equal(2, (await CheckAsync(policy)).Count);
    }

    [Fact]
    public async Task An_identity_is_believed_by_the_root_that_the_file_or_the_caller_names()
    {
        Write("root.json", _scene.Authority.TrustedRoot().ToJsonString());
        var statement = System.Text.Encoding.UTF8.GetString(
            Hyperkube.Sigstore.Signing.SignatureStatement.About(Convert.FromHexString(_scene.Root.Digest.Hex)));
        await _scene.AttachAsync(_scene.Authority.Sign([], new SigningRecipe { Statement = statement }).Json);
        var rule = $"[[repository]]\nmatch = \"*\"\n[[repository.signer]]\nidentity = \"{CertificateRecipe.Email}\"\nissuer = \"{CertificateRecipe.Google}\"";

        Assert.Single(await CheckAsync(Load("trusted-root = \"root.json\"\n" + rule)));
        Write("policy.toml", rule);
        var root = await File.ReadAllBytesAsync(_directory["root.json"], Ct);
        Assert.Single(await CheckAsync(SignaturePolicy.Load(_directory["policy.toml"], root)));
        Assert.Equal(ErrorKind.BadSignature, (await RefusedAsync(Load(rule))).Kind);
    }

    [Fact]
    public async Task One_key_is_a_policy_for_every_image()
    {
        await _scene.SignAsync();

        Assert.Single(await CheckAsync(SignaturePolicy.OfKey(_directory["ours.pub"])));
        Assert.Equal(ErrorKind.BadSignature, (await RefusedAsync(SignaturePolicy.OfKey(_directory["theirs.pub"]))).Kind);
        Assert.Equal(ErrorKind.Usage, Assert.Throws<HyperkubeException>(() => SignaturePolicy.OfKey(_directory["no.pub"])).Kind);
    }

    // A word that is misspelled must not make a policy weaker.
    [Theory]
    [InlineData(0, "", "no [[repository]]")]
    [InlineData(1, "default = \"accept\"", "'default' has no meaning here")]
    [InlineData(1, "[repository]", "'repository' has no meaning here")]
    [InlineData(1, "[[repositories]]", "has no meaning here")]
    [InlineData(1, "[[repository.signer]]\nkey = \"ours.pub\"", "has no meaning here")]
    [InlineData(2, "[[repository]]\nMatch = \"*\"", "'repository.Match' has no meaning here")]
    [InlineData(1, "[[repository]]\n[[repository.signer]]\nkey = \"ours.pub\"", "without match")]
    [InlineData(1, "[[repository]]\nmatch = \"*\"", "0 signers, and 1 have to have signed")]
    [InlineData(1, "[[repository]]\nmatch = \"*\"\nsignatures = 2\n[[repository.signer]]\nkey = \"ours.pub\"", "1 signers, and 2")]
    [InlineData(3, "[[repository]]\nmatch = \"*\"\nsignatures = 0\n[[repository.signer]]\nkey = \"ours.pub\"", "expected 1 to 8")]
    [InlineData(3, "[[repository]]\nmatch = \"*\"\nsignatures = \"1\"", "expected 1 to 8")]
    [InlineData(4, "[[repository]]\nmatch = \"*\"\n[[repository.signer]]\nkeys = \"ours.pub\"", "'repository.signer.keys' has no meaning here")]
    [InlineData(5, "[[repository]]\nmatch = \"*\"\n[[repository.signer]]\nkey = \"ours.pub\"\nsignatures = 1", "has no meaning here")]
    [InlineData(3, "[[repository]]\nmatch = \"*\"\n[[repository.signer]]\nidentity = \"x\"", "neither a key nor an identity")]
    [InlineData(3, "[[repository]]\nmatch = \"*\"\n[[repository.signer]]\nkey = \"ours.pub\"\nissuer = \"x\"", "neither a key nor an identity")]
    [InlineData(4, "[[repository]]\nmatch = \"*\"\n[[repository.signer]]\nkey = \"\"", "key is empty")]
    [InlineData(4, "[[repository]]\nmatch = \"*\"\n[[repository.signer]]\nkey = 1", "expected a text")]
    [InlineData(5, "[[repository]]\nmatch = \"*\"\n[[repository.signer]]\nkey = \"ours.pub\"\n[[repository.signer]]\nkey = \"./ours.pub\"", "the same signer twice")]
    [InlineData(5, "[[repository]]\nmatch = \"*\"\n[[repository.signer]]\nkey = \"ours.pub\"\n[[repository]]\nmatch = \"*\"\n[[repository.signer]]\nkey = \"ours.pub\"", "stands in two rules")]
    [InlineData(2, "[[repository]]\nmatch = []", "matches nothing")]
    [InlineData(2, "[[repository]]\nmatch = \"example.org/a:v1\"", "matches nothing")]
    [InlineData(2, "[[repository]]\nmatch = \"example.org/team*\"", "matches nothing")]
    [InlineData(2, "[[repository]]\nmatch = \"*/app\"", "matches nothing")]
    [InlineData(2, "[[repository]]\nmatch = \"app\"", "matches nothing")]
    [InlineData(4, "[[repository]]\nmatch = \"*\"\n[[repository.signer]]\nkey = \"no.pub\"", "no such file")]
    [InlineData(2, "[[repository]]\nmatch = ", "this is not TOML")]
    [InlineData(3, "[[repository]]\nmatch = \"*\"\nmatch = \"*\"", "defined twice")]
    [InlineData(1, "trusted-root = \"no.json\"", "no such file")]
    public void A_file_that_says_something_else_is_refused_with_its_line(int line, string text, string complaint)
    {
        var failure = Assert.Throws<HyperkubeException>(() => Load(text));

        Assert.Equal(ErrorKind.Usage, failure.Kind);
        Assert.Contains(complaint, failure.Message, StringComparison.Ordinal);
        Assert.Contains($"{_directory["policy.toml"]}{(line == 0 ? "" : $":{line}")}: ", failure.Message, StringComparison.Ordinal);
    }

    private Task<IReadOnlyList<ImageSignature>> CheckAsync(SignaturePolicy policy) =>
        policy.CheckAsync(_scene.Remote, _scene.Reference, _scene.Root, Ct);

    private Task<HyperkubeException> RefusedAsync(SignaturePolicy policy) => Assert.ThrowsAnyAsync<HyperkubeException>(() => CheckAsync(policy));

    private SignaturePolicy Load(string text)
    {
        Write("policy.toml", text);
        return SignaturePolicy.Load(_directory["policy.toml"]);
    }

    private string Named(string pattern) =>
        pattern.Replace("REPO", Repository, StringComparison.Ordinal).Replace("HOST", _scene.Registry.Url.Authority, StringComparison.Ordinal);

    private void Write(string name, string text) => File.WriteAllText(_directory[name], text);

    private static string Pem(VerificationKey key) => System.Security.Cryptography.PemEncoding.WriteString("PUBLIC KEY", key.Spki.Span);
}
