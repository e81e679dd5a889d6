using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Backbones;
using Backbones.Engines;
using Backbones.Registry;
using TimmFeatures.Extraction;
using TimmFeatures.Extraction.Files;
using TimmFeatures.Extraction.Images;
using TimmFeatures.Orleans.Grains;

namespace TimmFeatures.Orleans.Jobs;

/// <summary>Makes a job out of a request: what is beside the file to make, with the list of pictures and what the job is pinned to.</summary>
internal static class JobFolder
{
    /// <summary>More parts than this are no use: their pictures become more instead.</summary>
    private const int MaxParts = 100_000;

    /// <summary>Writes it down, or finds that of the same job.</summary>
    /// <exception cref="IOException">The file is there already, or its storage does not answer.</exception>
    /// <exception cref="InvalidDataException">Another job is there.</exception>
    public static NewJob Prepare(JobRequest request, TextReader standardInput, IReadOnlyCollection<ObjectStorage> storages)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(request.PartSize, 1);
        string output = ResultStores.FullName(request.Output, storages);
        // Before anything is said of the name: it may have credentials in it.
        using IResultStore store = ResultStores.Open(output, null, storages);
        TableFormat format = TableFormat.Of(output);
        JobDescription? there = store.ReadJob();
        if (request.Backbone.InChannels is { } channels)
            throw new NotSupportedException($"A job's model takes pictures with as many channels as its weights; {channels} were asked for.");
        using ImageList images = ImageList.Of(request.Pictures, standardInput, request.PictureFolder, request.PathColumn);
        int parts = (int)Math.Clamp((images.Items.Count + (long)request.PartSize - 1) / request.PartSize, 1, MaxParts);
        DeviceEngine engine = EngineProvider.For(request.Device, request.Precision);
        var draft = new JobDescription(NewId(output), output, parts, request.Model, JobDescription.KindOf(engine.Device), request.Precision, request.Selection, request.Exif, null!);
        using var model = new ExtractionModel(draft.ToRequest(engine.Device, 1) with { Backbone = request.Backbone });
        JobDescription job = draft.With(request.Backbone, ChangesOf(request)) with { Settings = model.SettingsOf(images.Items.Count, ExtractionSettings.HashOf(images.Items.Select(i => i.Name))) };
        format.Check(output, job.Settings.Outputs, images.Items.Count);

        if (there is null && store.HasOutput())
            throw new IOException($"'{output}' is there already. Choose another output, or delete it.");
        if (there is null && store.BeginJob(job, images.Items))
            return ToNewJob(job);
        there ??= store.ReadJob() ?? throw new IOException($"Somebody else has begun and ended a job at '{store.Place}' just now. Submit again.");
        if ((job with { Id = there.Id }).DifferenceFrom(there) is { Length: > 0 } difference)
            throw new InvalidDataException($"'{store.Place}' is of another job, '{there.Id}': {difference}. Choose another output, or delete it.");
        return ToNewJob(there);
    }

    /// <summary>What the overlay, which is a function, changes about the weights' config.</summary>
    private static JsonObject? ChangesOf(JobRequest request)
    {
        if (request.Backbone.ConfigOverlay is not { } overlay)
            return null;
        PretrainedConfig config = Backbone.FindConfig(request.Model, request.Backbone with { ConfigOverlay = null });
        return ConfigPatch.Between(config, overlay(config));
    }

    private static NewJob ToNewJob(JobDescription job) => new(job.Id, SnakeCaseJson.Write(job), job.Settings.Model, job.Output, job.Device, job.Settings.Images, job.Parts);

    /// <summary>The file's name and six digits: easy to say, and another one each time.</summary>
    private static string NewId(string output)
    {
        string stem = new([.. Path.GetFileNameWithoutExtension(output).ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-').Take(24)]);
        return $"{stem}-{RandomNumberGenerator.GetHexString(6, lowercase: true)}";
    }
}
