using Hyperkube.Oci;
using Hyperkube.Testing;
using static Hyperkube.Tests.Host.HostileTar;

namespace Hyperkube.Tests.Host;

/// <summary>What is odd about layers, documents and programs.</summary>
internal static partial class HostileCases
{
    private static void AddLayers()
    {
        Installed("an image squashed into one layer", m => HostileImage.Of(
            File("sleep", Word), Entry("opt/", '5', []), m.Entry, File("kubectl", m.Other), Entry("tmp/", '5', [])));
        Installed("the shape of the original", m => HostileImage.Of(
            HostileLayer.Of(File("sleep", Word)), m.Layer, HostileLayer.Of(File("kubectl", m.Other))));
        Installed("Docker's media types", m => HostileImage.Of(m.Layer with { MediaType = MediaTypes.DockerGzipLayer }) with
        {
            ManifestType = MediaTypes.DockerManifest,
            IndexType = MediaTypes.DockerIndex,
        });
        Installed("a manifest without an index", m => HostileImage.Of(m.Layer) with { IndexPlatform = null });
        Installed("an old file below", m => HostileImage.Of(HostileLayer.Of(File("kubelet", m.Other)), m.Layer));
        Installed("no program below", m => HostileImage.Of(HostileLayer.Of(File("kubelet", Word)), m.Layer));
        Installed("a link below", m => HostileImage.Of(HostileLayer.Of(Link("kubelet", "/etc/shadow")), m.Layer));
        Installed("a directory below", m => HostileImage.Of(HostileLayer.Of(Entry("kubelet/", '5', [])), m.Layer));
        Installed("a file too large below", m => HostileImage.Of(
            HostileLayer.Of(Entry("kubelet", '0', [], change: Base256(1L << 40))), m.Layer));
        Installed("the same layer twice", m => HostileImage.Of(m.Layer, m.Layer));
        Installed("the same layer five times", m => HostileImage.Of(m.Layer, m.Layer, m.Layer, m.Layer, m.Layer));
        Refused("a link above", m => HostileImage.Of(m.Layer, HostileLayer.Of(Link("kubelet", "/etc/shadow"))));
        Refused("a directory above", m => HostileImage.Of(m.Layer, HostileLayer.Of(Entry("kubelet/", '5', []))));
        Refused("no program above", m => HostileImage.Of(m.Layer, HostileLayer.Of(File("kubelet", Word))));
        NotFound("a whiteout above", m => HostileImage.Of(m.Layer, HostileLayer.Of(File(".wh.kubelet", []))));
        NotFound("a whiteout above that is a device", m => HostileImage.Of(m.Layer, HostileLayer.Of(Entry(".wh.kubelet", '3', []))));
        NotFound("an opaque root above", m => HostileImage.Of(m.Layer, HostileLayer.Of(File(".wh..wh..opq", []))));
        NotFound("a whiteout of its directory", m =>
            InOpt(HostileLayer.Of(File("opt/kubelet", m.Kubelet)), HostileLayer.Of(File(".wh.opt", []))));
        NotFound("its directory made opaque", m =>
            InOpt(HostileLayer.Of(File("opt/kubelet", m.Kubelet)), HostileLayer.Of(File("opt/.wh..wh..opq", []))));
        NotFound("a file in the place of its directory", m =>
            InOpt(HostileLayer.Of(File("opt/kubelet", m.Kubelet)), HostileLayer.Of(File("opt", Word))));
        NotFound("a link in the place of its directory", m =>
            InOpt(HostileLayer.Of(File("opt/kubelet", m.Kubelet)), HostileLayer.Of(Link("opt", "/etc"))));
        Installed("its directory again", m =>
            InOpt(HostileLayer.Of(File("opt/kubelet", m.Kubelet)), HostileLayer.Of(Entry("opt/", '5', []))));
        Installed("a whiteout of the old in the layer of the new", m =>
            HostileImage.Of(HostileLayer.Of(File("kubelet", m.Other)), HostileLayer.Of(File(".wh.kubelet", []), m.Entry)));
        Installed("a whiteout behind the new in its layer", m =>
            HostileImage.Of(HostileLayer.Of(File("kubelet", m.Other)), HostileLayer.Of(m.Entry, File(".wh.kubelet", []))));
        Installed("an opaque directory with the new in its layer", m =>
            InOpt(HostileLayer.Of(File("opt/kubelet", m.Other)), HostileLayer.Of(File("opt/.wh..wh..opq", []), File("opt/kubelet", m.Kubelet))));
        Installed("whiteouts below", m => HostileImage.Of(HostileLayer.Of(File(".wh.kubelet", []), File(".wh..wh..opq", [])), m.Layer));
        Installed("whiteouts of what has a longer name", m => HostileImage.Of(
            m.Layer, HostileLayer.Of(File(".wh.kubelet2", []), File(".wh.kube", []), File("kubelet.d/.wh..wh..opq", []))));
        Refused("a whiteout of nothing", m => HostileImage.Of(m.Layer, HostileLayer.Of(File(".wh.", []))));
        Refused("a whiteout of its directory's directory", m => HostileImage.Of(m.Layer, HostileLayer.Of(File(".wh...", []))));
        Installed("a new file after a whiteout", m => HostileImage.Of(
            HostileLayer.Of(File("kubelet", m.Other)), HostileLayer.Of(File(".wh.kubelet", [])), m.Layer));
        NotFound("a whiteout between two layers that have it not", m => HostileImage.Of(
            m.Layer, HostileLayer.Of(File(".wh.kubelet", [])), HostileLayer.Of(File("kubectl", m.Other))));
        NotFound("no layers", _ => HostileImage.Of(Array.Empty<HostileLayer>()));
        NotFound("layers without it", m => HostileImage.Of(HostileLayer.Of(File("kubectl", m.Other)), HostileLayer.Of(File("sleep", m.Other))));
    }

    private static void AddDescriptors()
    {
        Refused("a wrong diff ID", m => HostileImage.Of(m.Layer with { DiffId = Digest.Of(Word) }));
        Refused("diff IDs in the wrong order", m =>
            HostileImage.Of(m.Layer, HostileLayer.Of(File("a", Word))) with { DiffIds = ids => [.. ids.Reverse()] });
        Refused("layers in the wrong order", m =>
            HostileImage.Of(HostileLayer.Of(File("a", Word)) with { DiffId = Digest.Of(m.Layer.Tar) },
                m.Layer with { DiffId = Digest.Of(HostileLayer.Of(File("a", Word)).Tar) }));
        Refused("more diff IDs than layers", m => HostileImage.Of(m.Layer) with { DiffIds = ids => [.. ids, .. ids] });
        Refused("fewer diff IDs than layers", m => HostileImage.Of(m.Layer) with { DiffIds = _ => [] });
        NotFound("a layer that is missing", m => HostileImage.Of(m.Layer with { IsMissing = true }));
        Refused("a layer of other bytes", m => HostileImage.Of(m.Layer with { Digest = Digest.Of(Word) }));
        Refused("a layer that is longer than it says", m => HostileImage.Of(m.Layer with { Size = m.Layer.Blob.Length - 1 }));
        Refused("a layer that is shorter than it says", m => HostileImage.Of(m.Layer with { Size = m.Layer.Blob.Length + 1 }));
        Refused("a layer that says it is empty", m => HostileImage.Of(m.Layer with { Size = 0 }));
        Refused("a layer of a negative size", m => HostileImage.Of(m.Layer with { Size = -1 }));
        Refused("a layer that says it is 1 EiB", m => HostileImage.Of(m.Layer with { Size = 1L << 60 }));
        Refused("a layer that says it is the largest", m => HostileImage.Of(m.Layer with { Size = long.MaxValue }));
        Refused("a layer that says it is the largest, and a file that does too", m => HostileImage.Of(
            m.Layer.Claiming("/kubelet", m.Kubelet, long.MaxValue) with { Size = long.MaxValue }));
        foreach (var type in (ReadOnlySpan<string>)
            [
                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                "application/vnd.oci.image.layer.v1.tar+encrypted",
                "text/html",
                "",
            ])
        {
            Refused($"a layer of the media type '{type}'", m => HostileImage.Of(m.Layer with { MediaType = type }));
        }
    }

    private static void AddClaims()
    {
        Installed("annotations that are true", m => HostileImage.Of(HostileLayer.Of(File("a", Word)), m.Layer.Claiming("/kubelet", m.Kubelet)));
        Refused("an annotation with another digest", m => HostileImage.Of(m.Layer.Claiming("/kubelet", m.Other, m.Kubelet.Length)));
        Refused("an annotation with another size", m => HostileImage.Of(m.Layer.Claiming("/kubelet", m.Kubelet, m.Kubelet.Length + 1)));
        Refused("an annotation with a huge size", m => HostileImage.Of(m.Layer.Claiming("/kubelet", m.Kubelet, 1L << 60)));
        Refused("an annotation with a size of 2 GiB", m => HostileImage.Of(m.Layer.Claiming("/kubelet", m.Kubelet, 2L << 30)));
        Refused("an annotation that says it is in another layer", m => HostileImage.Of(
            HostileLayer.Of(File("kubectl", m.Other)).Claiming("/kubelet", m.Kubelet), m.Layer.Claiming("/kubectl", m.Other)));
        Refused("an annotation over a whiteout", m => HostileImage.Of(
            m.Layer, HostileLayer.Of(File(".wh.kubelet", [])).Claiming("/kubelet", m.Kubelet)));
        NotFound("an annotation with a path that climbs out", m => HostileImage.Of(m.Layer.Claiming("/../../etc/kubelet", m.Kubelet)));
        NotFound("an annotation that speaks of another file", m => HostileImage.Of(m.Layer.Claiming("/kubectl", m.Kubelet)));
        NotFound("a whiteout above annotations that are true", m => HostileImage.Of(
            m.Layer.Claiming("/kubelet", m.Kubelet), HostileLayer.Of(File(".wh.kubelet", []))));
        Installed("an annotation without a slash", m => HostileImage.Of(m.Layer.Claiming("kubelet", m.Other)));
        Installed("an annotation with a negative size", m => HostileImage.Of(m.Layer.Claiming("/kubelet", m.Kubelet, -1)));
        Installed("an annotation with no digest", m => HostileImage.Of(m.Layer.Claiming("/kubelet", "sha256:nothing", "1")));
        Installed("annotations of two layers for one path", m => HostileImage.Of(
            HostileLayer.Of(File("kubelet", m.Other)).Claiming("/kubelet", m.Other), m.Layer.Claiming("/kubelet", m.Kubelet)));
        Installed("a layer with annotations below one without", m => HostileImage.Of(
            HostileLayer.Of(File("kubelet", m.Other)).Claiming("/kubelet", m.Other), m.Layer));
    }

    private static void AddDocuments()
    {
        Refused("a config of 5 MiB", m => Good(m) with { Config = json => json + new string(' ', 5 << 20) });
        Refused("a manifest of 5 MiB", m => Good(m) with { Manifest = json => json + new string(' ', 5 << 20) });
        Refused("a config that is no JSON", m => Good(m) with { Config = _ => "<html>" });
        Refused("a config without a file system", m => Good(m) with { Config = _ => """{"os":"linux","architecture":"amd64"}""" });
        Refused("a config whose diff IDs are null", m => Good(m) with
        {
            Config = _ => """{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":null}}""",
        });
        Refused("a config with a diff ID that is null", m => Good(m) with
        {
            Config = _ => """{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[null]}}""",
        });
        Refused("a config with a diff ID of another kind", m => Good(m) with
        {
            Config = json => json.Replace("sha256:", "sha512:", StringComparison.Ordinal),
        });
        Refused("a config of other bytes", m => Good(m) with { Store = Damage(MediaTypes.Config) });
        NotFound("a config that is missing", m => Good(m) with { Store = (d, c) => d.MediaType == MediaTypes.Config ? null : c });
        Refused("an index whose manifests are null", m => Good(m) with { Index = _ => """{"schemaVersion":2,"manifests":null}""" });
        Refused("an index that is no JSON", m => Good(m) with { Index = _ => "index" });
        NotFound("an index of nothing", m => Good(m) with { Index = _ => """{"schemaVersion":2,"manifests":[]}""" });
        NotFound("an index of indexes", m => Good(m) with { ChildType = MediaTypes.Index });
        NotFound("an index of something else", m => Good(m) with { ChildType = "application/vnd.example" });
    }

    private static void AddManifests()
    {
        Refused("a manifest that is no JSON", m => Good(m) with { Manifest = json => json[..^1] });
        Refused("a manifest that is a list", m => Good(m) with { Manifest = _ => "[]" });
        Refused("a manifest that is null", m => Good(m) with { Manifest = _ => "null" });
        Refused("a manifest whose layers are null", m => Good(m) with
        {
            Manifest = json => string.Concat(json.AsSpan(0, json.IndexOf("\"layers\"", StringComparison.Ordinal)), "\"layers\":null}"),
        });
        Refused("a manifest with a layer that is null", m => Good(m) with
        {
            Manifest = json => json.Replace("\"layers\":[", "\"layers\":[null,", StringComparison.Ordinal),
        });
        Refused("a manifest that calls itself an index", m => Good(m) with
        {
            Manifest = json => json.Replace(MediaTypes.Manifest, MediaTypes.Index, StringComparison.Ordinal),
        });
        Refused("a manifest that is an index as well", m => Good(m) with
        {
            Manifest = json => json.Replace("\"config\":", "\"manifests\":[],\"config\":", StringComparison.Ordinal),
        });
        Refused("a manifest with a field twice", m => Good(m) with
        {
            Manifest = json => json.Replace("\"config\":", "\"layers\":[],\"config\":", StringComparison.Ordinal),
        });
        Refused("a manifest nested a thousand deep", m => Good(m) with
        {
            Manifest = json => json.Replace(
                "\"config\":", $"\"x\":{new string('[', 1000)}{new string(']', 1000)},\"config\":", StringComparison.Ordinal),
        });
        Refused("a size of a layer that is no number", m => Good(m) with
        {
            Manifest = json => json.Replace("\"size\":", "\"size\":1e99,\"was\":", StringComparison.Ordinal),
        });
        Refused("an artifact instead of an image", m => Good(m) with
        {
            Config = _ => "{}",
            Manifest = json => json.Replace(MediaTypes.Config, "application/vnd.oci.empty.v1+json", StringComparison.Ordinal),
        });
        Refused("a manifest of other bytes", m => Good(m) with { Store = Damage(MediaTypes.Manifest) });
        NotFound("a manifest that is missing", m => Good(m) with { Store = (d, c) => d.MediaType == MediaTypes.Manifest ? null : c });
    }

    private static void AddPlatforms()
    {
        Platform arm64 = new("linux", "arm64");
        NotFound("an index of another platform", m => Good(m) with { IndexPlatform = arm64, ConfigPlatform = arm64 });
        NotFound("a manifest of another platform", m => Good(m) with { IndexPlatform = null, ConfigPlatform = arm64 });
        NotFound("an index of another variant", m => Good(m) with { IndexPlatform = new Platform("linux", "amd64", "v3") });
        NotFound("an index of another system", m => Good(m) with { IndexPlatform = new Platform("windows", "amd64") });
        Refused("a config of another platform than the index says", m => Good(m) with { ConfigPlatform = arm64 });
        Refused("a config of another system than the index says", m => Good(m) with { ConfigPlatform = new Platform("windows", "amd64") });
        Refused("a program of another platform than all say", _ =>
            HostileImage.Of(File("kubelet", StandInProgram.Create(arm64, "Kubernetes v1.36.4\n"))));
        Refused("a program of another platform than its annotations' image says", _ =>
            StandInProgram.Create(arm64, "Kubernetes v1.36.4\n") is var program
                ? HostileImage.Of(HostileLayer.Of(File("kubelet", program)).Claiming("/kubelet", program)) : new HostileImage());
    }

    private static void AddPrograms()
    {
        foreach (var (what, bytes) in (ReadOnlySpan<(string, byte[])>)
            [
                ("a shell script", "#!/bin/sh\nexec rm -rf /\n"u8.ToArray()),
                ("a page of HTML", "<!DOCTYPE html><title>404</title>"u8.ToArray()),
                ("four bytes of a program", "\u007fELF"u8.ToArray()),
                ("a byte", [1]),
            ])
        {
            Refused($"{what} in the file's place", _ => HostileImage.Of(File("kubelet", bytes)));
            Refused($"{what}, as its annotations say", _ => HostileImage.Of(HostileLayer.Of(File("kubelet", bytes)).Claiming("/kubelet", bytes)));
        }

        Refused("a program that is cut off", m => [File("kubelet", m.Kubelet[..^1])]);
        Refused("a program of 32 bits", m => [File("kubelet", Changed(m.Kubelet, 4, 1))]);
        Refused("a program of the other byte order", m => [File("kubelet", Changed(m.Kubelet, 5, 2))]);
        Refused("an object file", m => [File("kubelet", Changed(m.Kubelet, 16, 1))]);
        Refused("a program whose headers lie outside", m => [File("kubelet", Changed(m.Kubelet, 39, 0x7f))]);
        Refused("a program whose headers lie before its start", m => [File("kubelet", Changed(m.Kubelet, 39, 0xff))]);
        Refused("a program whose parts lie outside", m => [File("kubelet", Changed(m.Kubelet, 64 + 39, 0x7f))]);
        Refused("a program with more headers than bytes", m => [File("kubelet", Changed(Changed(m.Kubelet, 57, 0xff), 32, 0x40))]);
    }

    private static HostileImage Good(Material material) => HostileImage.Of(material.Layer);

    private static HostileImage InOpt(params HostileLayer[] layers) => HostileImage.Of(layers) with { Path = "opt/kubelet" };

    private static Func<Descriptor, byte[], byte[]?> Damage(string mediaType) =>
        (descriptor, content) => descriptor.MediaType == mediaType ? Flipped(content, ^2) : content;
}
