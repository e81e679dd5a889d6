using System.Globalization;
using System.IO.Enumeration;
using System.Text.Json;
using System.Text.RegularExpressions;
using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Graphs;
using Backbones.Models;
using Backbones.Segmentation;

namespace Backbones.Conformance;

/// <summary>
/// Compares segmentation models with torchvision's: built-in ones, and the same heads over extracted maps of torchvision's and timm's backbones. Names and checksum of the parameters, the
/// backbone's maps, the scores before and after they are enlarged, pixels of each class.
/// </summary>
internal static partial class SegmentationRunner
{
    /// <summary>Runs every case of a file.</summary>
    /// <param name="args">The file, and <c>--filter GLOB</c> over the models' names if not all are wanted.</param>
    /// <returns>0 if no case failed, 1 if one did or none matched, 2 if the arguments are wrong.</returns>
    public static int Run(string[] args)
    {
        string filter = "*";
        if (args is [.. var others, "--filter", var glob])
            (args, filter) = (others, glob);
        if (args is not [var file] || !File.Exists(file))
        {
            Console.Error.WriteLine($"segmentation needs a FILE (segmentation.json.gz) and takes --filter GLOB; received: {string.Join(' ', args)}");
            return 2;
        }
        (int passed, int failed) = (0, 0);
        foreach (ModelResult result in Compare(file, filter, new ManagedEngine()))
        {
            Console.WriteLine(result.Text);
            (passed, failed) = result.Outcome == Outcome.Passed ? (passed + 1, failed) : (passed, failed + 1);
        }
        Console.WriteLine($"{passed} passed, {failed} failed");
        return ExitStatus.Of(passed + failed, failed);
    }

    /// <summary>What became of every case.</summary>
    /// <param name="file">The reference file.</param>
    /// <param name="filter">Glob over the models' names.</param>
    /// <param name="engine">What runs the graphs; null to compare the structure alone.</param>
    public static IEnumerable<ModelResult> Compare(string file, string filter, IEngine? engine)
    {
        using Stream stream = ReferenceFile.Open(file);
        using JsonDocument document = JsonDocument.Parse(stream);
        foreach (JsonProperty model in document.RootElement.GetProperty("models").EnumerateObject().Where(m => FileSystemName.MatchesSimpleExpression(filter, m.Name)))
        {
            foreach (JsonElement item in model.Value.GetProperty("cases").EnumerateArray())
                yield return ModelRunner.Report($"{model.Name} {ModelChecks.Text(item.GetProperty("input"))}", "segmentation", new Checks(item, engine), checks => Case(checks, model, engine));
        }
    }

    private static void Case(Checks checks, JsonProperty model, IEngine? engine)
    {
        JsonElement item = checks.Root;
        int[] input = [.. item.GetProperty("input").EnumerateArray().Select(d => d.GetInt32())];
        SegmentationGraph built = Build(model.Name, model.Value.GetProperty("built").GetString()!, (input[2], input[3]));
        checks.Equal("params", model.Value.GetProperty("params").GetInt64(), built.Graph.ParameterCount);
        var whole = new Checks(model.Value, engine);
        StateDictChecks.Run(whole, built.Graph);
        foreach (string failure in whole.Failures)
            checks.Fail("model", failure);

        (string Name, JsonElement Sample, Node Node)[] compared =
        [
            .. item.GetProperty("backbone").EnumerateObject().Select(k => ($"backbone[{k.Name}]", k.Value, built.Features is [var only] ? only.Map : built.Features.Single(f => f.Key == k.Name).Map)),
            ("classifier", item.GetProperty("classifier"), built.Classifier),
            .. item.GetProperty("out").EnumerateObject().Select(k => (k.Name, k.Value, k.Name == "out" ? built.Out : built.Aux!)),
        ];
        float[][] values = checks.Run(built.Graph.WithOutputs(compared.Select(c => c.Node)), engine);
        foreach ((int i, (string name, JsonElement sample, Node node)) in compared.Index())
            checks.Close(name, sample, node, values[i]);
        int scores = Array.FindIndex(compared, c => c.Node == built.Out);
        if (values[scores].Length > 0)
            CountPixels(checks, item.GetProperty("class_counts"), values[scores], built.Out.Shape);
    }

    /// <summary>The arg-max classes are as many; where two classes are nearer to each other than the numbers may differ, either is right.</summary>
    private static void CountPixels(Checks checks, JsonElement expected, float[] scores, Shape shape)
    {
        const float indistinguishable = 1e-5f;
        int classes = shape[0], pixels = shape[1] * shape[2];
        foreach ((int image, JsonElement counts) in expected.EnumerateArray().Index())
        {
            var actual = new int[classes];
            int undecided = 0;
            for (int p = 0; p < pixels; p++)
            {
                (int best, float first, float second) = (0, float.NegativeInfinity, float.NegativeInfinity);
                for (int c = 0; c < classes; c++)
                {
                    float score = scores[(image * classes + c) * pixels + p];
                    if (score > first)
                        (best, first, second) = (c, score, first);
                    else
                        second = Math.Max(second, score);
                }
                actual[best]++;
                undecided += first - second < indistinguishable * Math.Max(1, Math.Abs(first)) ? 1 : 0;
            }
            int[] wanted = [.. counts.EnumerateArray().Select(c => c.GetInt32())];
            if (wanted.Zip(actual).Any(c => Math.Abs(c.First - c.Second) > undecided))
                checks.Fail("class_counts", $"image {image}: expected [{string.Join(", ", wanted)}], got [{string.Join(", ", actual)}], of which {undecided} pixels are between two classes");
        }
        checks.Done.Add("class_counts");
    }

    /// <summary>A built-in model by its name, or heads over a backbone as the description says.</summary>
    private static SegmentationGraph Build(string name, string built, Size2 size)
    {
        if (SegmentationVariant.Names.Contains($"torchvision/{name}"))
        {
            int classes = NumClasses().Match(built) is { Success: true } given ? Number(given.Groups[1]) : SegmentationVariant.VocCategories.Length;
            return SegmentationVariant.Find($"torchvision/{name}").Variant.Build(size, classes, built.Contains("aux_loss=True", StringComparison.Ordinal));
        }
        SegmentationMethod method = built.Contains("DeepLabHead", StringComparison.Ordinal) ? SegmentationMethod.DeepLabV3 : SegmentationMethod.Fcn;
        int numClasses = Number(Head().Match(built).Groups[1]);
        if (TimmPyramid().Match(built) is { Success: true } timm)
        {
            FeatureSelection level = FeatureSelection.Pyramid([Number(timm.Groups[3])], Number(timm.Groups[2]));
            return SegmentationGraph.Build(SelectedFeatures.Create(ModelCatalog.Find(timm.Groups[1].Value), level, new BuildOptions { ImageSize = size, OutputStride = Number(timm.Groups[2]) }), method, numClasses);
        }
        string backbone = Extractor().Match(built) is { Success: true } extractor ? extractor.Groups[1].Value : "resnet50";
        int stride = built.Contains("[False, False, True]", StringComparison.Ordinal) ? 16 : 8;
        SelectedFeatures features = SelectedFeatures.Create(ModelCatalog.Find($"torchvision/{backbone}"), FeatureSelection.Nodes([("layer3", "aux"), ("layer4", "out")]), new BuildOptions { ImageSize = size, OutputStride = stride });
        return SegmentationGraph.Build(features, method, numClasses);
    }

    private static int Number(Group group) => int.Parse(group.Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"num_classes=(\d+)")]
    private static partial Regex NumClasses();

    [GeneratedRegex(@"Head\(\d+, (\d+)\)")]
    private static partial Regex Head();

    [GeneratedRegex(@"timm (\S+) features_only output_stride (\d+), level (\d+)")]
    private static partial Regex TimmPyramid();

    [GeneratedRegex(@"create_feature_extractor\((\w+)\(")]
    private static partial Regex Extractor();
}
