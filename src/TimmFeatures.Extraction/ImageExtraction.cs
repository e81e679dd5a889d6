using Backbones.Weights;
using TimmFeatures.Extraction.Files;
using TimmFeatures.Extraction.Images;

namespace TimmFeatures.Extraction;

/// <summary>What <c>extract</c> is asked for.</summary>
internal sealed record ExtractionRequest(FeatureRequest Features, Shard? Shard, bool Resume, bool SkipBadImages, string Output);

/// <summary>What came of it.</summary>
/// <param name="File">The file of features.</param>
/// <param name="Report">Its report.</param>
/// <param name="Computed">Images of this run.</param>
/// <param name="ComputeTime">Time that these took.</param>
/// <param name="WriteTime">Time that the file took.</param>
internal sealed record ExtractionResult(string File, ExtractionReport Report, int Computed, TimeSpan ComputeTime, TimeSpan WriteTime)
{
    /// <summary>Of this run.</summary>
    public double ImagesPerSecond => Computed / Math.Max(ComputeTime.TotalSeconds, 1e-9);
}

/// <summary>From images, or one part of them, to a file of features on this machine.</summary>
internal sealed class ImageExtraction(ExtractionRequest request, IReadOnlyList<ImageItem> images)
{
    private readonly string _file = request.Shard?.FileOf(request.Output) ?? request.Output;

    /// <summary>Does it.</summary>
    /// <param name="progress">Is told of what is done.</param>
    /// <param name="cancellation">Ends the work between two images or layers.</param>
    /// <exception cref="BadImageException">An image cannot be read, and they are not to be skipped.</exception>
    /// <exception cref="InterruptedException">It was told to stop.</exception>
    public ExtractionResult Run(IExtractionProgress progress, CancellationToken cancellation)
    {
        TableFormat format = TableFormat.Of(_file);
        (int first, int end) = request.Shard?.RangeOf(images.Count) ?? (0, images.Count);
        using var model = new ExtractionModel(request.Features);
        ExtractionSettings settings = model.SettingsOf(images.Count, ExtractionSettings.HashOf(images.Select(i => i.Name)));
        format.Check(_file, settings.Outputs, end - first);
        if (request.Resume && ExtractionReport.TryRead(_file) is { } written && File.Exists(_file))
        {
            if (settings.DifferenceFrom(written.Settings) is { Length: > 0 } difference)
                throw new InvalidDataException($"'{_file}' is there and is of another extraction: {difference}. Choose another name, or leave out --resume to replace it.");
            written.EnsureIsOf(_file);
            return new ExtractionResult(_file, written, 0, TimeSpan.Zero, TimeSpan.Zero);
        }
        AtomicFile.MakeFolderOf(_file);
        ImageItem[] part = [.. images.Skip(first).Take(end - first)];
        return new PartExtraction(model, settings, request.Shard, part, _file, request.SkipBadImages).Run(request.Resume, progress, cancellation);
    }
}
