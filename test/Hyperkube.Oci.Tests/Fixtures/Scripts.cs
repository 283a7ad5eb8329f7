using Hyperkube.Testing;

namespace Hyperkube.Oci.Tests.Fixtures;

/// <summary>Shell scripts that stand in for other people's programs. Tests that use them run one after another: a script cannot
/// be run while a child of another test still holds it open for writing.</summary>
internal sealed class Scripts : IDisposable
{
    /// <summary>The collection of tests that run programs.</summary>
    public const string Collection = "programs";

    private readonly TempDirectory _directory = new();

    public string Path => _directory.Path;

    public string this[string name] => _directory[name];

    public string Add(string name, string body)
    {
        var path = _directory[name];
        File.WriteAllText(path, $"#!/bin/sh\n{body}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }

    /// <summary>A file beside the scripts.</summary>
    public string AddFile(string name, string content)
    {
        File.WriteAllText(_directory[name], content);
        return _directory[name];
    }

    public string Read(string name) => File.ReadAllText(_directory[name]);

    /// <summary>How many lines a script has written into a file.</summary>
    public int LinesOf(string name) => File.Exists(_directory[name]) ? File.ReadAllLines(_directory[name]).Length : 0;

    public void Dispose() => _directory.Dispose();
}
