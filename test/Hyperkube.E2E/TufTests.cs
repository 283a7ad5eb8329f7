using System.Text;
using Hyperkube.E2E.Programs;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.E2E;

/// <summary>The TUF project's own client takes and refuses the same repositories as <c>trust update</c>, which takes what its models write.</summary>
public sealed class TufTests : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly byte[] _first;
    private readonly byte[] _second;
    private readonly TufRepository _repository;
    private readonly ReleaseSite _site;

    public TufTests()
    {
        using SigstoreAuthority authority = new();
        _first = Encoding.UTF8.GetBytes(authority.TrustedRoot().ToJsonString());
        _second = [.. _first, (byte)'\n'];
        _repository = new TufRepository(_first, now: TimeProvider.System.GetUtcNow());
        Directory.CreateDirectory(_directory["mirror"]);
        Directory.CreateDirectory(_directory["seen"]);
        File.WriteAllBytes(_directory["seen/root.json"], _repository.FirstRoot);
        _site = ReleaseSite.Start(_directory["mirror"]);
    }

    public async ValueTask DisposeAsync()
    {
        await _site.DisposeAsync();
        _repository.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task What_our_repository_publishes_both_take_through_replaced_keys_and_again_later()
    {
        (await TheirsAsync()).Well();
        (await OursAsync()).Well();

        var old = _repository.RootKeys;
        _repository.RootKeys = [_repository.Key(), old[1], _repository.Key()];
        _repository.Online = _repository.Key();
        _repository.AddRoot(old);
        _repository.Publish(_second);
        (await TheirsAsync()).Well();
        (await OursAsync()).Well();

        foreach (var file in (string[])["seen/trusted_root.json", "ours.json"])
        {
            Assert.Equal(_second, await File.ReadAllBytesAsync(_directory[file], TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task What_their_models_publish_we_take_as_they_do()
    {
        var mirror = _directory["mirror"];
        await File.WriteAllBytesAsync(_directory["file"], _second, TestContext.Current.CancellationToken);
        (await NodeAsync("publish", mirror, _directory["file"])).Well();
        File.Copy(Path.Combine(mirror, "1.root.json"), _directory["seen/root.json"], overwrite: true);

        (await NodeAsync("update", Mirror, _directory["seen"])).Well();
        var result = (await RunOursAsync()).Well();

        Assert.Contains("root 2, timestamp 9, snapshot 7, targets 4", result.Out, StringComparison.Ordinal);
        Assert.Equal(_second, await File.ReadAllBytesAsync(_directory["ours.json"], TestContext.Current.CancellationToken));
    }

    public static TheoryData<string, string> Faults => new()
    {
        { "old keys", "root threshold" },
        { "new keys", "root threshold" },
        { "root version", "root version" },
        { "root expiry", "root expiry" },
        { "timestamp key", "timestamp threshold" },
        { "timestamp expiry", "timestamp expiry" },
        { "timestamp back", "timestamp version" },
        { "snapshot key", "snapshot threshold" },
        { "snapshot expiry", "snapshot expiry" },
        { "snapshot back", "snapshot version" },
        { "snapshot mixed", "snapshot" },
        { "targets key", "targets threshold" },
        { "targets expiry", "targets expiry" },
        { "targets back", "snapshot version" },
        { "targets mixed", "targets" },
        { "file", "targets hash" },
        { "signed", "timestamp threshold" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task What_we_refuse_they_refuse_too(string fault, string says)
    {
        (await TheirsAsync()).Well();
        (await OursAsync()).Well();
        await BreakAsync(fault);

        var theirs = await TheirsAsync();
        var ours = await OursAsync();

        Assert.NotEqual(0, theirs.Code);
        Assert.Equal(4, ours.Code);
        Assert.Contains($": {says}", ours.Error, StringComparison.Ordinal);
        Assert.Equal(_first, await File.ReadAllBytesAsync(_directory["ours.json"], TestContext.Current.CancellationToken));
    }

    private string Mirror => _site.Url.AbsoluteUri.TrimEnd('/');

    private async Task BreakAsync(string fault)
    {
        var words = fault.Split(' ');
        var isPublished = words[0] != "root" && words[^1] != "keys";
        var old = _repository.RootKeys;
        switch (words[^1])
        {
            case "keys":
                _repository.RootKeys = [_repository.Key(), _repository.Key(), _repository.Key()];
                _repository.Signers = _ => words[0] == "old" ? _repository.RootKeys : old;
                _repository.AddRoot();
                break;
            case "version" or "expiry" when words[0] == "root":
                _repository.Alter = (_, signed) => signed[words[^1] == "version" ? "version" : "expires"] = words[^1] == "version" ? 3 : "2020-01-01T00:00:00Z";
                _repository.AddRoot();
                break;
            case "expiry":
                _repository.Alter = (role, signed) => signed["expires"] = role == words[0] ? "2020-01-01T00:00:00Z" : signed["expires"]!.DeepClone();
                break;
            case "key":
                _repository.Signers = role => role == words[0] ? [_repository.RootKeys[0]] : null;
                break;
            case "back":
                _repository.Publish(_first);
                _repository.WriteTo(_directory["mirror"]);
                (await TheirsAsync()).Well();
                (await OursAsync()).Well();
                Back(words[0]);
                break;
            case "signed":
                _repository.Forge = (_, document) => document["signed"]!["version"] = 100;
                break;
            default:
                break;
        }

        if (isPublished)
        {
            _repository.Publish(_second);
        }

        switch (fault)
        {
            case "snapshot mixed" or "targets mixed":
                _repository.Files[$"2.{words[0]}.json"] = _repository.Files[$"1.{words[0]}.json"];
                break;
            case "file":
                foreach (var path in _repository.Files.Keys.Where(p => p.StartsWith("targets/", StringComparison.Ordinal)).ToList())
                {
                    _repository.Files[path] = [.. _repository.Files[path][..^1], (byte)' '];
                }

                break;
            default:
                break;
        }
    }

    // The document's number falls, those of the documents that name it rise.
    private void Back(string role)
    {
        foreach (var name in (string[])["timestamp", "snapshot", "targets"])
        {
            _repository.Versions[name] = name == role ? 0 : 5;
        }
    }

    private Task<Ended> TheirsAsync()
    {
        _repository.WriteTo(_directory["mirror"]);
        return NodeAsync("update", Mirror, _directory["seen"]);
    }

    private Task<Ended> OursAsync()
    {
        _repository.WriteTo(_directory["mirror"]);
        return RunOursAsync();
    }

    private Task<Ended> RunOursAsync() => Exe.Here.RunAsync(
        ["trust", "update", "--output", _directory["ours.json"], "--mirror", Mirror, "--root", RootToBeginWith()]);

    // Theirs moves its root.json on.
    private string RootToBeginWith()
    {
        var path = _directory["first.json"];
        if (!File.Exists(path))
        {
            File.Copy(_directory["mirror/1.root.json"], path);
        }

        return path;
    }

    private static Task<Ended> NodeAsync(params IReadOnlyList<string> arguments)
    {
        Machine.Needs("node");
        return Run.ProgramAsync(
            "node",
            [Path.Combine(Machine.Repository, "test/Hyperkube.E2E/judges/tuf.mjs"), .. arguments],
            new Dictionary<string, string> { ["HYPERKUBE_JUDGES"] = Machine.Judges() });
    }
}
