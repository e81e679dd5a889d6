using System.Text.Json;
using System.Text.Json.Nodes;
using Backbones;
using Backbones.Engines;
using TimmFeatures.Extraction;

namespace TimmFeatures.Orleans.Jobs;

/// <summary>What a job is pinned to. It is a file beside the parts, <c>job.json</c>, and the same text in the job's grain.</summary>
/// <param name="Id">The job's name.</param>
/// <param name="Output">The file to make: a full path, or an object's address.</param>
/// <param name="Parts">Number of parts.</param>
/// <param name="Model">The model as it was asked for.</param>
/// <param name="Device">Kind of device: <c>cpu</c>, <c>cuda</c>.</param>
/// <param name="Precision">Number format.</param>
/// <param name="Selection">Which features.</param>
/// <param name="Exif">Turn pictures by their EXIF data.</param>
/// <param name="Settings">What decides the values: the model, the weights' hash, the pictures. Equal on every worker, or it refuses.</param>
internal sealed record JobDescription(string Id, string Output, int Parts, string Model, string Device, Precision Precision, FeatureSelection Selection, bool Exif, ExtractionSettings Settings) : BackboneSetup
{
    /// <summary>Reads what is beside the parts.</summary>
    /// <param name="text">JSON.</param>
    /// <param name="path">Where it was.</param>
    /// <exception cref="InvalidDataException">It is no job.</exception>
    public static JobDescription Parse(string text, string path)
    {
        try
        {
            return SnakeCaseJson.Read<JobDescription>(text);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{path}' is no job: {e.Message}", e);
        }
    }

    /// <summary>What a worker has to compute.</summary>
    /// <param name="device">A device of the kind wanted.</param>
    /// <param name="threads">Threads for one part.</param>
    public FeatureRequest ToRequest(string device, int threads) => new(Model, ToBackboneOptions(), Selection, EngineProvider.For(device, Precision), threads, null, Exif);

    /// <summary>Names of what another job is pinned to otherwise, with both values; empty where it is the same.</summary>
    public string DifferenceFrom(JobDescription other)
    {
        JsonObject mine = JsonNode.Parse(SnakeCaseJson.Write(this with { Settings = null! }))!.AsObject(), theirs = JsonNode.Parse(SnakeCaseJson.Write(other with { Settings = null! }))!.AsObject();
        IEnumerable<string> own = mine.Select(p => p.Key).Union(theirs.Select(p => p.Key)).Where(k => !JsonNode.DeepEquals(mine[k], theirs[k]))
            .Select(k => $"{k} is {theirs[k]?.ToJsonString() ?? "null"} there and {mine[k]?.ToJsonString() ?? "null"} here");
        return string.Join("; ", own.Append(Settings.DifferenceFrom(other.Settings)).Where(d => d.Length > 0));
    }

    /// <summary>Kind of a device, without its number.</summary>
    public static string KindOf(string device) => device.Split(':')[0];
}
