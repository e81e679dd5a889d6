using System.Globalization;
using System.Text;
using Backbones.Weights;
using TimmFeatures.Extraction;
using TimmFeatures.Extraction.Files;
using TimmFeatures.Extraction.Images;

namespace TimmFeatures.Orleans.Jobs;

/// <summary>
/// A folder that all workers see under the same path, <c>FILE.job</c> beside the file to make: <c>job.json</c>, the list of pictures, <c>parts/00003</c> and <c>tmp</c>. A part is a folder that is renamed into its
/// place, which happens wholly or not at all and fails where one is there: whoever comes second changes nothing.
/// </summary>
/// <param name="output">The file to make, a full path.</param>
internal sealed class SharedFolderStore(string output) : IResultStore
{
    private readonly string _folder = $"{output}.job";

    public string Place => _folder;

    public string FileName { get; } = Path.GetFileName(output);

    private string Description => Path.Combine(_folder, "job.json");

    public JobDescription? ReadJob() => File.Exists(Description) ? JobDescription.Parse(File.ReadAllText(Description), Description) : null;

    public bool HasOutput() => Path.Exists(output);

    public bool BeginJob(JobDescription job, IReadOnlyList<ImageItem> images)
    {
        AtomicFile.MakeFolderOf(Description);
        ImageManifest.Write(_folder, images, job.Parts);
        AtomicFile.Write(Description, stream => stream.Write(Encoding.UTF8.GetBytes(SnakeCaseJson.Write(job))));
        return true;
    }

    public ManifestPart ReadImages(JobDescription job, Shard part) => ImageManifest.Read(_folder, part, job.Settings.Images);

    public void Check()
    {
        if (!Directory.Exists(_folder))
            throw new DirectoryNotFoundException($"There is no folder '{_folder}' here; all workers need it under the same path.");
        try
        {
            string staged = Stage();
            File.WriteAllText(Path.Combine(staged, "check"), "");
            Discard(staged);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UnauthorizedAccessException($"'{_folder}' cannot be written here: {e.Message}", e);
        }
    }

    public string Stage() => Directory.CreateDirectory(Path.Combine(_folder, "tmp", Guid.NewGuid().ToString("N"))).FullName;

    public void Discard(string staged)
    {
        try
        {
            Directory.Delete(staged, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is deleted with the job's folder.
        }
    }

    public ExtractionReport? ReadPart(int part) => ExtractionReport.TryRead(Path.Combine(PartOf(part), FileName));

    public void PublishPart(string staged, int part, bool replace, CancellationToken cancellation)
    {
        string place = PartOf(part);
        Directory.CreateDirectory(Path.GetDirectoryName(place)!);
        if (replace && Directory.Exists(place))
        {
            string old = Stage();
            Directory.Move(place, Path.Combine(old, "part"));
            Discard(old);
        }
        try
        {
            Directory.Move(staged, place);
        }
        catch (IOException) when (Directory.Exists(place))
        {
            Discard(staged);
        }
    }

    public IReadOnlyList<string> PartFiles(int parts, string staged, CancellationToken cancellation) => [.. Enumerable.Range(0, parts).Select(p => Path.Combine(PartOf(p), FileName))];

    public void PublishMerged(string staged, CancellationToken cancellation)
    {
        string made = Path.Combine(staged, FileName), report = ExtractionReport.PathOf(made);
        // An old report must not vouch for a new file; the new one comes last.
        File.Delete(ExtractionReport.PathOf(output));
        if (TableFormat.Of(output).NeedsRowsFile)
            File.Move(RowsFile.PathOf(made), RowsFile.PathOf(output), overwrite: true);
        File.Move(made, output, overwrite: true);
        File.Move(report, ExtractionReport.PathOf(output), overwrite: true);
        Discard(staged);
    }

    public void DeleteParts() => Discard(_folder);

    public void Dispose()
    {
    }

    private string PartOf(int part) => Path.Combine(_folder, "parts", part.ToString("00000", CultureInfo.InvariantCulture));
}
