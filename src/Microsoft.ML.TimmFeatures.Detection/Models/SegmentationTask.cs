using System.Collections.Immutable;
using Backbones;
using Backbones.Engines;
using Backbones.Registry;
using Backbones.Segmentation;
using Backbones.Weights;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Detection.Models;

/// <summary>A class for each pixel.</summary>
/// <param name="OriginalSize">Whether maps have the picture's size, or the model's input's.</param>
internal sealed record SegmentationTask(bool OriginalSize) : ImageTask
{
    public override string FullName(FeaturizerOptions options) => SegmentationVariant.Find(options.ModelName).Weights.Name;

    public override ImmutableArray<ResultColumn> Promise(FeaturizerOptions options)
    {
        PretrainedConfig config = SegmentationVariant.Find(options.ModelName).Weights;
        return ColumnsOf(config.Name, config.NumClasses, config.LabelNames);
    }

    public override (ImageTask Task, string? File) Locate(FeaturizerOptions options, FeaturizerHost host) => (this, options.RandomWeights ? null
        : options.WeightsPath ?? WeightsLocator.FindPublished(SegmentationVariant.Find(options.ModelName).Weights, new WeightsDownloader(options.Download, new DownloadLog(host), cacheDir: options.CacheDir)));

    public override ImageModel Open(FeaturizerOptions options, ParameterStore? weights, DeviceEngine engine)
    {
        var segmentation = new SegmentationOptions { Weights = weights, RandomWeights = weights is null, OriginalSize = OriginalSize, ResizeSize = options.ImageSize };
        return new Model(SegmentationModel.Create(options.ModelName, segmentation, engine.Engine, new EngineOptions { Threads = options.Threads, Precision = engine.Precision }), weights);
    }

    private static ImmutableArray<ResultColumn> ColumnsOf(string name, int classes, ImmutableArray<string> names) =>
    [
        ResultColumn.OfKeys("", classes, names, name, 0, 0),
        ResultColumn.Of("_Scores", NumberDataViewType.Single, name, 0, 0),
        ResultColumn.Of("_Size", NumberDataViewType.Int32, name, 2),
    ];

    private sealed class Model(SegmentationModel segmenter, ParameterStore? weights) : ImageModel
    {
        public override string Name => segmenter.Name;

        public override ParameterStore Parameters => segmenter.Parameters;

        // The auxiliary classifier is of use in training alone.
        public override IEnumerable<ParameterTensor> NeededWeights => Parameters.Tensors.Where(t => !t.Name.StartsWith("aux_classifier.", StringComparison.Ordinal));

        public override ImmutableArray<ResultColumn> Columns => ColumnsOf(segmenter.Name, segmenter.NumClasses, segmenter.ClassNames);

        // Each has maps as large as the picture.
        public override int DefaultBatchSize => 4;

        public override IReadOnlyList<object> Run(IReadOnlyList<ImagePixels> pictures, bool[] active, CancellationToken cancellation) => segmenter.Segment(pictures, cancellation);

        public override Delegate GetterOf(int column, Func<object?> current) => column switch
        {
            0 => (ValueGetter<VBuffer<uint>>)((ref VBuffer<uint> value) =>
            {
                ReadOnlySpan<int> classes = current() is SegmentedImage map ? map.Classes.Span : default;
                VBufferEditor<uint> editor = VBufferEditor.Create(ref value, classes.Length);
                // Of a key 0 is "missing": the first class is 1.
                for (int i = 0; i < classes.Length; i++)
                    editor.Values[i] = (uint)classes[i] + 1;
                value = editor.Commit();
            }),
            1 => ResultGetters.Of(() => ((SegmentedImage?)current())?.Scores ?? default),
            _ => ResultGetters.Of(() => current() is SegmentedImage map ? (ReadOnlyMemory<int>)new[] { map.Height, map.Width } : new int[2]),
        };

        public override void Dispose()
        {
            segmenter.Dispose();
            weights?.Dispose();
        }
    }
}
