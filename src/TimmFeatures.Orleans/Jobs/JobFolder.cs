using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Backbones.Engines;
using Backbones.Weights;
using Backbones.Weights.Hub;
using TimmFeatures.Extraction;
using TimmFeatures.Extraction.Files;
using TimmFeatures.Extraction.Images;
using TimmFeatures.Orleans.Grains;

namespace TimmFeatures.Orleans.Jobs;

/// <summary>Makes a job out of a request: its folder beside the file to make, with the list of pictures and what the job is pinned to.</summary>
internal static class JobFolder
{
    /// <summary>More parts than this are no use: their pictures become more instead.</summary>
    private const int MaxParts = 100_000;

    /// <summary>Writes the folder, or finds that of the same job.</summary>
    /// <exception cref="IOException">The file is there already.</exception>
    /// <exception cref="InvalidDataException">The folder is another job's.</exception>
    public static NewJob Prepare(JobRequest request, TextReader standardInput)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(request.PartSize, 1);
        string output = Path.GetFullPath(request.Output);
        TableFormat format = TableFormat.Of(output);
        if (request.Backbone.InChannels is { } channels)
            throw new NotSupportedException($"A job's model takes pictures with as many channels as its weights; {channels} were asked for.");
        using ImageList images = ImageList.Of(request.Pictures, standardInput, request.PictureFolder, request.PathColumn);
        int parts = (int)Math.Clamp((images.Items.Count + (long)request.PartSize - 1) / request.PartSize, 1, MaxParts);
        DeviceEngine engine = EngineProvider.For(request.Device, request.Precision);
        var draft = new JobDescription(NewId(output), output, parts, request.Model, request.Backbone.WeightsPath is { } weights ? Path.GetFullPath(weights) : null, request.Backbone.KeyPrefix,
            request.Backbone.RandomWeights, request.Backbone.ImageSize, request.Backbone.UseTestSize, request.Backbone.Download == DownloadMode.Never, JobDescription.KindOf(engine.Device),
            request.Precision, request.Selection, request.Exif, null!);
        using var model = new ExtractionModel(draft.ToRequest(engine.Device, 1) with { Backbone = request.Backbone });
        JobDescription job = draft with { Settings = model.SettingsOf(images.Items.Count, ExtractionSettings.HashOf(images.Items.Select(i => i.Name))) };
        format.Check(output, job.Settings.Outputs, images.Items.Count);

        string path = SharedFolderStore.DescriptionOf(output);
        if (File.Exists(path))
        {
            JobDescription there = Read(path);
            if ((job with { Id = there.Id }).DifferenceFrom(there) is { Length: > 0 } difference)
                throw new InvalidDataException($"'{SharedFolderStore.FolderOf(output)}' is of another job, '{there.Id}': {difference}. Choose another output, or delete the folder.");
            return ToNewJob(there);
        }
        if (File.Exists(output))
            throw new IOException($"'{output}' is there already. Choose another output, or delete it.");
        Directory.CreateDirectory(SharedFolderStore.FolderOf(output));
        ImageManifest.Write(SharedFolderStore.FolderOf(output), images.Items, parts);
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(SnakeCaseJson.Write(job))));
        return ToNewJob(job);
    }

    private static NewJob ToNewJob(JobDescription job) => new(job.Id, SnakeCaseJson.Write(job), job.Settings.Model, job.Output, job.Device, job.Settings.Images, job.Parts);

    private static JobDescription Read(string path)
    {
        try
        {
            return SnakeCaseJson.Read<JobDescription>(File.ReadAllText(path));
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{path}' is no job: {e.Message}", e);
        }
    }

    /// <summary>The file's name and six digits: easy to say, and another one each time.</summary>
    private static string NewId(string output)
    {
        string stem = new([.. Path.GetFileNameWithoutExtension(output).ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-').Take(24)]);
        return $"{stem}-{RandomNumberGenerator.GetHexString(6, lowercase: true)}";
    }
}
