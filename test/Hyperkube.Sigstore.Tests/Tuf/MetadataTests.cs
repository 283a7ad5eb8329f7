using System.Text;
using System.Text.Json.Nodes;
using Hyperkube.Sigstore.Tuf;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests.Tuf;

/// <summary>What documents look like, and whose signatures count.</summary>
public sealed class MetadataTests : IDisposable
{
    private readonly TufRepository _repository = new([1]);

    public void Dispose() => _repository.Dispose();

    [Fact]
    public void A_key_under_two_names_signs_once()
    {
        var key = _repository.RootKeys[0];
        _repository.RootKeys = [key];
        _repository.Alter = (_, signed) =>
        {
            signed["keys"]!["again"] = TufRepository.JsonOf(key);
            signed["roles"]!["root"]!["keyids"]!.AsArray().Add("again");
        };
        _repository.Forge = (_, document) =>
        {
            var again = document["signatures"]![0]!.DeepClone();
            again["keyid"] = "again";
            document["signatures"]!.AsArray().Add(again);
        };

        var root = RootMetadata.Read(_repository.AddRoot());

        Assert.Equal(2, root[TufRole.Root].Keys.Count);
        Assert.Equal(1, root.CountSigners(root[TufRole.Root]));
    }

    [Theory]
    [InlineData("rsa", "rsassa-pss-sha256", null)]
    [InlineData("tomorrow", "tomorrow", null)]
    [InlineData("ecdsa", "ecdsa-sha2-nistp384", null)]
    [InlineData("ecdsa", "ecdsa-sha2-nistp256", "no PEM")]
    [InlineData("ed25519", "ed25519", "abcd")]
    [InlineData("ed25519", "ed25519", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")] // No point of the curve.
    public void A_key_that_cannot_be_used_does_not_count_and_the_others_do(string type, string scheme, string? text)
    {
        _repository.Alter = (_, signed) =>
        {
            var key = signed["keys"]![TufRepository.IdOf(_repository.RootKeys[0])]!;
            key["keytype"] = type;
            key["scheme"] = scheme;
            key["keyval"]!["public"] = text ?? key["keyval"]!["public"]!.DeepClone();
        };

        var root = RootMetadata.Read(_repository.AddRoot());

        Assert.Equal(2, root.CountSigners(root[TufRole.Root]));
    }

    [Fact]
    public void Keys_of_both_kinds_and_of_the_older_name_count()
    {
        _repository.RootKeys = [_repository.Key(), TestKey.Ed25519(), _repository.Key()];
        _repository.Alter = (_, signed) =>
            signed["keys"]![TufRepository.IdOf(_repository.RootKeys[2])]!["keytype"] = "ecdsa-sha2-nistp256";

        var root = RootMetadata.Read(_repository.AddRoot());

        Assert.Equal(3, root.CountSigners(root[TufRole.Root]));
    }

    [Fact]
    public void A_key_of_another_curve_does_not_count()
    {
        using var p384 = TestKey.P384();
        _repository.RootKeys = [p384, .. _repository.RootKeys];

        var root = RootMetadata.Read(_repository.AddRoot());

        Assert.Equal(3, root[TufRole.Root].Keys.Count);
    }

    [Theory]
    [InlineData("")] // tuf-on-ci publishes such for those who have not signed yet.
    [InlineData("abc")]
    [InlineData("zz")]
    [InlineData("00")]
    public void A_signature_that_is_none_does_not_count_and_the_others_do(string signature)
    {
        _repository.Forge = (_, document) => document["signatures"]![0]!["sig"] = signature;

        var root = RootMetadata.Read(_repository.AddRoot());

        Assert.Equal(2, root.CountSigners(root[TufRole.Root]));
    }

    [Fact]
    public void White_space_and_the_order_of_fields_do_not_matter()
    {
        _repository.Forge = (_, document) =>
        {
            var signed = document["signed"]!.AsObject();
            var type = signed["_type"]!.DeepClone();
            signed.Remove("_type");
            signed["_type"] = type;
        };
        var json = JsonNode.Parse(_repository.AddRoot())!.ToJsonString(new() { WriteIndented = true });

        var root = RootMetadata.Read(Encoding.UTF8.GetBytes(json));

        Assert.Equal(3, root.CountSigners(root[TufRole.Root]));
    }

    public static TheoryData<string, string> BadRoots => new()
    {
        { "$._type", "\"targets\"" },
        { "$.spec_version", "\"2.0\"" },
        { "$.spec_version", "1" },
        { "$.version", "0" },
        { "$.version", "-1" },
        { "$.version", "1.0" },
        { "$.version", "\"1\"" },
        { "$.version", "9223372036854775808" },
        { "$.expires", "\"tomorrow\"" },
        { "$.expires", "\"2026-03-01\"" },
        { "$.expires", "null" },
        { "$.consistent_snapshot", "1" },
        { "$.consistent_snapshot", "null" },
        { "$.keys", "[]" },
        { "$.roles", "{}" },
        { "$.roles.timestamp", "null" },
        { "$.roles.root.threshold", "0" },
        { "$.roles.root.threshold", "1000" },
        { "$.roles.root.keyids", "[\"a\",\"a\"]" },
        { "$.roles.root.keyids", "[1]" },
        { "$.added", "0.5" },
        { "$.added", "\"\\ud800\"" },
    };

    [Theory]
    [MemberData(nameof(BadRoots))]
    public void What_breaks_the_rules_is_refused(string path, string value)
    {
        var names = path.Split('.')[1..];
        var document = JsonNode.Parse(_repository.FirstRoot)!;
        var parent = names[..^1].Aggregate(document["signed"]!, (node, name) => node[name]!);
        parent[names[^1]] = "PLACE";
        var json = document.ToJsonString().Replace("\"PLACE\"", value, StringComparison.Ordinal);

        var error = Assert.Throws<TufException>(() => RootMetadata.Read(Encoding.UTF8.GetBytes(json)));

        Assert.Equal((TufRole.Root, TufCheck.Format), (error.Role, error.Check));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"signed":{},"signatures":[],"signed":{}}""")]
    [InlineData("""{"signed":{},"signatures":[{"keyid":"a","sig":""},{"keyid":"a","sig":""}]}""")]
    [InlineData("""{"signed":{},"signatures":{}}""")]
    public void What_is_no_document_is_refused(string json) =>
        Assert.Equal(TufCheck.Format, Assert.Throws<TufException>(() => RootMetadata.Read(Encoding.UTF8.GetBytes(json))).Check);

    [Theory]
    [InlineData("timestamp", "$.meta", "{}")]
    [InlineData("timestamp", "$.meta", "{\"targets.json\":{\"version\":1}}")]
    [InlineData("snapshot", "$.meta", "{\"snapshot.json\":{\"version\":1}}")]
    [InlineData("snapshot", "$.meta", "{\"targets.json\":{\"version\":0}}")]
    [InlineData("snapshot", "$.meta", "{\"targets.json\":{\"version\":1,\"hashes\":{\"md5\":\"00\"}}}")]
    [InlineData("snapshot", "$.meta", "{\"targets.json\":{\"version\":1,\"hashes\":{\"sha256\":\"00\"}}}")]
    [InlineData("snapshot", "$.meta", "{\"targets.json\":{\"version\":1,\"length\":-1}}")]
    [InlineData("snapshot", "$.meta", "{\"targets.json\":{\"version\":1,\"length\":\"1\"}}")]
    [InlineData("targets", "$.targets", "{\"trusted_root.json\":{\"length\":1}}")]
    [InlineData("targets", "$.targets", "{\"trusted_root.json\":{\"hashes\":{\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\"}}}")]
    [InlineData("targets", "$.targets", "{\"trusted_root.json\":{\"length\":1,\"hashes\":{\"sha3\":\"00\"}}}")]
    [InlineData("targets", "$.targets", "null")]
    public async Task What_says_too_little_of_a_file_is_refused(string role, string path, string value)
    {
        _repository.Alter = (r, signed) =>
        {
            if (r == role)
            {
                signed[path[2..]] = JsonNode.Parse(value);
            }
        };
        _repository.Publish([2]);

        var error = await Assert.ThrowsAsync<TufException>(() => new TufClient(_repository, new SkippingTime { Now = TufRepository.Now })
            .UpdateAsync(_repository.FirstRoot, seen: null, TufRepository.TargetPath, 100, TestContext.Current.CancellationToken));

        Assert.Equal((role, TufCheck.Format), (TufException.Name(error.Role), error.Check));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("no JSON")]
    [InlineData("""{"root":"e30=","timestamp":"e30=","snapshot":"e30="}""")]
    [InlineData("""{"root":"not base64","timestamp":"","snapshot":""}""")]
    public void A_memory_that_is_none_is_refused(string json) =>
        Assert.Equal(
            SignatureFailure.BadTrust,
            Assert.Throws<SignatureException>(() => TufMemory.Parse(Encoding.UTF8.GetBytes(json))).Failure);
}
