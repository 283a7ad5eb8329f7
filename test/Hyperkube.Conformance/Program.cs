using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Hyperkube.Conformance;
using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Bundles;
using Hyperkube.Sigstore.Trust;

// Speaks the command line of https://github.com/sigstore/sigstore-conformance (docs/cli_protocol.md):
// 0 says that a signature was verified, anything else that it was not. HYPERKUBE_TIMES=N verifies N times and says how long
// one verification took, for the promise about its cost.
try
{
    var request = Request.Parse(args);
    var bundle = await File.ReadAllBytesAsync(request.Bundle).ConfigureAwait(false);
    var policy = await request.PolicyAsync().ConfigureAwait(false);
    var artifact = await request.ArtifactAsync().ConfigureAwait(false);
    var trust = request.TrustedRoot is { } file
        ? TrustedRoot.Parse(await File.ReadAllBytesAsync(file).ConfigureAwait(false))
        : TrustedRoot.PublicGood;
    var times = int.Parse(Environment.GetEnvironmentVariable("HYPERKUBE_TIMES") ?? "1", CultureInfo.InvariantCulture);
    for (var i = 0; i < times; i++)
    {
        var begun = Stopwatch.GetTimestamp();
        var evidence = Verifier.Verify(SigstoreBundle.Parse(bundle), artifact, policy, trust);
        var took = Stopwatch.GetElapsedTime(begun).TotalMilliseconds.ToString("F2", CultureInfo.InvariantCulture);
        var signer = evidence.Signer?.ToString() ?? evidence.KeyFingerprint;
        await Console.Out.WriteLineAsync($"verified: {signer} in {took} ms").ConfigureAwait(false);
    }

    return 0;
}
catch (SignatureException e)
{
    await Console.Error.WriteLineAsync($"{e.Failure}: {e.Message}").ConfigureAwait(false);
    return 1;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or FormatException or CryptographicException)
{
    await Console.Error.WriteLineAsync(e.Message).ConfigureAwait(false);
    return 2;
}
