using System.Runtime.InteropServices;
using Hyperkube.Oci;

namespace Hyperkube.Cli;

/// <summary>The library that .NET takes SHA-256 and TLS from, and without which it would abort with its own words.</summary>
internal static class OpenSsl
{
    private static readonly string[] Names = ["libssl.so.3", "libssl.so.4", "libssl.so.1.1", "libssl.so"];

    /// <summary>Looks for it before the first digest is taken.</summary>
    /// <exception cref="HyperkubeException">It is not on this machine.</exception>
    internal static void Require()
    {
        if (!Names.Any(name => NativeLibrary.TryLoad(name, out _))) // Stays loaded: the runtime loads the same one next.
        {
            throw new HyperkubeException(ErrorKind.HostFailed, $"no OpenSSL on this machine: {Names[0]} is missing or cannot be loaded")
            {
                Hint = "install libssl3 (Debian, Ubuntu), openssl-libs (RHEL, Fedora) or libopenssl3 (SUSE)",
            };
        }
    }
}
