using Hyperkube.Oci;
using static Hyperkube.Tests.Host.HostileTar;

namespace Hyperkube.Tests.Host;

/// <summary>What is odd inside one tar.</summary>
internal static partial class HostileCases
{
    private static readonly byte[] Word = "content"u8.ToArray();

    private static void AddNames()
    {
        Refused("a name that climbs out", m => [File("../kubelet", m.Kubelet)]);
        Refused("a name that climbs out further than it went in", m => [File("bin/../../kubelet", m.Kubelet)]);
        Refused("another entry that climbs out", m => [File("../../../../etc/cron.d/evil", Word), m.Entry]);
        Refused("another entry that climbs out behind the file", m => [m.Entry, File("../../../../etc/cron.d/evil", Word)]);
        Refused("an absolute name that climbs out", m => [File("/../kubelet", m.Kubelet)]);
        Refused("a prefix that climbs out", m => [Entry("kubelet", '0', m.Kubelet, change: Prefix(".."))]);
        Refused("a pax path that climbs out", m => [Pax(("path", "../kubelet")), m.Entry]);
        Refused("a long name that climbs out", m => [LongName("../../kubelet"), m.Entry]);
        Refused("a pax path with a NUL", m => [Pax(("path", "kubelet\0.txt")), m.Entry]);
        Refused("a directory that climbs out", m => [Entry("../", '5', []), m.Entry]);
        Refused("a link whose name climbs out", m => [Link("../kubelet", "/etc/shadow"), m.Entry]);
        Installed("an absolute name", m => [File("/kubelet", m.Kubelet)]);
        Installed("a name with ./ in front", m => [File("./kubelet", m.Kubelet)]);
        Installed("a name with slashes and dots that mean nothing", m => [File("//.//./kubelet", m.Kubelet)]);
        Installed("a prefix that means nothing", m => [Entry("kubelet", '0', m.Kubelet, change: Prefix("."))]);
        Installed("a name in GNU's long form", m => [LongName("kubelet"), File("shortened", m.Kubelet)]);
        Installed("a name in a pax header", m => [Pax(("path", "kubelet")), File("shortened", m.Kubelet)]);
        Installed("an empty pax path", m => [Pax(("path", "")), m.Entry]);
        Installed("GNU's header, where a prefix is none", m =>
        [
            Entry("kubelet", '0', m.Kubelet, change: header =>
            {
                Put(header, 257, "ustar  \0");
                Put(header, 345, "14000000000\0");
            }),
        ]);
        Installed("words about the whole archive", m => [Entry("global", 'g', "18 path=elsewhere\n"u8.ToArray()), m.Entry]);
        Installed("a name of 4,000 characters beside it", m => [LongName(string.Join('/', Enumerable.Repeat("dir", 1000))), File("a", Word), m.Entry]);
        Installed("names that are no UTF-8", m => [Entry("x", '0', Word, change: header => header[0] = 0xff), m.Entry]);
        Refused("a pax header above 64 KiB", m => [Pax(("comment", new string('a', 70_000))), m.Entry]);
        Refused("a long name above 64 KiB", m => [LongName(new string('a', 70_000)), m.Entry]);
        Refused("a pax header without a length", m => [Entry("x", 'x', "path=kubelet\n"u8.ToArray()), m.Entry]);
        Refused("a pax record longer than its header", m => [Entry("x", 'x', "999 path=kubelet\n"u8.ToArray()), m.Entry]);
        Refused("a pax record without a key", m => [Entry("x", 'x', "5 =a\n"u8.ToArray()), m.Entry]);
        NotFound("a long name that belongs to nothing", _ => HostileImage.Of(LongName("kubelet")));
    }

    private static void AddSizes()
    {
        Installed("a size in a pax header", m => [Pax(("size", $"{m.Kubelet.Length}")), Entry("kubelet", '0', m.Kubelet, size: Octal(0))]);
        Installed("a size in base 256", m => [Entry("kubelet", '0', m.Kubelet, change: Base256(m.Kubelet.Length))]);
        Refused("a huge size in a pax header", m => [Pax(("size", $"{1L << 62}")), m.Entry]);
        Refused("a size above 64 bits in a pax header", m => [Pax(("size", "99999999999999999999")), m.Entry]);
        Refused("a negative size in a pax header", m => [Pax(("size", "-1")), m.Entry]);
        Refused("an empty size in a pax header", m => [Pax(("size", "")), m.Entry]);
        Refused("a negative size in base 256", m => [Entry("kubelet", '0', m.Kubelet, change: Base256(-1))]);
        Refused("the most negative size in base 256", m => [Entry("kubelet", '0', m.Kubelet, change: Base256(long.MinValue))]);
        Refused("a size of 1 TiB", m => [Entry("kubelet", '0', m.Kubelet, change: Base256(1L << 40))]);
        Refused("the largest size", m => [Entry("kubelet", '0', m.Kubelet, change: Base256(long.MaxValue))]);
        Refused("a size of 1 GiB and a byte", m => [Entry("kubelet", '0', m.Kubelet, size: Octal((1L << 30) + 1))]);
        Refused("a size of 1 TiB beside it", m => [Entry("other", '0', Word, change: Base256(1L << 40)), m.Entry]);
        Refused("the largest size beside it", m => [Entry("other", '0', Word, change: Base256(long.MaxValue)), m.Entry]);
        Refused("a size that is one block too large", m => [Entry("kubelet", '0', m.Kubelet, size: Octal(m.Kubelet.Length + Block))]);
        Refused("a size that is one block too small", m => [Entry("kubelet", '0', m.Kubelet, size: Octal(m.Kubelet.Length - Block))]);
        Refused("a size that is no number", m => [Entry("kubelet", '0', m.Kubelet, size: "0000000000z")]);
        Refused("a size with a sign", m => [Entry("kubelet", '0', m.Kubelet, size: "-0000000001")]);
        Refused("a header whose sum is wrong", m => [Changed(m.Entry, 0, (byte)'K')]);
        Refused("a mode that is no number", m => [Entry("kubelet", '0', m.Kubelet, change: h => Put(h, 100, "rwxr-xr-"))]);
        Refused("no content at all", _ => [Entry("kubelet", '0', [])]);
    }

    private static void AddLinks()
    {
        Refused("a symbolic link out of the root", _ => [Link("kubelet", "/etc/shadow")]);
        Refused("a symbolic link up and out", _ => [Link("kubelet", "../../../../etc/shadow")]);
        Refused("a symbolic link to itself", _ => [Link("kubelet", "kubelet")]);
        Refused("a hard link out of the root", _ => [Link("kubelet", "../../etc/passwd", '1')]);
        Refused("a hard link to another entry", m => [File("hyperkube", m.Kubelet), Link("kubelet", "hyperkube", '1')]);
        Refused("a symbolic link to another entry", m => [File("hyperkube", m.Kubelet), Link("kubelet", "hyperkube")]);
        Refused("a link with content", m => [Entry("kubelet", '2', m.Kubelet, link: "/etc/shadow")]);
        Refused("a link, then a file through it", m => [Link("kubelet", "/etc/cron.d/evil"), m.Entry]);
        Refused("a file, then a link over it", m => [m.Entry, Link("kubelet", "/etc/shadow")]);
        Refused("a file, then a hard link over it", m => [File("a", Word), m.Entry, Link("kubelet", "a", '1')]);
        Refused("the file twice", m => [m.Entry, m.Entry]);
        Refused("two files of one name", m => [m.Entry, File("kubelet", m.Other)]);
        Refused("two spellings of one name", m => [m.Entry, File("./kubelet", m.Other)]);
        Refused("a directory, then a file of its name", m => [Entry("kubelet/", '5', []), m.Entry]);
        Refused("a file, then a directory of its name", m => [m.Entry, Entry("kubelet/", '5', [])]);
        Refused("a parent that is a link, before the file", m =>
            HostileImage.Of(Link("opt", "/etc"), File("opt/kubelet", m.Kubelet)) with { Path = "opt/kubelet" });
        Refused("a parent that becomes a link behind the file", m =>
            HostileImage.Of(File("opt/kubelet", m.Kubelet), Link("opt", "/etc")) with { Path = "opt/kubelet" });
        Refused("a parent of a parent that is a link", m =>
            HostileImage.Of(Link("a", "../.."), Entry("a/b", '5', []), File("a/b/kubelet", m.Kubelet)) with { Path = "a/b/kubelet" });
        Refused("a parent that is a file", m =>
            HostileImage.Of(File("opt", Word), File("opt/kubelet", m.Kubelet)) with { Path = "opt/kubelet" });
        Installed("links beside it that lead out", m => [Link("opt", "/"), Link("etc", "../../etc"), Link("x", "/etc/passwd", '1'), m.Entry]);
        Installed("links beside it that lead in circles", m => [Link("a", "b"), Link("b", "a"), m.Entry]);
        Installed("a hard link to it under another name", m => [m.Entry, Link("other", "kubelet", '1')]);
        NotFound("only a link to the directory it would be in", m =>
            HostileImage.Of(File("usr/bin/kubelet", m.Kubelet), Link("bin", "usr/bin")) with { Path = "bin/kubelet" });
    }

    private static void AddTypes()
    {
        Refused("a character device", _ => [Entry("kubelet", '3', [])]);
        Refused("a block device", _ => [Entry("kubelet", '4', [])]);
        Refused("a pipe", _ => [Entry("kubelet", '6', [])]);
        Refused("a directory", _ => [Entry("kubelet", '5', [])]);
        Refused("a directory of the oldest tars, a file with a slash", _ => [Entry("kubelet/", '\0', [])]);
        Refused("a file with a slash and content", m => [Entry("kubelet/", '0', m.Kubelet)]);
        Refused("a type that nobody knows", m => [File("kubelet", m.Kubelet, 'Z')]);
        Refused("half of a file that began on another volume", m => [File("kubelet", m.Kubelet, 'M')]);
        Refused("a sparse file of GNU", m => [File("kubelet", m.Kubelet, 'S')]);
        Refused("a sparse file of pax 0.1", m =>
            [Pax(("GNU.sparse.size", "99999999"), ("GNU.sparse.map", $"0,{m.Kubelet.Length}")), m.Entry]);
        Refused("a sparse file of pax 1.0", m =>
        [
            Pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "kubelet"), ("GNU.sparse.realsize", "99999999")),
            File("GNUSparseFile.0/kubelet", m.Kubelet),
        ]);
        Installed("a sparse file beside it", m =>
        [
            Pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "other"), ("GNU.sparse.realsize", "99999999")),
            File("GNUSparseFile.0/other", Word), m.Entry,
        ]);
        Installed("a file in one piece, as a type of its own", m => [File("kubelet", m.Kubelet, '7')]);
        Installed("a file of the oldest tars", m => [File("kubelet", m.Kubelet, '\0')]);
        Installed("devices and pipes beside it", m =>
            [Entry("dev/null", '3', []), Entry("dev/sda", '4', []), Entry("pipe", '6', []), m.Entry]);

        // POSIX: no blocks follow one of these, whatever its size field says.
        foreach (var (type, what) in (ReadOnlySpan<(char, string)>)[('3', "device"), ('6', "pipe"), ('5', "directory"), ('2', "link")])
        {
            Installed($"a {what} that says it has content", m => [Entry("odd", type, [], size: Octal(5 * Block)), m.Entry]);
        }
    }

    private static void AddEnds()
    {
        Refused("a tar without an end", m => HostileImage.Of(new HostileLayer(m.Entry)));
        Refused("a tar with half an end", m => HostileImage.Of(new HostileLayer(Concat(m.Entry, new byte[Block]))));
        Refused("a tar that ends within the file", m => HostileImage.Of(new HostileLayer(m.Entry[..(m.Entry.Length / 2)])));
        Refused("a tar that ends within a header", m => HostileImage.Of(new HostileLayer(m.Entry[..100])));
        Refused("a tar that ends within the padding", m => HostileImage.Of(new HostileLayer(m.Entry[..(Block + m.Kubelet.Length)])));
        Refused("words behind the end", m => HostileImage.Of(new HostileLayer(Concat(m.Entry, End, Word))));
        Refused("a second tar behind the end", m => HostileImage.Of(new HostileLayer(Concat(File("a", Word), End, m.Entry, End))));
        Refused("a block of zeros between two entries", m => HostileImage.Of(new HostileLayer(Concat(File("a", Word), new byte[Block], m.Entry, End))));
        Installed("a MiB of zeros behind the end", m => HostileImage.Of(new HostileLayer(Concat(m.Entry, End, new byte[1 << 20]))));
        NotFound("an empty tar", _ => HostileImage.Of(HostileLayer.Of()));
        Refused("an empty blob", m => HostileImage.Of(m.Layer.Packed([])));
        Refused("an empty blob that is called a tar", _ => HostileImage.Of(new HostileLayer([]).Packed([], MediaTypes.TarLayer)));
        Refused("a page of a proxy instead of a layer", _ =>
            HostileImage.Of(new HostileLayer([]).Packed("<html>502 Bad Gateway</html>"u8.ToArray(), MediaTypes.TarLayer)));
        Installed("a tar without compression", m => HostileImage.Of(m.Layer.Packed(m.Layer.Tar, MediaTypes.TarLayer)));
    }

    private static byte[] Changed(byte[] content, Index at, byte value)
    {
        var changed = content.ToArray();
        changed[at] = value;
        return changed;
    }
}
