using System.Diagnostics;
using TimmFeatures.Extraction.Files;
using TimmFeatures.Extraction.Images;

namespace TimmFeatures.Extraction;

/// <summary>From consecutive images, all or one part of them, to a file of features: rows go to a journal as they are computed, and from there to the file when all are there.</summary>
/// <param name="model">The model.</param>
/// <param name="settings">What decides the values; those of all images, whichever part this is.</param>
/// <param name="shard">Which part; null for all.</param>
/// <param name="images">The part's images.</param>
/// <param name="file">The part's file.</param>
/// <param name="skipBadImages">Leave images that cannot be read without features.</param>
internal sealed class PartExtraction(ExtractionModel model, ExtractionSettings settings, Shard? shard, IReadOnlyList<ImageItem> images, string file, bool skipBadImages)
{
    /// <summary>Does it.</summary>
    /// <param name="resume">Go on with a journal that is there.</param>
    /// <param name="progress">Is told of what is done.</param>
    /// <param name="cancellation">Ends the work between two images or layers; the journal stays.</param>
    /// <exception cref="BadImageException">An image cannot be read, and they are not to be skipped.</exception>
    /// <exception cref="InterruptedException">It was told to stop.</exception>
    public ExtractionResult Run(bool resume, IExtractionProgress progress, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        TableFormat format = TableFormat.Of(file);
        using Journal journal = Journal.Open(file, $"{settings.ToText()} {shard}", settings.Outputs.Sum(o => o.Length), resume);
        int before = journal.Count;
        progress.Begin(images.Count, before);
        try
        {
            if (before < images.Count)
                model.Compute(images, before, batch => Keep(journal, batch, progress), cancellation);
            TimeSpan computed = watch.Elapsed;
            ExtractionReport report = Write(format, journal, cancellation);
            journal.Delete();
            return new ExtractionResult(file, report, images.Count - before, computed, watch.Elapsed - computed);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            journal.Flush();
            throw new InterruptedException(journal.Count == 0 ? $"Interrupted: none of {images.Count} images is done."
                : $"Interrupted: {journal.Count} of {images.Count} images are done and kept in '{Journal.PathOf(file)}'. The same command with --resume goes on with them.", cancellation);
        }
        finally
        {
            progress.End();
        }
    }

    private void Keep(Journal journal, ComputedBatch batch, IExtractionProgress progress)
    {
        try
        {
            for (int slot = 0; slot < batch.Count; slot++)
            {
                if (batch.Error(slot) is not { } error)
                    journal.Add(batch.Values(slot));
                else if (skipBadImages)
                    journal.Add(error);
                else
                    throw BadImage(batch.First + slot, error);
            }
        }
        finally
        {
            journal.Flush();
        }
        progress.Add(batch.Count);
    }

    private BadImageException BadImage(int image, string error)
    {
        int first = shard?.RangeOf(settings.Images).First ?? 0;
        string before = image == 0 ? "" : $"; {image} {(image == 1 ? "image" : "images")} before it are done, and --resume goes on with them";
        return new($"Image {first + image + 1} of {settings.Images}, '{images[image].Name}', cannot be read: {error} With --bad-images skip it is left without features{before}.");
    }

    private ExtractionReport Write(TableFormat format, Journal journal, CancellationToken cancellation)
    {
        ImageFailure[] failures = [.. journal.Rows().Select((r, i) => r.Error is null ? null : new ImageFailure(i, images[i].Name, r.Error)).OfType<ImageFailure>()];
        var table = new FeatureTable(settings.Outputs, settings.ToText(), journal.Count, () => journal.Rows().Select((r, i) => new FeatureRow(images[i].Name, r.Error, r.Values)));
        var report = new ExtractionReport(settings, shard, journal.Count, failures);
        return FeatureFiles.Write(file, format, table, report, cancellation);
    }
}
