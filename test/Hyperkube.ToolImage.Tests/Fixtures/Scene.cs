using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.ToolImage.Tests.Fixtures;

/// <summary>A directory with stand-ins for the packages and for the exes of two platforms.</summary>
internal sealed class Scene : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly TestAuthority _authority = new();

    internal string this[string relative] => _directory[relative];

    /// <summary>The authority that ca-certificates brings.</summary>
    internal string Pem => _authority.Pem;

    /// <summary>What SOURCE_DATE_EPOCH says.</summary>
    internal string? SourceDate { get; set; }

    internal static async Task<Scene> CreateAsync()
    {
        Scene scene = new();
        List<PinnedPackage> packages = [];
        foreach (var (architecture, triplet) in ((string, string)[])[("amd64", "x86_64-linux-gnu"), ("arm64", "aarch64-linux-gnu")])
        {
            packages.Add(await scene.PackageAsync("libc6", architecture,
                ($"lib/{triplet}/libc.so.6", "GLIBC_2.9 GLIBC_2.36 GLIBC_PRIVATE"), ($"lib/{triplet}/ld-linux.so.2", "loader"),
                ("lib64/ld-linux.so.2", $"-> /lib/{triplet}/ld-linux.so.2"), ($"usr/lib/{triplet}/gconv/UTF-7.so", "table")));
            packages.Add(await scene.PackageAsync("libssl3", architecture,
                ($"usr/lib/{triplet}/libssl.so.3", "ssl"), ($"usr/lib/{triplet}/libcrypto.so.3", "crypto")));
            await File.WriteAllBytesAsync(
                scene[architecture], LinkedProgram.Create(new Platform("linux", architecture), "libc.so.6", "GLIBC_2.34"), TestContext.Current.CancellationToken);
        }

        packages.Add(await scene.PackageAsync("ca-certificates", "all", ("usr/share/ca-certificates/test/A.crt", scene.Pem)));
        await File.WriteAllTextAsync(scene["packages.txt"], string.Concat(packages.Select(Deb.Line)), TestContext.Current.CancellationToken);
        return scene;
    }

    /// <summary>Runs the command for both platforms, or with other words.</summary>
    internal async Task<(int Code, string Out, string Error)> RunAsync(string output, params string[] exes)
    {
        if (exes.Length == 0)
        {
            exes = [$"linux/amd64={this["amd64"]}", $"linux/arm64={this["arm64"]}"];
        }

        using StringWriter standard = new();
        using StringWriter errors = new();
        var code = await new Command(standard, Variable, TimeProvider.System).RunAsync(
            [
                Repository.Root, "--packages", this["debs"], "--list", this["packages.txt"], "--output", output,
                .. exes.SelectMany(e => (string[])["--exe", e]),
            ],
            errors);
        return (code, standard.ToString(), errors.ToString());
    }

    public void Dispose()
    {
        _authority.Dispose();
        _directory.Dispose();
    }

    private string? Variable(string name) => name == "SOURCE_DATE_EPOCH" ? SourceDate : Environment.GetEnvironmentVariable(name);

    private Task<PinnedPackage> PackageAsync(string name, string architecture, params (string, string)[] files) =>
        Deb.MakeAsync(this["debs"], name, [.. files, ($"usr/share/doc/{name}/copyright", $"of {name}")], architecture);
}
