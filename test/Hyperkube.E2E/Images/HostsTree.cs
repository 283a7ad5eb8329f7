namespace Hyperkube.E2E.Images;

/// <summary>A directory of hosts, and who is there to be asked.</summary>
/// <remarks>In names and texts <c>{A}</c> stands for the host A with its port; the text <c>@ca</c> for the certificate of the
/// authority of all hosts with TLS, <c>@cert</c>, <c>@key</c> and <c>@both</c> for a client's.</remarks>
/// <param name="Hosts">Names with what they do: <c>ok</c>, or a status; <c>+tls</c>. Nobody listens where the others are.</param>
/// <param name="Registry">The host of the reference.</param>
/// <param name="Files">Path and text.</param>
internal sealed record HostsTree(string Hosts, string Registry, params (string Path, string Text)[] Files)
{
    private const string Far = "registry.example.com", FarFile = $"{Far}/hosts.toml", Near = "{R}", NearFile = $"{Near}/hosts.toml";

    /// <summary>Whether the reference is a digest.</summary>
    internal bool ByDigest { get; init; }

    /// <summary>The trees, by what is peculiar about them.</summary>
    internal static IReadOnlyDictionary<string, HostsTree> All { get; } = new Dictionary<string, HostsTree>
    {
        ["mirrors in the file's order"] = new("A=ok B=404 C=ok", Far,
            (FarFile, "[host.'http://{B}']\n[host.'http://{A}']\n[host.'http://{C}']")),
        ["the next after 404"] = new("A=404 B=ok", Far, (FarFile, "[host.'http://{A}']\n[host.'http://{B}']")),
        ["the next after 500"] = new("A=500 B=ok", Far, (FarFile, "[host.'http://{A}']\n[host.'http://{B}']")),
        ["the next after 403"] = new("A=403 B=ok", Far, (FarFile, "[host.'http://{A}']\n[host.'http://{B}']")),
        ["the next when nobody listens"] = new("B=ok", Far, (FarFile, "[host.'http://{A}']\n[host.'http://{B}']")),
        ["nobody has it"] = new("A=404 R=404", Near, (NearFile, "[host.'http://{A}']")),
        ["server instead of the registry"] = new("A=404 B=ok R=ok", Near, (NearFile, "server = 'http://{B}'\n[host.'http://{A}']")),
        ["the registry after its mirrors"] = new("A=404 R=ok", Near, (NearFile, "[host.'http://{A}']")),
        ["no directory, plain registry"] = new("R=ok", Near),
        ["no directory, registry with TLS"] = new("R=ok+tls", Near),
        ["the default for every registry"] = new("A=ok", Far, ("_default/hosts.toml", "server = 'http://{A}'")),
        ["an empty directory hides the default"] =
            new("A=ok R=ok", Near, ("{R}/.keep", ""), ("_default/hosts.toml", "server = 'http://{A}'")),
        ["underscores before the colon"] = new("A=ok B=ok", Near,
            ("{R_}/hosts.toml", "[host.'http://{A}']"), (NearFile, "[host.'http://{B}']")),
        ["the name without its port is another's"] = new("A=ok R=ok", Near, ("127.0.0.1/hosts.toml", "server = 'http://{A}'")),
        ["a mirror that may not resolve"] = new("A=ok B=ok", Far,
            (FarFile, "[host.'http://{A}']\ncapabilities = ['pull']\n[host.'http://{B}']\ncapabilities = ['pull', 'resolve']")),
        ["a mirror that may only resolve"] = new("A=ok B=ok", Far,
            (FarFile, "[host.'http://{A}']\ncapabilities = ['resolve']\n[host.'http://{B}']")),
        ["a mirror for pushes"] = new("A=ok B=ok", Far, (FarFile, "[host.'http://{A}']\ncapabilities = ['push']\n[host.'http://{B}']")),
        ["nobody may be pulled from"] = new("A=ok", Far, (FarFile, "server = 'http://{A}'\ncapabilities = ['resolve', 'push']")),
        ["nobody may both resolve and be pulled from"] = new("A=ok B=ok", Far,
            (FarFile, "server = 'http://{B}'\ncapabilities = ['resolve']\n[host.'http://{A}']\ncapabilities = ['pull']")),
        ["a digest needs no resolver"] = new HostsTree("A=ok B=ok", Far,
            (FarFile, "[host.'http://{A}']\ncapabilities = ['PULL']\n[host.'http://{B}']")) with
        { ByDigest = true },
        ["no capabilities are all"] = new("A=ok", Far, (FarFile, "[host.'http://{A}']\ncapabilities = []")),
        ["the registry itself can do everything"] = new("R=ok", Near, (NearFile, "capabilities = ['push']")),
        ["a path"] = new("A=ok", Far, (FarFile, "[host.'http://{A}/hub/']")),
        ["a path of nothing"] = new("A=ok", Far, (FarFile, "[host.'http://{A}/']")),
        ["a path with v2"] = new("A=ok", Far, (FarFile, "[host.'http://{A}/hub//x/../v2/']")),
        ["an escaped path"] = new("A=ok", Far, (FarFile, "[host.'http://{A}/a%2Fb%20c']")),
        ["a path that overrides"] = new("A=ok", Far, (FarFile, "[host.'http://{A}/hub/']\noverride_path = true")),
        ["no path that overrides"] = new("A=ok", Far, (FarFile, "[host.'http://{A}']\noverride_path = true")),
        ["a slash that overrides"] = new("A=ok", Far, (FarFile, "[host.'http://{A}/']\noverride_path = true")),
        ["a login and a query in the address"] = new("A=ok", Far, (FarFile, "[host.'http://user:password@{A}/v2?a=b#c']")),
        ["headers"] = new("A=404 R=ok", Near,
            (NearFile, "header.X-Mark = 'root'\n[host.'http://{A}']\nheader = { X-Mark = ['1', '2'] }")),
        ["a table of headers comes first"] = new("A=404 B=ok", Far,
            (FarFile, "[host.'http://{A}'.header]\nx-mark = '1'\n[host.'http://{A}']\noverride_path = true\n[host.'http://{B}']")),
        ["a host that comes up twice"] = new("A=404 B=404 R=ok", Near,
            (NearFile, "[host.'http://{A}']\n[host.'http://{B}']\n[host.'http://{A}'.header]\nx-mark = '1'")),
        ["dotted keys and inline tables"] = new("A=ok B=ok R=ok", Near,
            (NearFile, "host.'http://{A}'.capabilities = ['pull', 'resolve']\n[other]\nx = 1")),
        ["an inline table of hosts"] = new("A=ok R=ok", Near, (NearFile, "host = { 'http://{A}' = { skip_verify = true } }")),
        ["settings in capitals"] = new("A=ok B=ok", Far,
            (FarFile, "SERVER = 'http://{B}'\n[host.'http://{A}']\nCapabilities = ['pull']\n[HOST.'http://{B}']")),
        ["a mirror of the registry's own name"] = new("R=ok", Near, (NearFile, "[host.'http://{R}']")),
        ["no scheme is TLS"] = new("A=ok+tls B=ok", Far,
            (FarFile, "[host.'{A}']\nca = 'ca.crt'\n[host.'http://{B}']"), ("registry.example.com/ca.crt", "@ca")),
        ["an unknown authority"] = new("A=ok+tls B=ok", Far, (FarFile, "[host.'https://{A}']\n[host.'http://{B}']")),
        ["any certificate"] = new("A=ok+tls", Far, (FarFile, "[host.'https://{A}']\nskip_verify = true")),
        ["TLS to who has none"] = new("A=ok B=ok", Far, (FarFile, "[host.'https://{A}']\nskip_verify = true\n[host.'http://{B}']")),
        ["HTTP to who has TLS"] = new("A=ok+tls B=ok", Far, (FarFile, "[host.'http://{A}']\n[host.'http://{B}']")),
        ["HTTP with an authority, where TLS is"] = new("A=ok+tls", Far,
            (FarFile, "[host.'http://{A}']\nca = ['sub/ca.crt']"), ("registry.example.com/sub/ca.crt", "@ca")),
        ["HTTP with skip_verify, where no TLS is"] = new("A=ok", Far, (FarFile, "[host.'http://{A}']\nskip_verify = false")),
        ["HTTP with no authorities"] = new("A=ok", Far, (FarFile, "[host.'http://{A}']\nca = []")),
        ["HTTP with no certificates"] = new("A=ok", Far, (FarFile, "[host.'http://{A}']\nclient = []")),
        ["a client's certificate and key"] = new("A=ok+tls", Far,
            (FarFile, "[host.'https://{A}']\nskip_verify = true\nclient = [['c.cert', 'c.key']]"),
            ("registry.example.com/c.cert", "@cert"), ("registry.example.com/c.key", "@key")),
        ["a client's certificate with its key"] = new("A=ok+tls", Far,
            (FarFile, "[host.'https://{A}']\nskip_verify = true\nclient = 'c.pem'"), ("registry.example.com/c.pem", "@both")),
        ["certificates as Docker reads them"] = new("R=ok+tls", Near,
            ("{R}/ca.crt", "@ca"), ("{R}/c.cert", "@cert"), ("{R}/c.key", "@key")),
        ["an empty file beside certificates"] = new("R=ok+tls", Near, (NearFile, ""), ("{R}/c.cert", "@both")),
        ["a file of comments beside certificates"] = new("R=ok+tls", Near, (NearFile, "#"), ("{R}/c.cert", "@both")),
        ["loopback is not verified whatever is told"] = new("R=ok+tls", Near, (NearFile, "skip_verify = false")),
        ["a server on loopback is verified"] = new("A=ok R=ok+tls", Near, (NearFile, "server = 'https://{R}'")),
        ["a dial's time"] = new("A=ok", Far, (FarFile, "[host.'http://{A}']\ndial_timeout = '1m0.5s'")),
        ["unknown settings"] = new("A=ok", Far, (FarFile, "typo = 1\n[host.'http://{A}']\nserver = 1\nfoo.bar = {}\n[[list]]")),
    };
}
