using System.Diagnostics;
using TimmFeatures.Extraction;
using TimmFeatures.Extraction.Images;
using TimmFeatures.Orleans.Grains;
using TimmFeatures.Orleans.Jobs;

namespace TimmFeatures.Orleans.Work;

/// <summary>Does one part of a job, or joins them all, on the calling thread.</summary>
/// <param name="context">The job.</param>
/// <param name="lease">The part.</param>
internal sealed class PartWork(JobContext context, PartLease lease) : IExtractionProgress
{
    private const int MaxFailuresTold = 20;

    private int _done;

    /// <summary>Pictures that are done. May be read from any thread.</summary>
    public int Done => Volatile.Read(ref _done);

    /// <summary>Does it, and publishes what comes of it.</summary>
    /// <param name="isStillWanted">Asks the job once more, before anything is replaced.</param>
    /// <param name="cancellation">Ends it.</param>
    public PartOutcome Run(Func<bool> isStillWanted, CancellationToken cancellation)
    {
        using Activity? activity = ClusterMeter.Traces.StartActivity(lease.Part == PartLease.Merge ? "merge" : "part");
        activity?.SetTag("job", lease.Job).SetTag("part", lease.Part);
        return lease.Part == PartLease.Merge ? Merge(isStillWanted, cancellation) : Compute(cancellation);
    }

    void IExtractionProgress.Begin(int total, int before)
    {
    }

    void IExtractionProgress.Add(int images) => Interlocked.Add(ref _done, images);

    void IExtractionProgress.End()
    {
    }

    private PartOutcome Compute(CancellationToken cancellation)
    {
        JobDescription job = context.Description;
        var shard = new Shard(lease.Part, job.Parts);
        // A worker that was lost may have been done all the same.
        if (!lease.Again && context.Store.ReadPart(lease.Part) is { } there && there.Settings.DifferenceFrom(job.Settings).Length == 0 && there.Shard == shard)
            return Outcome(there, shard);
        string staged = context.Store.Stage(), file = Path.Combine(staged, context.Store.FileName);
        try
        {
            using ManifestPart images = context.Store.ReadImages(job, shard);
            ExtractionResult result = new PartExtraction(context.Model, job.Settings, shard, images.Items, file, skipBadImages: true).Run(resume: false, this, cancellation);
            long bytes = new FileInfo(file).Length, start = Stopwatch.GetTimestamp();
            context.Store.PublishPart(staged, lease.Part, lease.Again, cancellation);
            ClusterMeter.Record("compute", result.ComputeTime);
            ClusterMeter.Record("write", result.WriteTime);
            ClusterMeter.Record("publish", start);
            ClusterMeter.Images.Add(result.Report.Rows);
            ClusterMeter.FailedImages.Add(result.Report.Failures.Count);
            ClusterMeter.Bytes.Add(bytes);
            return Outcome(result.Report, shard);
        }
        catch
        {
            context.Store.Discard(staged);
            throw;
        }
    }

    private PartOutcome Merge(Func<bool> isStillWanted, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        string staged = context.Store.Stage(), file = Path.Combine(staged, context.Store.FileName);
        try
        {
            ExtractionReport report = ShardMerge.Run(context.Store.PartFiles(context.Description.Parts, staged, cancellation), file, cancellation);
            if (!isStillWanted())
                throw new OperationCanceledException(cancellation);
            ClusterMeter.Bytes.Add(new FileInfo(file).Length);
            context.Store.PublishMerged(staged, cancellation);
            ClusterMeter.Record("merge", start);
            return new PartOutcome(report.Rows, report.Failures.Count, []);
        }
        catch
        {
            context.Store.Discard(staged);
            throw;
        }
    }

    private PartOutcome Outcome(ExtractionReport report, Shard shard)
    {
        int first = shard.RangeOf(context.Description.Settings.Images).First;
        return new PartOutcome(report.Rows, report.Failures.Count, [.. report.Failures.Take(MaxFailuresTold).Select(f => new FailedPicture(first + f.Row, f.Path, f.Error))]);
    }
}
