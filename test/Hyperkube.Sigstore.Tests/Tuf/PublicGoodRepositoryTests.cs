using System.Security.Cryptography;
using System.Text;
using Hyperkube.Sigstore.Tuf;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests.Tuf;

public sealed class PublicGoodRepositoryTests
{
    [Fact]
    public void The_embedded_root_is_the_one_that_was_published()
    {
        Assert.Equal(
            "27aea7e372aa7864065174f0661784fcf8b0e28b1dbfebeada31a0f1fb19167f",
            Convert.ToHexStringLower(SHA256.HashData(PublicGoodRepository.RootJson.Span)));
        Assert.Equal((16, new DateTimeOffset(2027, 4, 22, 19, 27, 31, TimeSpan.Zero)), PublicGoodRepository.Describe(PublicGoodRepository.RootJson));
    }

    [Fact]
    public void All_five_of_its_keys_have_signed_it_and_three_would_do()
    {
        var root = RootMetadata.Read(PublicGoodRepository.RootJson);

        Assert.Equal((5, 3), (root.CountSigners(root[TufRole.Root]), root[TufRole.Root].Threshold));
        Assert.Equal((5, 3), (root[TufRole.Targets].Keys.Count, root[TufRole.Targets].Threshold));
        Assert.Equal((1, 1), (root[TufRole.Timestamp].Keys.Count, root[TufRole.Snapshot].Keys.Count));
        Assert.True(root.IsConsistent);
    }

    [Fact]
    public void One_changed_letter_makes_all_its_signatures_worthless()
    {
        var json = Encoding.UTF8.GetString(PublicGoodRepository.RootJson.Span);
        var changed = json.Replace("\"@lance\"", "\"@lancd\"", StringComparison.Ordinal);

        var root = RootMetadata.Read(Encoding.UTF8.GetBytes(changed));

        Assert.NotEqual(json, changed);
        Assert.Equal(0, root.CountSigners(root[TufRole.Root]));
    }

    [Fact]
    public async Task A_mirror_that_ends_there_needs_a_timestamp_by_its_online_key()
    {
        using TufRepository stranger = new([1]);
        stranger.Files["17.root.json"] = stranger.Files["1.root.json"];

        var ownRoot = await UpdateAsync(stranger);
        stranger.Files.Remove("17.root.json");
        var ownTimestamp = await UpdateAsync(stranger);

        Assert.Equal("root threshold: version 1 is signed by 0 of the keys that version 16 of root names; expected 3", ownRoot.Message);
        Assert.Equal("timestamp threshold: version 1 is signed by 0 of the keys that version 16 of root names; expected 1", ownTimestamp.Message);
    }

    private static Task<TufException> UpdateAsync(TufRepository mirror) => Assert.ThrowsAsync<TufException>(() =>
        new TufClient(mirror, new SkippingTime { Now = TufRepository.Now }).UpdateAsync(
            PublicGoodRepository.RootJson, seen: null, PublicGoodRepository.TrustedRootPath, 1 << 20, TestContext.Current.CancellationToken));
}
