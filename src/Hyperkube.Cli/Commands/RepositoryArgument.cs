using System.CommandLine.Parsing;
using Hyperkube.Oci;

namespace Hyperkube.Cli.Commands;

/// <summary>A repository of a registry, without tag or digest.</summary>
internal static class RepositoryArgument
{
    private const string Expected = "expected a repository without tag or digest, such as registry.example.com/hyperkube";

    internal static RegistryReference? Parse(ArgumentResult result)
    {
        var text = result.Tokens[^1].Value;
        try
        {
            if (!text.StartsWith('-') && ImageReference.ParsePlace(text) is RegistryReference { Tag: null, Digest: null } repository)
            {
                return repository;
            }

            result.AddError($"'{text}': {Expected}");
        }
        catch (FormatException)
        {
            result.AddError($"'{text}': {Expected}");
        }

        return null;
    }
}
