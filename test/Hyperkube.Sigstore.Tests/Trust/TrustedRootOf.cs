using System.Text.Json.Nodes;
using Hyperkube.Sigstore.Trust;
using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests.Trust;

/// <summary>A trusted root that a test changes.</summary>
internal sealed record TrustedRootOf(JsonObject Json)
{
    internal TrustedRoot Parsed => Check.TrustIn(Json);

    internal TrustedRootOf WithFulcio(params byte[][] chain)
    {
        Json["certificateAuthorities"] = new JsonArray(SigstoreAuthority.AuthorityOf("https://fulcio.example.org", chain));
        return this;
    }

    internal TrustedRootOf WithTimestamps(params byte[][] chain)
    {
        Json["timestampAuthorities"] = new JsonArray(SigstoreAuthority.AuthorityOf("https://timestamp.example.org", chain));
        return this;
    }

    internal TrustedRootOf WithCertificateLog(TestKey key, byte[]? id = null)
    {
        Json["ctlogs"] = new JsonArray(SigstoreAuthority.LogOf(key, "https://ctfe.example.org", id ?? key.SpkiHash));
        return this;
    }

    /// <summary>Changes when a log or an authority is trusted.</summary>
    internal TrustedRootOf WithValidity(string list, int index, DateTimeOffset? start, DateTimeOffset? end)
    {
        JsonObject period = [];
        if (start is { } from)
        {
            period["start"] = SigstoreAuthority.Time(from);
        }

        if (end is { } to)
        {
            period["end"] = SigstoreAuthority.Time(to);
        }

        var item = Json[list]![index]!.AsObject();
        (item["publicKey"]?.AsObject() ?? item)["validFor"] = period;
        return this;
    }
}
