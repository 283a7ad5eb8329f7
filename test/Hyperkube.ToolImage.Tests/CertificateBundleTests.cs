using System.Text;
using Hyperkube.Oci;
using Hyperkube.Testing;

namespace Hyperkube.ToolImage.Tests;

public sealed class CertificateBundleTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    // Bytes decide, as in the C locale: upper case before lower case, both before any accent.
    [Fact]
    public void Every_authority_is_in_it_in_the_order_of_the_names_bytes_and_ends_its_line()
    {
        var (first, second, third, fourth) = (Pem(), Pem(), Pem(), Pem());
        Write("mozilla/Zeta.crt", first);
        Write("mozilla/alpha.crt", second.TrimEnd('\n'));
        Write("mozilla/\u0151.crt", fourth);
        Write("mozilla/sub/x.crt", third);
        Write("mozilla/README", "not one");

        Assert.Equal($"{first}{second.TrimEnd('\n')}\n{third}{fourth}", Encoding.UTF8.GetString(CertificateBundle.Make(_directory.Path)));
    }

    [Fact]
    public void What_is_no_certificate_is_refused()
    {
        Write("a.crt", "an error page\n");

        var error = Assert.Throws<HyperkubeException>(() => CertificateBundle.Make(_directory.Path));

        Assert.Equal(ErrorKind.BadContent, error.Kind);
        Assert.Contains("a.crt: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_authorities_at_all_are_a_failure() =>
        Assert.Contains(
            "expected certificates", Assert.Throws<HyperkubeException>(() => CertificateBundle.Make(_directory.Path)).Message, StringComparison.Ordinal);

    private static string Pem()
    {
        using TestAuthority authority = new();
        return $"{authority.Pem}\n";
    }

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_directory[path])!);
        File.WriteAllText(_directory[path], text);
    }
}
