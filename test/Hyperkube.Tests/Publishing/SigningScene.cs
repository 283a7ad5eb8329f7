using System.Text;
using Hyperkube.Oci;
using Hyperkube.Oci.Content;
using Hyperkube.Oci.Http;
using Hyperkube.Oci.Images;
using Hyperkube.Oci.Layout;
using Hyperkube.Oci.Registry;
using Hyperkube.Publishing;
using Hyperkube.Sigstore;
using Hyperkube.Sigstore.Signing;
using Hyperkube.Sigstore.Trust;
using Hyperkube.Testing;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Tests.Publishing;

/// <summary>An image of two platforms in a layout and in a registry, and keys to sign it with.</summary>
internal sealed class SigningScene : IAsyncDisposable
{
    internal const string Repository = "team/app";

    private readonly TempDirectory _directory = new();
    private readonly RegistryClient _client;

    private SigningScene()
    {
        _client = new RegistryClient(new RegistryOptions
        {
            Credentials = new NoLogins(),
            Proxy = new EnvironmentProxy(_ => null),
            Warn = _ => { },
            Retry = new RetryPolicy { FirstDelay = TimeSpan.FromMilliseconds(1), MaxDelay = TimeSpan.FromMilliseconds(2) },
        });
        Transports = new Transports(_client, _ => [Host], _ => Host);
    }

    internal TestRegistry Registry { get; } = new();

    internal Transports Transports { get; }

    internal SigningKey Key { get; } = SigningKey.Generate();

    internal SigningKey Stranger { get; } = SigningKey.Generate();

    internal SigstoreAuthority Authority { get; } = new();

    internal TrustedRoot Trust => TrustedRoot.Parse(Encoding.UTF8.GetBytes(Authority.TrustedRoot().ToJsonString()));

    internal Descriptor Root { get; private set; } = null!;

    internal IReadOnlyList<Descriptor> Platforms { get; private set; } = [];

    internal ImageLayout Layout { get; private set; } = null!;

    internal string LayoutPath => _directory["layout"];

    internal ImageReference Reference => new RegistryReference(Registry.Url.Authority, Repository, "v1", null);

    internal RemoteRepository Remote => _client.Repository(Repository, [Host]);

    private RegistryHost Host => new() { Root = Registry.Root };

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    internal static async Task<SigningScene> CreateAsync()
    {
        SigningScene scene = new();
        scene.Layout = await ImageLayout.OpenOrCreateAsync(scene.LayoutPath, Ct);
        var platforms = new List<Descriptor>();
        foreach (var architecture in (string[])["amd64", "arm64"])
        {
            var config = await scene.PutAsync(MediaTypes.Config, $$$"""{"architecture":"{{{architecture}}}","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}""");
            var manifest = OciJson.Write(new ImageManifest { MediaType = MediaTypes.Manifest, Config = config, Layers = [] });
            platforms.Add(await scene.PutAsync(MediaTypes.Manifest, manifest) with { Platform = new Platform("linux", architecture) });
        }

        scene.Platforms = platforms;
        scene.Root = await scene.PutAsync(
            MediaTypes.Index, OciJson.Write(new ImageIndex { MediaType = MediaTypes.Index, Manifests = platforms }));
        await scene.Layout.TagAsync(scene.Root, "v1", move: false, Ct);
        await new ContentCopier(scene.Layout, scene.Remote).CopyAsync(scene.Root, Ct);
        await scene.Remote.TagAsync(scene.Root, "v1", move: false, Ct);
        return scene;
    }

    /// <summary>A signer in the registry, or in another place.</summary>
    internal ImageSigner Signer(SigningKey? key = null, IContentDestination? place = null) => new(
        place ?? Remote, ImageSigningIdentity.Of(key ?? Key, Trusted(key)), () => Trust, TimeProvider.System);

    internal Task<IReadOnlyList<SignedImage>> SignAsync(SigningKey? key = null, SignRequest? request = null, IContentDestination? place = null) =>
        Signer(key, place).SignAsync(Reference, Root, request ?? new SignRequest(), Ct);

    internal TrustedSigner Trusted(SigningKey? key = null) =>
        new(key is null || key == Key ? "our key" : "their key", VerificationPolicy.SignedBy((key ?? Key).PublicKey).UnsafeWithoutLog());

    internal Task<IReadOnlyList<ImageSignature>> CheckAsync(
        IContentSource? place = null, Digest? image = null, int needed = 1, params TrustedSigner[] signers) =>
        new ImageSignatures(place ?? Remote, () => Trust).CheckAsync(
            Reference, image ?? Root.Digest, signers.Length > 0 ? signers : [Trusted()], needed, Ct);

    /// <summary>Attaches a manifest of a bundle as somebody would who does not keep to the form.</summary>
    internal async Task AttachAsync(byte[] bundle, Func<ImageManifest, ImageManifest>? alter = null, IContentDestination? place = null)
    {
        const string Type = "application/vnd.dev.sigstore.bundle.v0.3+json";
        var there = place ?? Remote;
        ImageManifest manifest = new()
        {
            MediaType = MediaTypes.Manifest,
            ArtifactType = Type,
            Config = await PutAsync(ImageDocument.EmptyType, "{}", there),
            Layers = [await PutAsync(Type, bundle, there)],
            Subject = Root,
        };
        var descriptor = await PutAsync(MediaTypes.Manifest, OciJson.Write(alter is null ? manifest : alter(manifest)), there);
        await there.AttachAsync(Root.Digest, [descriptor], Ct);
    }

    /// <summary>A bundle of the key over any digest.</summary>
    internal byte[] Bundle(Digest? digest = null, SigningKey? key = null) =>
        (key ?? Key).SignStatement(SignatureStatement.About(Convert.FromHexString((digest ?? Root.Digest).Hex))).ToJson();

    /// <summary>Writes the older form as somebody would who does not keep to it.</summary>
    internal async Task TagAsync(params (byte[] Payload, string? Signature)[] signatures)
    {
        List<Descriptor> layers = [];
        foreach (var (payload, signature) in signatures)
        {
            layers.Add(await PutAsync(SimpleSignature.MediaType, payload, Remote) with
            {
                Annotations = signature is null ? null : Annotations.Of([new(SimpleSignature.SignatureAnnotation, signature)]),
            });
        }

        ImageManifest manifest = new() { MediaType = MediaTypes.Manifest, Config = await PutAsync(MediaTypes.Config, "{}", Remote), Layers = layers };
        var descriptor = await PutAsync(MediaTypes.Manifest, OciJson.Write(manifest), Remote);
        await Remote.TagAsync(descriptor, $"{ReferrersIndex.TagOf(Root.Digest)}.sig", move: true, Ct);
    }

    internal Task<Descriptor> PutAsync(string mediaType, string content, IContentDestination? place = null) =>
        PutAsync(mediaType, Encoding.UTF8.GetBytes(content), place);

    internal async Task<Descriptor> PutAsync(string mediaType, byte[] content, IContentDestination? place = null)
    {
        var descriptor = Descriptor.Of(mediaType, content);
        await (place ?? Layout).PutAsync(descriptor, ContentSourceExtensions.OpenerOf(content), Ct);
        return descriptor;
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await Registry.DisposeAsync();
        Key.Dispose();
        Stranger.Dispose();
        Authority.Dispose();
        _directory.Dispose();
    }

    private sealed class NoLogins : ICredentialSource
    {
        public string Name => "test";

        public ValueTask<CredentialAnswer> FindAsync(string host, string repository, CancellationToken cancellationToken) =>
            ValueTask.FromResult(new CredentialAnswer(null, "test"));
    }
}
