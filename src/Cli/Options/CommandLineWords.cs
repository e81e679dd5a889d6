using System.Text.RegularExpressions;
using Backbones.Engines;

namespace TimmFeatures.Cli.Options;

/// <summary>Messages of the libraries name what their C# callers have set. A user of the command line has set options of it: this is how they are spelled.</summary>
internal static partial class CommandLineWords
{
    private static readonly (Regex Api, string Option)[] s_words =
    [
        (KeyPrefixValue(), "give --key-prefix $1"),
        (Property("KeyPrefix"), "--key-prefix"),
        (Property("ImageSize"), "--image-size"),
        (Property("UseTestSize"), "--use-test-size"),
        (Property("RandomWeights"), "--random-weights"),
        (Property("WeightsPath"), "--weights"),
        (Property("CacheDir"), "--cache-dir"),
        (Property("DownloadMode\\.Never"), "--offline"),
        (Property("BatchSize"), "--batch"),
        (Property("Threads"), "--threads"),
        (Property("Give a file or folder as weights path"), "Give a file or folder with --weights"),
        (Property("give the file or folder as weights path"), "give the file or folder with --weights"),
        (Property("give the downloaded folder as weights path"), "give the downloaded folder with --weights"),
        (Property("A file of weights is given as weights path, beside"), "A file of weights is given with --weights, beside"),
        (Property("give that as weights path, or as"), "give that with --weights, or as"),
        (Property("use Intermediates or Nodes"), "use --intermediates or --nodes"),
        (Property("use Pyramid or Nodes"), "use --pyramid or --nodes"),
        (Property("use Nodes"), "use --nodes"),
        (Property("those of Backbone\\.NodeNames"), "'nodes MODEL' lists"),
        (Property("output format NLC"), "--tokens"),
        (FallingBack(), " with --precision auto"),
    ];

    /// <summary>A message with the options' names as they are typed.</summary>
    public static string Spell(string message)
    {
        foreach ((Regex api, string option) in s_words)
            message = api.Replace(message, option);
        return PrecisionName().Replace(message, m => Extraction.PrecisionName.Of(Enum.Parse<Precision>(m.Value)));
    }

    private static Regex Property(string name) => new($@"(?<![\w'./\\]){name}(?!\w)", RegexOptions.CultureInvariant);

    [GeneratedRegex(" with Auto, or allow falling back to the CPU")]
    private static partial Regex FallingBack();

    [GeneratedRegex("set KeyPrefix = \"([^\"]*)\"")]
    private static partial Regex KeyPrefixValue();

    [GeneratedRegex(@"(?<![\w'./\\])(Auto|Float32|BFloat16|Float16Weights|Float16)(?!\w)")]
    private static partial Regex PrecisionName();
}
