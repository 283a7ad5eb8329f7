using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;

namespace Hyperkube.Host;

/// <summary>What a host remembers of its installs, in <c>/var/lib/hyperkube</c>.</summary>
/// <remarks>Whoever changes it holds the lock of <see cref="LockAsync"/>: one run at a time per host.</remarks>
public sealed class HostState : IDisposable
{
    /// <summary>Where it lies, as the host sees it.</summary>
    public const string DirectoryPath = "/var/lib/hyperkube";

    /// <summary>Thousands of binaries fit; more is damage.</summary>
    private const int MaxBytes = 4 << 20;

    private const string ReceiptName = "receipt.json";
    private const string DamagedName = "receipt.json.damaged";
    private const string IntentName = "intent.json";
    private const string BegunName = "begun.json";
    private const string EvidencePath = DirectoryPath + "/evidence";
    private const string EvidenceSuffix = ".sigstore.json";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly HostRoot _root;
    private readonly HostDirectory _directory;
    private readonly DirectoryLock? _lock;
    private readonly Action<string> _warn;

    private HostState(HostRoot root, HostDirectory directory, DirectoryLock? held, Action<string> warn)
    {
        (_root, _directory, _lock, _warn) = (root, directory, held, warn);
        Receipt = ReadReceipt();
    }

    /// <summary>What is installed.</summary>
    public InstallReceipt Receipt { get; private set; }

    /// <summary>Whether an install was ended between two renames.</summary>
    public bool IsInterrupted
    {
        get
        {
            try
            {
                return Read(IntentName, HostJson.Default.SwitchIntent) is { IsRecorded: false };
            }
            catch (Exception e) when (e is JsonException or InvalidDataException)
            {
                return true;
            }
        }
    }

    /// <summary>The directories in which a run that did not come to its end may have left something, beside those of the receipt.</summary>
    internal IReadOnlyList<string> BegunDirectories
    {
        get
        {
            try
            {
                return [.. (Read(BegunName, HostJson.Default.IReadOnlyListString) ?? []).Where(d => d?.StartsWith('/') == true)];
            }
            catch (Exception e) when (e is JsonException or InvalidDataException)
            {
                return []; // It is written anew.
            }
        }
    }

    /// <summary>Opens the state to change it; the caller disposes it, which ends the lock.</summary>
    /// <param name="root">The host.</param>
    /// <param name="patience">How long to wait for another run to end.</param>
    /// <param name="warn">Told of a receipt that cannot be read.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="HyperkubeException">Another run has not ended (<see cref="ErrorKind.TimedOut"/>).</exception>
    public static async Task<HostState> LockAsync(
        HostRoot root, TimeSpan patience, Action<string> warn, CancellationToken cancellationToken)
    {
        var directory = root.OpenOrMakeDirectory(DirectoryPath, OwnerOnly);
        try
        {
            if (Environment.IsPrivilegedProcess && directory.TryStat("")?.Owner != FileOwner.Root)
            {
                directory.Own(FileOwner.Root);
            }

            File.SetUnixFileMode(directory.Handle, OwnerOnly);
            var held = await DirectoryLock.AcquireAsync(directory.Link, patience, cancellationToken, root.Seen(DirectoryPath))
                .ConfigureAwait(false);
            return new HostState(root, directory, held, warn);
        }
        catch (UnauthorizedAccessException)
        {
            directory.Dispose();
            throw new HyperkubeException(ErrorKind.HostFailed, $"{root.Seen(DirectoryPath)}: not this user's") { Hint = "run as root" };
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    /// <summary>Opens the state to look at it; the caller disposes it.</summary>
    /// <param name="root">The host.</param>
    /// <param name="warn">Told of a receipt that cannot be read.</param>
    public static HostState Look(HostRoot root, Action<string> warn) => new(
        root, root.TryOpenDirectory(DirectoryPath) ?? HostDirectory.Missing(DirectoryPath, root.Seen(DirectoryPath)), held: null, warn);

    /// <inheritdoc/>
    public void Dispose()
    {
        _lock?.Dispose();
        _directory.Dispose();
    }

    internal void Save(InstallReceipt receipt)
    {
        try
        {
            _directory.Write(ReceiptName, Json(receipt, HostJson.Default.InstallReceipt));
        }
        catch (HyperkubeException)
        {
            TryPutBack(); // It may be there and not last.
            throw;
        }

        Receipt = receipt;
        RemoveEvidenceOfNothing();
    }

    /// <summary>Keeps the evidence of a binary, to look at it again when somebody else is to be believed.</summary>
    /// <remarks>Written before the receipt that speaks of it: what nothing speaks of is removed.</remarks>
    internal void KeepEvidence(string sha256, ReadOnlySpan<byte> bundle)
    {
        using var directory = _root.OpenOrMakeDirectory(EvidencePath, OwnerOnly);
        directory.Write(sha256 + EvidenceSuffix, bundle);
    }

    /// <summary>The evidence that was kept of a binary; null if there is none, or it cannot be read.</summary>
    internal byte[]? TryReadEvidence(string sha256)
    {
        try
        {
            using var directory = _root.TryOpenDirectory(EvidencePath);
            return directory?.TryRead(sha256 + EvidenceSuffix, Releases.ReleaseTrust.MaxBundleBytes);
        }
        catch (Exception e) when (e is HyperkubeException or IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return null; // It can be fetched again.
        }
    }

    /// <summary>Takes note of directories in which something is begun; of none once nothing is left in them.</summary>
    internal void Begin(IReadOnlyList<string> directories)
    {
        if (directories.Count > 0)
        {
            _directory.Write(BegunName, Json(directories, HostJson.Default.IReadOnlyListString));
        }
        else
        {
            Tidy(() => _directory.Remove(BegunName));
        }
    }

    internal void Save(SwitchIntent intent) => _directory.Write(IntentName, Json(intent, HostJson.Default.SwitchIntent));

    internal void ForgetIntent() => _directory.Remove(IntentName);

    // One that cannot be read was never whole: it is renamed into place only after it was flushed.
    internal SwitchIntent? TryReadIntent()
    {
        try
        {
            var intent = Read(IntentName, HostJson.Default.SwitchIntent);
            return intent?.Steps.Contains(null!) == true ? throw new JsonException("a step is null") : intent;
        }
        catch (Exception e) when (e is JsonException or InvalidDataException)
        {
            _warn($"{_directory.Seen(IntentName)} cannot be read: {e.Message}; what it was about is left as it is");
            ForgetIntent();
            return null;
        }
    }

    /// <summary>Removes what killed runs left in the state's directory.</summary>
    internal void RemoveAbandoned() => Tidy(() =>
    {
        foreach (var name in _directory.Names(StagedBinary.Prefix))
        {
            _directory.Remove(name);
        }

        RemoveEvidenceOfNothing();
    });

    // A rollback wants that of the file which it puts back.
    private void RemoveEvidenceOfNothing() => Tidy(() =>
    {
        using var directory = _root.TryOpenDirectory(EvidencePath);
        var needed = Receipt.Binaries.Concat(Receipt.Binaries.Select(b => b.Previous?.Installed).OfType<InstalledBinary>())
            .Where(b => b.Signature is not null).Select(b => b.Sha256 + EvidenceSuffix).ToHashSet(StringComparer.Ordinal);
        foreach (var name in directory?.Names("").Where(n => !needed.Contains(n)) ?? [])
        {
            directory!.Remove(name);
        }
    });

    // The next run tries again: nothing that only tidies up stands in the way of an install.
    private void Tidy(Action act)
    {
        try
        {
            act();
        }
        catch (HyperkubeException e)
        {
            _warn($"{e.Message}; it is left there");
        }
    }

    private void TryPutBack()
    {
        try
        {
            _directory.Write(ReceiptName, Json(Receipt, HostJson.Default.InstallReceipt));
        }
        catch (HyperkubeException)
        {
            // Then the next run looks at the files anew.
        }
    }

    // A damaged receipt never blocks an install: without one, everything is looked at anew.
    private InstallReceipt ReadReceipt()
    {
        try
        {
            return Read(ReceiptName, HostJson.Default.InstallReceipt) ?? new InstallReceipt();
        }
        catch (Exception e) when (e is JsonException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            _warn($"{_directory.Seen(ReceiptName)} cannot be read: {e.Message}; going on without it");
            if (_lock is not null)
            {
                _directory.Rename(ReceiptName, DamagedName);
            }

            return new InstallReceipt();
        }
    }

    private T? Read<T>(string name, JsonTypeInfo<T> type)
        where T : class =>
        _directory.TryRead(name, MaxBytes) is { } json
            ? JsonSerializer.Deserialize(json, type) ?? throw new JsonException("the document is null")
            : null;

    private static byte[] Json<T>(T document, JsonTypeInfo<T> type) => [.. JsonSerializer.SerializeToUtf8Bytes(document, type), (byte)'\n'];
}
