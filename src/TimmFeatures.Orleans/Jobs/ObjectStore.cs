using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Text;
using TimmFeatures.Extraction;
using TimmFeatures.Extraction.Files;
using TimmFeatures.Extraction.Images;

namespace TimmFeatures.Orleans.Jobs;

/// <summary>
/// Objects beside the one to make: <c>FILE.job/job.json</c> says which job it is, and under the job's name are its pictures (<c>images</c>) and parts. An object is whole or not there; a part, which
/// is two or three of them, is there when <c>parts/00003/published</c> names the attempt whose objects are meant. That one is only written where there is none: whoever comes second changes nothing.
/// </summary>
/// <param name="objects">Where.</param>
/// <param name="name">Name of the object to make.</param>
/// <param name="job">The job's name; null where it is not known yet.</param>
internal sealed class ObjectStore(IObjectContainer objects, string name, string? job) : IResultStore
{
    /// <summary>Objects on their way at a time.</summary>
    private const int Concurrency = 8;

    public string Place => objects.AddressOf($"{name}.job");

    public string FileName { get; } = name[(name.LastIndexOf('/') + 1)..];

    private string Description => $"{name}.job/job.json";

    public JobDescription? ReadJob() => objects.Read(Description) is { } text ? JobDescription.Parse(Encoding.UTF8.GetString(text), objects.AddressOf(Description)) : null;

    public bool HasOutput() => objects.Exists(name);

    public bool BeginJob(JobDescription description, IReadOnlyList<ImageItem> images)
    {
        string staged = Stage();
        try
        {
            ImageManifest.Write(staged, images, description.Parts);
            foreach (string file in Directory.EnumerateFiles(staged))
                objects.Upload(Of(description.Id, Path.GetFileName(file)), file, CancellationToken.None);
        }
        finally
        {
            Discard(staged);
        }
        byte[] text = Encoding.UTF8.GetBytes(SnakeCaseJson.Write(description));
        if (objects.Create(Description, text) || ReadJob()?.Id == description.Id)
            return true;
        DeleteAll(Of(description.Id, ""));
        return false;
    }

    public ManifestPart ReadImages(JobDescription description, Shard part) => ImageManifest.Read((file, from, count) => objects.Read(Of(description.Id, file), from, count), Place, part, description.Settings.Images);

    public void Check()
    {
        CheckJob();
        string check = Of($"check-{Guid.NewGuid():N}");
        objects.Write(check, "may be written and deleted"u8.ToArray());
        objects.Delete(check);
    }

    public string Stage() => Directory.CreateTempSubdirectory("timm-features-").FullName;

    public void Discard(string staged)
    {
        try
        {
            Directory.Delete(staged, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is among this machine's temporary files.
        }
    }

    public ExtractionReport? ReadPart(int part)
    {
        if (Published(part) is not { } attempt)
            return null;
        string report = ExtractionReport.PathOf($"{attempt}/{FileName}");
        return objects.Read(report) is { } text ? ExtractionReport.Parse(Encoding.UTF8.GetString(text), objects.AddressOf(report)) : null;
    }

    public void PublishPart(string staged, int part, bool replace, CancellationToken cancellation)
    {
        // A worker that was lost may be back when all is done and deleted.
        CheckJob();
        string id = Guid.NewGuid().ToString("N"), attempt = PartOf(part, id);
        foreach (string file in Directory.EnumerateFiles(staged))
            objects.Upload($"{attempt}/{Path.GetFileName(file)}", file, cancellation);
        byte[] mark = Encoding.UTF8.GetBytes(id);
        // What is replaced stays until the job's end: somebody may be reading it.
        if (replace)
            objects.Write(PartOf(part, "published"), mark);
        else if (!objects.Create(PartOf(part, "published"), mark) && Published(part) != attempt)
            DeleteAll($"{attempt}/");
        Discard(staged);
    }

    public IReadOnlyList<string> PartFiles(int parts, string staged, CancellationToken cancellation)
    {
        string[] files = [.. Enumerable.Range(0, parts).Select(p => Path.Combine(staged, "parts", p.ToString("00000", CultureInfo.InvariantCulture), FileName))];
        InParallel(Enumerable.Range(0, parts), part =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(files[part])!);
            string attempt = Published(part) ?? throw new FileNotFoundException($"Part {part} of {parts} is not at '{Place}'.");
            foreach (string file in FilesOf(files[part]))
                objects.Download($"{attempt}/{Path.GetFileName(file)}", file, cancellation);
        }, cancellation);
        return files;
    }

    public void PublishMerged(string staged, CancellationToken cancellation)
    {
        // An old report must not vouch for a new file; the new one comes last.
        objects.Delete(ExtractionReport.PathOf(name));
        foreach (string file in FilesOf(Path.Combine(staged, FileName)))
            objects.Upload($"{name}{Path.GetFileName(file)[FileName.Length..]}", file, cancellation);
        Discard(staged);
    }

    public void DeleteParts()
    {
        try
        {
            // First what makes a job of the rest.
            objects.Delete(Description);
            DeleteAll($"{name}.job/");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The file is there. What is left is no job any more, and in nobody's way.
        }
    }

    public void Dispose() => objects.Dispose();

    /// <summary>A file of features and what belongs beside it, the report last.</summary>
    private static string[] FilesOf(string file) => TableFormat.Of(file).NeedsRowsFile ? [RowsFile.PathOf(file), file, ExtractionReport.PathOf(file)] : [file, ExtractionReport.PathOf(file)];

    private void CheckJob()
    {
        if (objects.Read(Description) is null)
            throw new FileNotFoundException($"There is no '{objects.AddressOf(Description)}': the job has ended, or somebody has deleted it.");
    }

    private string Of(string id, string file) => $"{name}.job/{id}/{file}";

    private string Of(string file) => Of(job ?? throw new InvalidOperationException("Parts are a job's."), file);

    private string PartOf(int part, string file) => Of($"parts/{part:00000}/{file}");

    /// <summary>Where a part's objects are; null where it is not published.</summary>
    private string? Published(int part) => objects.Read(PartOf(part, "published")) is { } id ? PartOf(part, Encoding.UTF8.GetString(id)) : null;

    private void DeleteAll(string prefix) => InParallel(objects.List(prefix), objects.Delete, CancellationToken.None);

    private static void InParallel<T>(IEnumerable<T> items, Action<T> act, CancellationToken cancellation)
    {
        try
        {
            Parallel.ForEach(items, new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = cancellation }, act);
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }
}
