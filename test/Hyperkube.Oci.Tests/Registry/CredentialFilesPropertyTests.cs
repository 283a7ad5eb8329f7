using System.Text;
using CsCheck;
using Hyperkube.Oci.Registry.Credentials;

namespace Hyperkube.Oci.Tests.Registry;

/// <summary>Whatever stands in a file: it is understood, or refused in our own words.</summary>
public sealed class CredentialFilesPropertyTests
{
    private const string Secret = "s3cr3t";

    private static readonly Gen<string> JsonPiece = Gen.OneOf(
        "{", "}", "[", "]", ":", ",", "\"", "null", "1e999", "true", "\"auths\"", "\"credHelpers\"", "\"credsStore\"", "\"auth\"",
        "\"username\"", "\"password\"", "\"identitytoken\"", "\"r.io\"", "\"https://r.io/v1/\"", "\"r.io/a\"", "\"*.io\"",
        "\"" + Secret + "\"",
        "\"YTpi\"", "\"=\"", "\"\\ud800\"", " ", "\n", "\\", "\ufeff");

    private static readonly Gen<string> JsonDocument = Gen.OneOf(
        JsonPiece.Array[0, 30].Select(pieces => string.Concat(pieces)),
        Gen.Select(Gen.String[0, 12], Gen.String[0, 12]).Select((key, auth) =>
            $$$"""
            {"auths":{ {{{Quoted(key)}}}:{"auth":{{{Quoted(auth)}}} },"r.io":{"auth":{{{Quoted(auth)}}} } },
            "credHelpers":{ {{{Quoted(auth)}}}:{{{Quoted(key)}}} }}
            """));

    private static readonly Gen<string> YamlPiece = Gen.OneOf(
        "apiVersion: kubelet.config.k8s.io/v1\n", "kind: CredentialProviderConfig\n", "providers:\n", "- name: x\n", "  name: x\n",
        "  apiVersion: credentialprovider.kubelet.k8s.io/v1\n", "  matchImages: [gcr.io]\n", "  defaultCacheDuration: 1h\n", "  args:\n",
        "  - " + Secret + "\n", "  env: [{name: A, value: " + Secret + "}]\n", "&a ", "*a ", "<<: *a\n", "!!int ", "!x ", "? ", ": ", "- ",
        "[", "]",
        "{", "}", "|\n", ">-\n", "'", "\"", "\\", "#", "---\n", "...\n", "%YAML 9.9\n", "%TAG ! x\n", "\t", "\n", "  ", "\0", "\u0085",
        "\ud800", "null", "1");

    [Fact]
    public void No_login_file_makes_the_reader_throw_anything_else() =>
        JsonDocument.Sample(json => IsUnderstoodOrRefused(() =>
        {
            var config = DockerConfig.Parse(Encoding.UTF8.GetBytes(json), "file");
            foreach (var key in RegistryKey.Matching(config.Auths?.Keys.AsEnumerable() ?? [], "r.io", "a/b"))
            {
                _ = config.Auths![key]?.ToCredential("file");
                _ = OneLine.OfKey(key);
            }

            _ = RegistryKey.Matching(config.CredHelpers?.Keys.AsEnumerable() ?? [], "r.io", repository: null).ToArray();
        }));

    [Fact]
    public void No_bytes_make_the_reader_throw_anything_else() =>
        Gen.Byte.Array[0, 64].Sample(bytes => IsUnderstoodOrRefused(() => DockerConfig.Parse(bytes, "file")));

    [Fact]
    public void No_configuration_of_providers_makes_the_reader_throw_anything_else() =>
        Gen.OneOf(YamlPiece.Array[0, 25].Select(pieces => string.Concat(pieces)), JsonDocument, Gen.String)
            .Sample(yaml => IsUnderstoodOrRefused(() => ProviderConfig.Parse(yaml, "file")), iter: 20_000);

    [Theory]
    [InlineData("[")]
    [InlineData("{a: ")]
    [InlineData("- ")]
    [InlineData("? ")]
    public void No_depth_is_too_deep_to_be_refused(string opening) =>
        Assert.Throws<HyperkubeException>(() => ProviderConfig.Parse(string.Concat(Enumerable.Repeat(opening, 20_000)), "file"));

    [Fact]
    public void Text_on_one_line_is_short_and_has_no_controls() =>
        Gen.String.Sample(text =>
        {
            var line = OneLine.Of(text);
            _ = OneLine.OfKey(text);
            return line.Length <= OneLine.MaxLength + 3 && !line.Any(char.IsControl);
        });

    private static bool IsUnderstoodOrRefused(Action read)
    {
        try
        {
            read();
            return true;
        }
        catch (HyperkubeException e)
        {
            return e.Kind == ErrorKind.Usage && !e.ToString().Contains(Secret, StringComparison.Ordinal);
        }
    }

    private static string Quoted(string text) => $"\"{System.Text.Json.JsonEncodedText.Encode(text.Replace('\ud800', '?'))}\"";
}
