using Hyperkube.Cli.Output;

namespace Hyperkube.Cli;

/// <summary>What the job needs of the machine it runs on.</summary>
internal static class Machine
{
    /// <summary>Where binaries go unless told otherwise.</summary>
    private const string Destination = "/opt/bin";

    /// <summary>A kubelet and a kubectl of today, twice: the old ones stay until the new ones are in place.</summary>
    private const long NeededBytes = 512L << 20;

    /// <summary>A clock before this is one that was never set.</summary>
    private static readonly DateTimeOffset Earliest = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    internal static IReadOnlyList<MachineCheck> Checks() => [OpenSslVersion(), Clock(), Space()];

    // 0xMNN00PP0: https://docs.openssl.org/3.0/man3/OpenSSL_version/
    private static MachineCheck OpenSslVersion()
    {
        var number = System.Security.Cryptography.SafeEvpPKeyHandle.OpenSslVersion;
        return new MachineCheck("OpenSSL", true, $"{number >> 28}.{(number >> 20) & 0xff}.{(number >> 4) & 0xff}");
    }

    private static MachineCheck Clock()
    {
        var now = TimeProvider.System.GetUtcNow();
        var isSet = now >= Earliest;
        return new MachineCheck("clock", isSet, $"{now:yyyy-MM-dd HH:mm:ss} UTC{(isSet ? "" : "; no certificate is valid then")}");
    }

    private static MachineCheck Space()
    {
        var existing = Destination;
        while (!Directory.Exists(existing))
        {
            existing = Path.GetDirectoryName(existing)!;
        }

        try
        {
            var free = new DriveInfo(existing).AvailableFreeSpace;
            var rights = Writable(existing) ? "" : "; this user may not write there";
            return new MachineCheck(Destination, free >= NeededBytes && rights.Length == 0, $"{Sizes.Text(free)} free{rights}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new MachineCheck(Destination, false, e.Message);
        }
    }

    // Root may write anywhere but on a read-only file system; for others the bits of the directory tell.
    private static bool Writable(string directory) =>
        Environment.IsPrivilegedProcess || File.GetUnixFileMode(directory).HasFlag(UnixFileMode.OtherWrite);
}
