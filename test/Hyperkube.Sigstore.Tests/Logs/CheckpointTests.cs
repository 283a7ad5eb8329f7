using Hyperkube.Testing.Sigstore;

namespace Hyperkube.Sigstore.Tests.Logs;

/// <summary>Signed tree heads of both versions of Rekor.</summary>
public sealed class CheckpointTests
{
    public static TheoryData<bool> Versions => [false, true];

    [Theory]
    [MemberData(nameof(Versions))]
    public void Signatures_of_witnesses_may_stand_beside_the_logs(bool secondVersion)
    {
        using SignatureLog witness = new("witness.example.org", TestKey.Ed25519(), "");
        Check.Verify(Noted(secondVersion, note => note + witness.SignatureLine(Text(note))));
        Check.Verify(Noted(secondVersion, note => Text(note) + "\n" + witness.SignatureLine(Text(note)) + Lines(note)));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void Further_lines_of_the_text_are_signed_too(bool secondVersion)
    {
        var log = secondVersion ? Check.Authority.RekorV2 : Check.Authority.Rekor;

        Check.Verify(Noted(secondVersion, note => Text(note) + "Timestamp: 1\n\n" + log.SignatureLine(Text(note) + "Timestamp: 1\n")));
        Refused(secondVersion, note => Text(note) + "Timestamp: 1\n\n" + Lines(note));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void What_is_no_note_or_lacks_a_line_is_refused(bool secondVersion)
    {
        var log = secondVersion ? Check.Authority.RekorV2 : Check.Authority.Rekor;
        foreach (var alter in (Func<string, string>[])
        [
            _ => "",
            Text,
            note => note.TrimEnd('\n'),
            note => Text(note) + "\n",
            note => note.Replace("\u2014 ", "- ", StringComparison.Ordinal),
            note => note.Replace("\n\n", "\n", StringComparison.Ordinal),
            note => note + "\n",
            _ => Sign(log, $"{log.Origin}\n5\n"),
            _ => Sign(log, $"\n5\n{Convert.ToBase64String(new byte[32])}\n"),
            _ => Sign(log, $"{log.Origin}\n05\n{Convert.ToBase64String(new byte[32])}\n"),
            _ => Sign(log, $"{log.Origin}\n-5\n{Convert.ToBase64String(new byte[32])}\n"),
            _ => Sign(log, $"{log.Origin}\nmany\n{Convert.ToBase64String(new byte[32])}\n"),
            _ => Sign(log, $"{log.Origin}\n5\n{Convert.ToBase64String(new byte[31])}\n"),
            _ => Sign(log, $"{log.Origin}\n5\nroot\n"),
        ])
        {
            Refused(secondVersion, alter);
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void A_signature_of_another_key_name_or_hint_is_refused(bool secondVersion)
    {
        var log = secondVersion ? Check.Authority.RekorV2 : Check.Authority.Rekor;
        using SignatureLog stranger = secondVersion ? new(log.Host, TestKey.Ed25519(), "") : new(log.Host, TestKey.P256(), "1193050959916656506");

        Refused(secondVersion, note => Text(note) + "\n" + stranger.SignatureLine(Text(note)));
        Refused(secondVersion, note => Text(note) + "\n" + log.SignatureLine(Text(note), "somebody.else"));
        Refused(secondVersion, note => Text(note) + "\n" + log.SignatureLine("something else\n"));
        Refused(secondVersion, note => Text(note) + "\n" + WithHint(log.SignatureLine(Text(note)), stranger.Id[..4]));
        Refused(secondVersion, note => Text(note) + "\n" + WithHint(stranger.SignatureLine(Text(note)), log.Id[..4]));
    }

    [Fact]
    public void A_tree_head_may_have_a_key_id_of_its_own()
    {
        var root = Check.Authority.TrustedRoot();
        root["tlogs"]![0]!["checkpointKeyId"] = new System.Text.Json.Nodes.JsonObject { ["keyId"] = Convert.ToBase64String([1, 2, 3, 4, 5]) };
        var trust = Check.TrustIn(root);

        Check.Refused(SignatureFailure.BadCheckpoint, Check.Sign(), trust: trust);
        Check.Verify(Noted(false, note => Text(note) + "\n" + WithHint(Lines(note), [1, 2, 3, 4])), trust: trust);
    }

    private static SignedArtifact Noted(bool secondVersion, Func<string, string> alter)
    {
        var signed = Check.Sign(new SigningRecipe { SecondVersion = secondVersion });
        var checkpoint = signed.Proof["checkpoint"]!;
        checkpoint["envelope"] = alter((string)checkpoint["envelope"]!);
        return signed;
    }

    private static void Refused(bool secondVersion, Func<string, string> alter) =>
        Check.Refused(SignatureFailure.BadCheckpoint, Noted(secondVersion, alter));

    private static string Sign(SignatureLog log, string text) => $"{text}\n{log.SignatureLine(text)}";

    private static string Text(string note) => note[..(note.IndexOf("\n\n", StringComparison.Ordinal) + 1)];

    private static string Lines(string note) => note[(note.IndexOf("\n\n", StringComparison.Ordinal) + 2)..];

    private static string WithHint(string line, byte[] hint)
    {
        var words = line.TrimEnd('\n').Split(' ');
        return $"{words[0]} {words[1]} {Convert.ToBase64String([.. hint, .. Convert.FromBase64String(words[2])[4..]])}\n";
    }
}
