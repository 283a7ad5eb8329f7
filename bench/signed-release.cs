#:property TargetFramework=net10.0
#:property RestorePackagesWithLockFile=false
#:property RunAnalyzers=false
#:property GenerateDocumentationFile=false
#:property PublishAot=false
#:project ../test/Hyperkube.Testing/Hyperkube.Testing.csproj

// Writes a release of stand-ins that a test's own authority has signed, with the evidence beside each file, so that it can be built
// without a log; and the authority's keys. usage: signed-release DIRECTORY VERSION
using System.Security.Cryptography;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;

var (directory, version) = (args[0], args[1]);
using SigstoreAuthority authority = new();
foreach (var platform in ReleaseTree.Platforms)
{
    foreach (var name in (string[])["kubelet", "kubectl"])
    {
        var content = StandInProgram.Kubernetes(platform, name, version, padTo: 64 << 10);
        var path = ReleaseTree.WriteFile(directory, version, platform, name, content);
        File.WriteAllBytes($"{path}.sigstore.json", authority.Sign(content).Json);
        Console.WriteLine($"{path} {Convert.ToHexStringLower(SHA256.HashData(content))}");
    }
}

File.WriteAllText(Path.Combine(directory, "trusted_root.json"), authority.TrustedRoot().ToJsonString());
