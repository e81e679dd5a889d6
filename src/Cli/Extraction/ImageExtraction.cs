using System.Text.Json;
using Backbones;
using Backbones.Engines;
using TimmFeatures.Cli.Files;
using TimmFeatures.Cli.Images;

namespace TimmFeatures.Cli.Extraction;

/// <summary>What <c>extract</c> is asked for.</summary>
internal sealed record ExtractionRequest(string Model, BackboneOptions Backbone, FeatureSelection Selection, DeviceEngine Engine, int Threads, int? Batch, bool Exif, Shard? Shard, bool Resume, bool SkipBadImages, string Output);

/// <summary>What came of it.</summary>
/// <param name="File">The file of features.</param>
/// <param name="Report">Its report.</param>
/// <param name="Computed">Images of this run.</param>
/// <param name="Elapsed">Time that these took.</param>
/// <param name="ImagesPerSecond">Of this run.</param>
internal sealed record ExtractionResult(string File, ExtractionReport Report, int Computed, TimeSpan Elapsed, double ImagesPerSecond);

/// <summary>From images to a file of features: rows go to a journal as they are computed, and from there to the file when all are there.</summary>
internal sealed class ImageExtraction(ExtractionRequest request, IReadOnlyList<ImageItem> images, Terminal terminal)
{
    /// <summary>Images computed together, and memory for their values, unless said otherwise.</summary>
    private const int AutoBatch = 16, AutoBytes = 64 << 20;

    private readonly string _file = request.Shard?.FileOf(request.Output) ?? request.Output;

    /// <summary>Does it.</summary>
    /// <exception cref="BadImageException">An image cannot be read, and they are not to be skipped.</exception>
    /// <exception cref="InterruptedException">It was told to stop.</exception>
    public ExtractionResult Run()
    {
        TableFormat format = TableFormat.Of(_file);
        (int first, int end) = request.Shard?.RangeOf(images.Count) ?? (0, images.Count);
        using Backbone backbone = Backbone.Create(request.Model, request.Backbone);
        SelectedFeatures selected = backbone.Select(request.Selection);
        ExtractionSettings settings = SettingsOf(backbone, selected);
        format.Check(_file, settings.Outputs, end - first);
        if (request.Resume && ExtractionReport.TryRead(_file) is { } written && File.Exists(_file))
        {
            if (settings.DifferenceFrom(written.Settings) is { Length: > 0 } difference)
                throw new InvalidDataException($"'{_file}' is there and is of another extraction: {difference}. Choose another name, or leave out --resume to replace it.");
            return new ExtractionResult(_file, written, 0, TimeSpan.Zero, 0);
        }
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(_file))!);
        int rowLength = settings.Outputs.Sum(o => o.Length);
        using Journal journal = Journal.Open(_file, $"{settings.ToText()} {request.Shard}", rowLength, request.Resume);
        int before = journal.Count;
        var progress = new ExtractionProgress(terminal, end - first, before);
        try
        {
            if (before < end - first)
            {
                using FeatureExtractor extractor = backbone.Extract(selected, request.Engine.Engine, new EngineOptions { Threads = request.Engine.Device == "cpu" ? 1 : request.Threads, Precision = request.Engine.Precision });
                new BatchWorkers(extractor, images, BatchOf(extractor, end - first - before), request.Threads, request.Exif).Run(first + before, end, batch => Keep(journal, batch, progress, first), terminal.Cancellation);
            }
            progress.End();
            ExtractionReport report = Write(format, journal, settings, first);
            journal.Delete();
            return new ExtractionResult(_file, report, end - first - before, progress.Elapsed, progress.ImagesPerSecond);
        }
        catch (OperationCanceledException) when (terminal.Cancellation.IsCancellationRequested)
        {
            progress.End();
            journal.Flush();
            throw new InterruptedException($"Interrupted: {journal.Count} of {end - first} images are done and kept in '{Journal.PathOf(_file)}'. The same command with --resume goes on with them.", terminal.Cancellation);
        }
        catch
        {
            progress.End();
            throw;
        }
    }

    private ExtractionSettings SettingsOf(Backbone backbone, SelectedFeatures selected) => new(CommandLine.Version, backbone.Name, request.Backbone.RandomWeights ? ExtractionSettings.RandomWeights : backbone.Parameters.ContentHash,
        JsonSerializer.SerializeToNode(request.Selection)!, backbone.TransformOptions, request.Backbone.UseTestSize, request.Exif,
        request.Engine.Engine.Name, Options.PrecisionOption.NameOf(request.Engine.Precision), FeatureColumns.Of(request.Selection, selected), images.Count, ExtractionSettings.HashOf(images.Select(i => i.Name)));

    /// <summary>As many images as suit their size, and no more than leave work for every thread.</summary>
    private int BatchOf(FeatureExtractor extractor, int count)
    {
        long values = extractor.InputShape.Length + 2 * extractor.Outputs.Sum(o => o.Shape.Length);
        int batch = request.Batch ?? (int)Math.Clamp(AutoBytes / (values * sizeof(float)), 1, AutoBatch);
        return Math.Clamp((count + request.Threads - 1) / request.Threads, 1, batch);
    }

    private void Keep(Journal journal, ComputedBatch batch, ExtractionProgress progress, int first)
    {
        try
        {
            for (int slot = 0; slot < batch.Count; slot++)
            {
                if (batch.Error(slot) is not { } error)
                    journal.Add(batch.Values(slot));
                else if (request.SkipBadImages)
                    journal.Add(error);
                else
                    throw BadImage(batch.First + slot, error, first);
            }
        }
        finally
        {
            journal.Flush();
        }
        progress.Add(batch.Count);
    }

    private BadImageException BadImage(int image, string error, int first) => new($"Image {image + 1} of {images.Count}, '{images[image].Name}', cannot be read: {error} "
        + $"With --bad-images skip it is left without features; {image - first} images before it are done, and --resume goes on with them.");

    private ExtractionReport Write(TableFormat format, Journal journal, ExtractionSettings settings, int first)
    {
        ImageFailure[] failures = [.. journal.Rows().Select((r, i) => r.Error is null ? null : new ImageFailure(i, images[first + i].Name, r.Error)).OfType<ImageFailure>()];
        var table = new FeatureTable(settings.Outputs, settings.ToText(), journal.Count, () => journal.Rows().Select((r, i) => new FeatureRow(images[first + i].Name, r.Error, r.Values)));
        var report = new ExtractionReport(settings, request.Shard, journal.Count, failures);
        FeatureFiles.Write(_file, format, table, report, terminal.Cancellation);
        return report;
    }
}
