using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Hyperkube.Sigstore.Tuf;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests.Tuf;

/// <summary>Each check of an update: what passes it, and what does not.</summary>
public sealed class TufClientTests : IDisposable
{
    private const int MaxTargetBytes = 1000;

    private static readonly byte[] First = "the first"u8.ToArray();
    private static readonly byte[] Second = "the second"u8.ToArray();

    private readonly TufRepository _repository = new(First);

    public void Dispose() => _repository.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_newest_file_is_brought(bool isConsistent)
    {
        using TufRepository repository = new(First, isConsistent);
        repository.Publish(Second);

        var update = await UpdateAsync(repository);

        Assert.Equal(Second, update.File.ToArray());
        Assert.Equal("1 2 2 2", Versions(update));
        Assert.Equal(TufRepository.Now.AddDays(10), update.Expires);
        Assert.Equal(
            isConsistent
                ? $"2.root.json timestamp.json 2.snapshot.json 2.targets.json targets/{Convert.ToHexStringLower(SHA256.HashData(Second))}.trusted_root.json"
                : "2.root.json timestamp.json snapshot.json targets.json targets/trusted_root.json",
            string.Join(' ', repository.Asked));
    }

    [Fact]
    public async Task What_was_seen_before_is_no_obstacle_for_the_same_or_newer_ones()
    {
        var first = await UpdateAsync(_repository);
        var same = await UpdateAsync(_repository, first.Memory);
        _repository.Publish(Second);
        var next = await UpdateAsync(_repository, TufMemory.Parse(same.Memory.ToJson()));

        Assert.Equal(First, same.File.ToArray());
        Assert.Equal(Second, next.File.ToArray());
    }

    [Fact]
    public async Task Keys_are_replaced_over_several_roots_which_may_have_expired()
    {
        List<TestKey> everyRootKey = [.. _repository.RootKeys];
        _repository.Alter = (role, signed) => signed["expires"] = role == "root" ? "2020-01-01T00:00:00Z" : signed["expires"]!.DeepClone();
        for (var i = 0; i < 3; i++)
        {
            var old = _repository.RootKeys;
            _repository.RootKeys = [_repository.Key(), _repository.Key(), old[0]];
            _repository.Online = _repository.Key();
            _repository.AddRoot(old);
            everyRootKey.AddRange(_repository.RootKeys);
        }

        _repository.Alter = (_, _) => { };
        _repository.AddRoot();
        _repository.Publish(Second);

        var update = await UpdateAsync(_repository);

        Assert.Equal(Second, update.File.ToArray());
        Assert.Equal("5 2 2 2", Versions(update));
    }

    [Fact]
    public async Task A_root_that_the_older_keys_or_its_own_have_not_signed_is_refused()
    {
        var old = _repository.RootKeys;
        _repository.RootKeys = [_repository.Key(), _repository.Key(), _repository.Key()];
        _repository.AddRoot(old[0]);
        var byOne = await RefusedAsync(TufRole.Root, TufCheck.Threshold);

        _repository.Versions["root"] = 1;
        _repository.Signers = _ => old;
        _repository.AddRoot();
        var byOldOnly = await RefusedAsync(TufRole.Root, TufCheck.Threshold);

        Assert.Equal("root threshold: version 2 is signed by 1 of the keys that version 1 of root names; expected 2", byOne.Message);
        Assert.Equal("root threshold: version 2 is signed by 0 of the keys that version 2 of root names; expected 2", byOldOnly.Message);
    }

    [Fact]
    public async Task The_root_to_begin_with_has_to_be_signed_too()
    {
        var document = JsonNode.Parse(_repository.FirstRoot)!;
        document["signatures"]!.AsArray().RemoveAt(0);
        document["signatures"]!.AsArray().RemoveAt(0);

        var error = await Assert.ThrowsAsync<TufException>(() =>
            UpdateAsync(_repository, root: Encoding.UTF8.GetBytes(document.ToJsonString())));

        Assert.Equal((TufRole.Root, TufCheck.Threshold), (error.Role, error.Check));
    }

    [Theory]
    [InlineData(1)] // Again the same.
    [InlineData(3)] // One left out.
    public async Task A_root_of_another_version_than_its_path_says_is_refused(int version)
    {
        _repository.Alter = (_, signed) => signed["version"] = version;
        _repository.AddRoot();

        await RefusedAsync(TufRole.Root, TufCheck.Version);
    }

    [Fact]
    public async Task The_last_root_has_to_be_fresh()
    {
        _repository.Alter = (_, signed) => signed["expires"] = "2026-03-01T12:00:00Z";
        _repository.AddRoot();

        var error = await RefusedAsync(TufRole.Root, TufCheck.Expiry);

        Assert.Equal("root expiry: version 2 was good until 2026-03-01T12:00:00Z; now it is 2026-03-01T12:00:00Z", error.Message);
    }

    [Fact]
    public async Task Roots_without_end_are_refused()
    {
        for (var i = 0; i < TufClient.MaxNewRoots; i++)
        {
            _repository.AddRoot();
        }

        Assert.Equal("65 1 1 1", Versions(await UpdateAsync(_repository)));
        _repository.AddRoot();

        await RefusedAsync(TufRole.Root, TufCheck.Version);
    }

    [Theory]
    [InlineData("timestamp", TufRole.Timestamp)]
    [InlineData("snapshot", TufRole.Snapshot)]
    [InlineData("targets", TufRole.Targets)]
    public async Task Every_document_has_to_be_signed_by_a_key_of_its_role(string role, TufRole expected)
    {
        foreach (var signers in (TestKey[][])[[], [_repository.Key()], [.. _repository.RootKeys], role == "targets" ? [_repository.Online] : [.. _repository.TargetsKeys]])
        {
            _repository.Signers = r => r == role ? signers : null;
            _repository.Publish(Second);

            await RefusedAsync(expected, TufCheck.Threshold);
        }
    }

    [Theory]
    [InlineData("timestamp", TufRole.Timestamp)]
    [InlineData("snapshot", TufRole.Snapshot)]
    [InlineData("targets", TufRole.Targets)]
    public async Task Every_document_has_to_be_fresh_to_the_second(string role, TufRole expected)
    {
        foreach (var (end, isFresh) in ((string, bool)[])[("2026-03-01T12:00:01Z", true), ("2026-03-01T12:00:00Z", false), ("2025-03-01T12:00:00Z", false)])
        {
            _repository.Alter = (r, signed) => signed["expires"] = r == role ? end : signed["expires"]!.DeepClone();
            _repository.Publish(Second);

            if (isFresh)
            {
                await UpdateAsync(_repository);
            }
            else
            {
                await RefusedAsync(expected, TufCheck.Expiry);
            }
        }
    }

    [Theory]
    [InlineData("timestamp")]
    [InlineData("snapshot")]
    [InlineData("targets")]
    public async Task What_is_changed_after_it_was_signed_is_refused(string role)
    {
        _repository.Forge = (r, document) => document["signed"]!["version"] = r == role ? 7 : document["signed"]!["version"]!.DeepClone();
        _repository.Publish(Second);

        var error = await Assert.ThrowsAsync<TufException>(() => UpdateAsync(_repository));

        Assert.Equal((role, TufCheck.Threshold), (TufException.Name(error.Role), error.Check));
    }

    [Fact]
    public async Task A_mirror_that_went_back_is_found_out_role_by_role()
    {
        var old = _repository.Files.ToDictionary();
        _repository.AddRoot();
        _repository.Publish(Second);
        var seen = (await UpdateAsync(_repository)).Memory;
        var newer = _repository.Files.ToDictionary();

        Back(old);
        await RefusedAsync(TufRole.Root, TufCheck.Version, seen);

        Back(old);
        _repository.Files["2.root.json"] = newer["2.root.json"];
        await RefusedAsync(TufRole.Timestamp, TufCheck.Version, seen);

        // A newer timestamp that names the older snapshot.
        Back(newer);
        _repository.Versions["snapshot"] = _repository.Versions["targets"] = 0;
        _repository.Publish(First);
        await RefusedAsync(TufRole.Snapshot, TufCheck.Version, seen);

        // A newer snapshot that names older targets.
        Back(newer);
        _repository.Versions["snapshot"] = 5;
        _repository.Versions["targets"] = 0;
        _repository.Publish(First);
        var error = await RefusedAsync(TufRole.Snapshot, TufCheck.Version, seen);

        Assert.Equal("snapshot version: version 6 names version 1 of targets.json; version 2 was seen before", error.Message);
        await UpdateAsync(_repository); // Who has seen nothing cannot know.
    }

    [Fact]
    public async Task A_snapshot_that_forgets_a_document_is_refused()
    {
        _repository.Alter = (role, signed) => AddFile(role, signed, "others.json");
        _repository.Publish(First);
        var seen = (await UpdateAsync(_repository)).Memory;
        _repository.Alter = (_, _) => { };
        _repository.Publish(Second);

        var error = await RefusedAsync(TufRole.Snapshot, TufCheck.Version, seen);

        Assert.Equal("snapshot version: version 3 names no others.json; version 7 was seen before", error.Message);
    }

    [Theory]
    [InlineData("timestamp", TufRole.Timestamp)]
    [InlineData("snapshot", TufRole.Snapshot)]
    public async Task Two_documents_of_one_version_are_refused(string role, TufRole expected)
    {
        var seen = (await UpdateAsync(_repository)).Memory;
        _repository.Versions["timestamp"] = role == "timestamp" ? 0 : 1;
        _repository.Versions["snapshot"] = 0;
        _repository.Publish(Second);

        await RefusedAsync(expected, TufCheck.Version, seen);
    }

    // Or a thief could lock everybody out for good, by signing a version that cannot be passed.
    [Fact]
    public async Task After_its_key_is_replaced_a_role_may_begin_anew()
    {
        _repository.Versions["timestamp"] = _repository.Versions["snapshot"] = 1_000_000;
        _repository.Publish(First);
        var seen = (await UpdateAsync(_repository)).Memory;
        _repository.Versions["timestamp"] = _repository.Versions["snapshot"] = 1;
        _repository.Publish(Second);
        await RefusedAsync(TufRole.Timestamp, TufCheck.Version, seen);

        _repository.Online = _repository.Key();
        _repository.AddRoot();
        _repository.Publish(Second);

        Assert.Equal(Second, (await UpdateAsync(_repository, seen)).File.ToArray());
    }

    [Fact]
    public async Task Another_repository_is_not_the_one_that_was_seen()
    {
        using TufRepository other = new(Second);
        var seen = (await UpdateAsync(_repository)).Memory;

        var error = await Assert.ThrowsAsync<TufException>(() => UpdateAsync(other, seen));

        Assert.Equal("root version: version 1 is not the one that was seen before; expected the same repository", error.Message);
    }

    [Fact]
    public async Task Documents_of_two_publications_do_not_mix()
    {
        var old = _repository.Files.ToDictionary();
        _repository.Publish(Second);
        var newer = _repository.Files.ToDictionary();

        // Signatures differ in length by a byte or two, so either check may be the one.
        _repository.Files["2.snapshot.json"] = old["1.snapshot.json"];
        var snapshot = await Assert.ThrowsAsync<TufException>(() => UpdateAsync(_repository));
        Assert.True(snapshot is { Role: TufRole.Snapshot, Check: TufCheck.Hash or TufCheck.Length }, snapshot.Message);

        Back(newer);
        _repository.Files["2.targets.json"] = old["1.targets.json"];
        var targets = await Assert.ThrowsAsync<TufException>(() => UpdateAsync(_repository));
        Assert.True(targets is { Role: TufRole.Targets, Check: TufCheck.Hash or TufCheck.Length }, targets.Message);

        Back(newer);
        _repository.Files[Path(Second)] = Encoding.UTF8.GetBytes("the decond");
        await RefusedAsync(TufRole.Targets, TufCheck.Hash);
    }

    // Lengths and hashes of documents may be left out; versions are what remains then.
    [Theory]
    [InlineData("snapshot", TufRole.Snapshot)]
    [InlineData("targets", TufRole.Targets)]
    public async Task Without_hashes_the_version_decides(string role, TufRole expected)
    {
        _repository.Alter = (_, signed) => WithoutHashes(signed);
        _repository.Publish(First);
        _repository.Publish(Second);
        Assert.Equal(Second, (await UpdateAsync(_repository)).File.ToArray());

        _repository.Files[$"3.{role}.json"] = _repository.Files[$"2.{role}.json"];

        await RefusedAsync(expected, TufCheck.Version);
    }

    [Theory]
    [InlineData("2.root.json", TufRole.Root, TufCheck.Length)]
    [InlineData("timestamp.json", TufRole.Timestamp, TufCheck.Length)]
    [InlineData("1.snapshot.json", TufRole.Snapshot, TufCheck.Length)]
    [InlineData("1.targets.json", TufRole.Targets, TufCheck.Length)]
    [InlineData("target", TufRole.Targets, TufCheck.Length)]
    public async Task No_file_is_read_without_end(string path, TufRole role, TufCheck check)
    {
        _repository.Files[path == "target" ? Path(First) : path] = new byte[6_000_000];

        await RefusedAsync(role, check);
    }

    [Theory]
    [InlineData("snapshot", TufRole.Snapshot)]
    [InlineData("targets", TufRole.Targets)]
    public async Task Nor_without_end_where_no_length_is_said(string role, TufRole expected)
    {
        _repository.Alter = (_, signed) => WithoutHashes(signed);
        _repository.Publish(First);
        _repository.Files[$"2.{role}.json"] = new byte[6_000_000];

        await RefusedAsync(expected, TufCheck.Length);
    }

    [Theory]
    [InlineData("1.snapshot.json", TufRole.Snapshot)]
    [InlineData("1.targets.json", TufRole.Targets)]
    [InlineData("target", TufRole.Targets)]
    public async Task A_file_that_is_too_short_is_refused(string path, TufRole role)
    {
        path = path == "target" ? Path(First) : path;
        _repository.Files[path] = _repository.Files[path][..^1];

        await RefusedAsync(role, TufCheck.Length);
    }

    [Fact]
    public async Task A_target_that_is_larger_than_wanted_is_not_even_asked_for()
    {
        _repository.Publish(new byte[MaxTargetBytes]);
        await UpdateAsync(_repository);
        _repository.Publish(new byte[MaxTargetBytes + 1]);
        _repository.Asked.Clear();

        await RefusedAsync(TufRole.Targets, TufCheck.Length);

        Assert.DoesNotContain(_repository.Asked, p => p.StartsWith("targets/", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("timestamp.json", TufRole.Timestamp)]
    [InlineData("1.snapshot.json", TufRole.Snapshot)]
    [InlineData("1.targets.json", TufRole.Targets)]
    [InlineData("target", TufRole.Targets)]
    public async Task What_the_mirror_does_not_have_is_named(string path, TufRole role)
    {
        path = path == "target" ? Path(First) : path;
        _repository.Files.Remove(path);

        Assert.EndsWith($" missing: the mirror has no {path}", (await RefusedAsync(role, TufCheck.Missing)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repository_that_does_not_name_the_file_says_so()
    {
        _repository.Alter = (role, signed) => signed[role == "targets" ? "targets" : "x"] = new JsonObject();
        _repository.Publish(First);

        Assert.Equal("targets missing: version 2 names no trusted_root.json", (await RefusedAsync(TufRole.Targets, TufCheck.Missing)).Message);
    }

    private static string Path(byte[] target) => $"targets/{Convert.ToHexStringLower(SHA256.HashData(target))}.{TufRepository.TargetPath}";

    private static string Versions(TufUpdate update) => string.Join(' ', Enum.GetValues<TufRole>().Select(r => update.Versions[r]));

    private static void AddFile(string role, JsonObject signed, string name)
    {
        if (role == "snapshot")
        {
            signed["meta"]![name] = new JsonObject { ["version"] = 7 };
        }
    }

    private static void WithoutHashes(JsonObject signed)
    {
        foreach (var (_, file) in signed["meta"]?.AsObject() ?? [])
        {
            file!.AsObject().Remove("hashes");
            file.AsObject().Remove("length");
        }
    }

    private static Task<TufUpdate> UpdateAsync(TufRepository repository, TufMemory? seen = null, byte[]? root = null) =>
        new TufClient(repository, new SkippingTime { Now = TufRepository.Now }).UpdateAsync(
            root ?? repository.FirstRoot, seen, TufRepository.TargetPath, MaxTargetBytes, TestContext.Current.CancellationToken);

    private void Back(Dictionary<string, byte[]> files)
    {
        _repository.Files.Clear();
        foreach (var (path, content) in files)
        {
            _repository.Files.Add(path, content);
        }
    }

    private async Task<TufException> RefusedAsync(TufRole role, TufCheck check, TufMemory? seen = null)
    {
        var error = await Assert.ThrowsAsync<TufException>(() => UpdateAsync(_repository, seen));
        Assert.True((role, check) == (error.Role, error.Check), $"{error.Message}; expected {role} {check}");
        return error;
    }
}
