#:property TargetFramework=net10.0
#:property PublishAot=true
#:property OptimizationPreference=Speed
#:property RestorePackagesWithLockFile=false
#:property RunAnalyzers=false
#:property GenerateDocumentationFile=false
#:package ZstdSharp.Port

// The limit of this machine for the work that a build is: hash and compress the given files, all in memory, on all
// cores, with nothing to read, order, or write. usage: limit gzip|zstd FILE...
using System.Diagnostics;
using System.IO.Compression;
using System.Security.Cryptography;

var zstd = args[0] == "zstd";
var files = args.Skip(1).Select(File.ReadAllBytes).ToList();
var block = zstd ? 4 << 20 : 1 << 20;
List<Action> work = [];
var compressed = 0L;
foreach (var file in files)
{
    work.Add(() => SHA512.HashData(file)); // the transfer check
    work.Add(() => SHA256.HashData(file)); // the check before the build
    work.Add(() => SHA256.HashData(file)); // the check while it is packed
    work.Add(() => SHA256.HashData(file)); // the diff ID, all but a header
    for (var at = 0; at < file.Length; at += block)
    {
        var (from, length) = (at, Math.Min(block, file.Length - at));
        work.Add(() =>
        {
            byte[] result;
            if (zstd)
            {
                using ZstdSharp.Compressor compressor = new(3);
                result = compressor.Wrap(file.AsSpan(from, length)).ToArray();
            }
            else
            {
                using MemoryStream output = new(block);
                using (DeflateStream deflate = new(output, new ZLibCompressionOptions { CompressionLevel = 6 }, leaveOpen: true))
                {
                    deflate.Write(file.AsSpan(from, length));
                }

                result = output.ToArray();
            }

            SHA256.HashData(result); // the digest
            Interlocked.Add(ref compressed, result.Length);
        });
    }
}

var clock = Stopwatch.StartNew();
Parallel.ForEach(work, w => w());
Console.WriteLine($"limit {args[0]}: {clock.Elapsed.TotalSeconds:F2} s for {files.Sum(f => (long)f.Length) / 1e6:F0} MB -> {compressed / 1e6:F1} MB on {Environment.ProcessorCount} cores");
