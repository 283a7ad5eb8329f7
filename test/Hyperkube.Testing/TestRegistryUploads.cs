using System.Collections.Concurrent;
using System.Globalization;

namespace Hyperkube.Testing;

/// <content>Uploads: sessions whose every address has a query that must be kept, and changes.</content>
public sealed partial class TestRegistry
{
    private readonly ConcurrentDictionary<string, Session> _sessions = new(StringComparer.Ordinal);
    private int _began;

    /// <summary>Whether it gives blobs of other repositories by mounting.</summary>
    public bool Mounts { get; set; } = true;

    /// <summary>Whether what came before a cut is kept.</summary>
    public bool KeepsPartialUploads { get; set; } = true;

    /// <summary>The least that a chunk must have which is not the last.</summary>
    public int MinChunkBytes { get; set; }

    /// <summary>What a chunk that was taken is answered with.</summary>
    public int PatchStatus { get; set; } = 202;

    /// <summary>Sessions that were neither finished nor given up.</summary>
    public int OpenUploads => _sessions.Count;

    private SiteAnswer Upload(RegistryCall call, string repository, string id)
    {
        if (call.Method == "POST")
        {
            return Begin(call, repository);
        }

        if (!_sessions.TryGetValue(id, out var session) || call.Parameter("_state") != session.State)
        {
            return Failure(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
        }

        lock (session)
        {
            switch (call.Method)
            {
                case "GET":
                    return Progress(repository, id, session, 204);
                case "DELETE":
                    _sessions.TryRemove(id, out _);
                    return SiteAnswer.Of(204);
                case "PATCH":
                    return Patch(call, repository, id, session);
                default:
                    return Finish(call, repository, id, session);
            }
        }
    }

    protected override void TakePart(RegistryCall asked)
    {
        var id = asked.Path[(asked.Path.LastIndexOf('/') + 1)..];
        if (KeepsPartialUploads && asked.Method == "PATCH" && _sessions.TryGetValue(id, out var session))
        {
            lock (session)
            {
                session.Content.Write(asked.Body.Span);
            }
        }
    }

    private SiteAnswer Begin(RegistryCall call, string repository)
    {
        if (Mounts && call.Parameter("mount") is { } digest && call.Parameter("from") is { } from
            && _blobs.TryGetValue($"{from}@{digest}", out var content))
        {
            _blobs[$"{repository}@{digest}"] = content;
            return SiteAnswer.Of(201).With("Location", $"/v2/{repository}/blobs/{digest}");
        }

        var id = string.Create(CultureInfo.InvariantCulture, $"upload-{Interlocked.Increment(ref _began)}");
        Session session = new();
        _sessions[id] = session;
        var answer = Progress(repository, id, session, 202);
        return MinChunkBytes == 0 ? answer
            : answer.With("OCI-Chunk-Min-Length", MinChunkBytes.ToString(CultureInfo.InvariantCulture));
    }

    private SiteAnswer Patch(RegistryCall call, string repository, string id, Session session)
    {
        var from = session.Content.Length;
        if (call.Header("Content-Range") != string.Create(CultureInfo.InvariantCulture, $"{from}-{from + call.Body.Length - 1}"))
        {
            return SiteAnswer.Of(416).With("Range", $"0-{Math.Max(0, session.Content.Length - 1)}");
        }

        if (session.WasShort)
        {
            return Failure(400, "BLOB_UPLOAD_INVALID", "the chunk before was too small");
        }

        session.WasShort = call.Body.Length < MinChunkBytes;
        session.Content.Write(call.Body.Span);
        session.Moves++;
        return Progress(repository, id, session, PatchStatus);
    }

    private SiteAnswer Finish(RegistryCall call, string repository, string id, Session session)
    {
        session.Content.Write(call.Body.Span);
        _sessions.TryRemove(id, out _);
        var content = session.Content.ToArray();
        var digest = call.Parameter("digest");
        if (DigestOf(content) != digest)
        {
            return Failure(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
        }

        _blobs[$"{repository}@{digest}"] = content;
        return SiteAnswer.Of(201).With("Location", $"/v2/{repository}/blobs/{digest}").With("Docker-Content-Digest", digest);
    }

    private static SiteAnswer Progress(string repository, string id, Session session, int status) =>
        SiteAnswer.Of(status).With("Location", $"/v2/{repository}/blobs/uploads/{id}?_state={Uri.EscapeDataString(session.State)}")
            .With("Range", $"0-{Math.Max(0, session.Content.Length - 1)}").With("Docker-Upload-UUID", id);

    private sealed class Session
    {
        internal MemoryStream Content { get; } = new();

        /// <summary>How many chunks were taken; each changes the address.</summary>
        internal int Moves { get; set; }

        internal string State => string.Create(CultureInfo.InvariantCulture, $"s/{Moves}=+");

        internal bool WasShort { get; set; }
    }
}
