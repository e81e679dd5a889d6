using System.Text.Json;
using Backbones;
using Orleans.Concurrency;
using TimmFeatures.Extraction;
using TimmFeatures.Service;
using TimmFeatures.Service.Backends;

namespace TimmFeatures.Cli.Serving;

/// <summary>See <see cref="IPictureGrain"/>. Calls interleave, and the backend's own threads compute: pictures of many calls come together in batches.</summary>
[StatelessWorker(1)]
[Reentrant]
internal sealed class PictureGrain(PictureBackends backends) : Grain, IPictureGrain
{
    public async Task<LayoutAnswer> Open(PictureQuery query, CancellationToken cancellation)
    {
        try
        {
            FeatureLayout layout = await backends.Get(query.Setup).OpenAsync(Read(query), cancellation);
            return new LayoutAnswer(WireOutput.Write(layout), null);
        }
        catch (Exception e) when (ProblemOf(e) is { } problem)
        {
            return new LayoutAnswer(null, problem);
        }
    }

    public async Task<PictureAnswer> Compute(PictureQuery query, byte[] picture, CancellationToken cancellation)
    {
        try
        {
            using PictureFeatures features = await backends.Get(query.Setup).ComputeAsync(Read(query), picture, cancellation);
            return new PictureAnswer(features.Values.ToArray(), null);
        }
        catch (Exception e) when (ProblemOf(e) is { } problem)
        {
            return new PictureAnswer(null, problem);
        }
    }

    private static FeatureQuery Read(PictureQuery query) => new(query.Model, SnakeCaseJson.Read<FeatureSelection>(query.Selection));

    /// <summary>What can be mended is told as it is; a model that this worker cannot open is the worker's fault.</summary>
    private static PictureProblem? ProblemOf(Exception e) => e switch
    {
        ServiceProblemException problem => new PictureProblem(problem.Status, problem.Message, problem.Cause),
        IOException or UnauthorizedAccessException or InvalidDataException or ArgumentException or NotSupportedException or InvalidOperationException or JsonException
            => new PictureProblem(503, $"A worker cannot serve this: {e.Message}", null),
        _ => null,
    };
}
