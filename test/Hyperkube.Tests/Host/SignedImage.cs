using System.Globalization;
using System.Text;
using Hyperkube.Host;
using Hyperkube.Oci;
using Hyperkube.Releases;
using Hyperkube.Sigstore;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Tests.Host;

/// <summary>Images of signed stand-ins, as a builder makes them: the evidence in the first layer, then a layer for each binary.</summary>
internal static class SignedImage
{
    internal const string Version = HostileImage.Tag;

    /// <summary>One for all: keys take time.</summary>
    internal static SigstoreAuthority Authority { get; } = new();

    /// <summary>Another, whom nobody trusts.</summary>
    internal static SigstoreAuthority Stranger { get; } = new();

    /// <summary>Who believes <see cref="Authority"/> when it is about the release team.</summary>
    internal static ReleaseTrust Trust { get; } = TrustIn(Authority);

    internal static byte[] Kubelet { get; } = Binary("kubelet");

    internal static byte[] Kubectl { get; } = Binary("kubectl");

    internal static ReleaseTrust TrustIn(SigstoreAuthority authority, params SignerIdentity[] more) => new(
        more.Length == 0 ? null : [ReleaseTrust.KubernetesRelease, .. more], Encoding.UTF8.GetBytes(authority.TrustedRoot().ToJsonString()));

    /// <summary>A stand-in that is large enough for its layer to be told from that of the evidence.</summary>
    internal static byte[] Binary(string name, string version = Version, Platform? platform = null) =>
        StandInProgram.Kubernetes(platform ?? HostileImage.Amd64, name, version, padTo: 100_000);

    /// <summary>The evidence of a file.</summary>
    internal static byte[] Bundle(byte[] content, SigningRecipe? recipe = null) => Authority.Sign(content, recipe).Json;

    /// <summary>A layer of evidence, with what is not a program in it.</summary>
    internal static HostileLayer Evidence(params (string Name, byte[] Bundle)[] bundles) => HostileLayer.Of(
    [
        HostileTar.File("sleep", [1, 2, 3]),
        .. bundles.Select(b => HostileTar.File($"{b.Name}.sigstore.json", b.Bundle)),
    ]);

    /// <summary>A binary's layer, with what ours say of it.</summary>
    internal static HostileLayer Layer(string name, byte[] content) =>
        Plain(name, content).Claiming($"/{name}", Digest.Of(content).Hex, content.Length.ToString(CultureInfo.InvariantCulture));

    /// <summary>A binary's layer that says nothing.</summary>
    internal static HostileLayer Plain(string name, byte[] content) => HostileLayer.Of(HostileTar.File(name, content));

    /// <summary>A kubelet with the given evidence.</summary>
    internal static HostileImage Of(byte[] kubelet, byte[] bundle) =>
        HostileImage.Of(Evidence(("kubelet", bundle)), Layer("kubelet", kubelet));

    /// <summary>A kubelet of a version, as it should be.</summary>
    internal static HostileImage Of(string version)
    {
        var kubelet = Binary("kubelet", version);
        return Saying(Of(kubelet, Bundle(kubelet)), version);
    }

    /// <summary>An image that says its version.</summary>
    internal static HostileImage Saying(HostileImage image, string version) => image with
    {
        Manifest = json => $$"""{"annotations":{"{{Annotations.Version}}":"{{version}}"},{{json[1..]}}""",
    };

    /// <summary>Asks for the signature.</summary>
    internal static Func<InstallRequest, InstallRequest> Ask(Func<InstallRequest, InstallRequest>? more = null) => request =>
    {
        request = request with { Verify = VerificationMode.Signature, Trust = Trust };
        return more?.Invoke(request) ?? request;
    };
}
