using System.Runtime.ExceptionServices;
using Backbones;
using Microsoft.AspNetCore.Http;
using TimmFeatures.Service.Backends;

namespace TimmFeatures.Service.Http;

/// <summary>From a request's pictures to its features: what both kinds of requests have in common.</summary>
internal sealed class FeatureCalls(IFeatureBackend backend, ServiceLimits limits, Admission admission)
{
    /// <summary>Computes all pictures of a request.</summary>
    /// <param name="model">The model asked for; null where only one is served.</param>
    /// <param name="selection">Which features.</param>
    /// <param name="pictures">Encoded pictures.</param>
    /// <param name="field">What the request calls the pictures.</param>
    /// <param name="nameOf">What the request calls a picture, by its number.</param>
    /// <param name="cancellation">The client has gone.</param>
    /// <exception cref="ServiceProblemException">The request cannot be answered: the first picture's reason, where it is one of them.</exception>
    public async Task<FeatureAnswer> ComputeAsync(string? model, FeatureSelection selection, IReadOnlyList<ReadOnlyMemory<byte>> pictures, string field, Func<int, string> nameOf, CancellationToken cancellation)
    {
        if (pictures.Count == 0)
            throw new ServiceProblemException(StatusCodes.Status422UnprocessableEntity, "There is no picture in the request.", field);
        model ??= backend.Models is [var only] ? only
            : throw new ServiceProblemException(StatusCodes.Status422UnprocessableEntity, $"'model' is missing, and {(backend.Models.Count == 0 ? "any can be asked for" : $"several are served: {string.Join(", ", backend.Models.Select(m => $"'{m}'"))}")}.", "model");
        Admission.Ticket ticket = admission.Enter(pictures.Count, field);
        try
        {
            var query = new FeatureQuery(model, selection);
            FeatureLayout layout = await backend.OpenAsync(query, cancellation);
            if (layout.Length * pictures.Count > limits.MaxValues)
            {
                throw new ServiceProblemException(StatusCodes.Status422UnprocessableEntity, $"{pictures.Count} pictures of {layout.Length} values each are more than the {limits.MaxValues} values that an answer may have. "
                    + "Send fewer pictures at once, or ask for less.");
            }
            var tasks = new Task<PictureFeatures>[pictures.Count];
            for (int i = 0; i < tasks.Length; i++)
                tasks[i] = backend.ComputeAsync(query, pictures[i], cancellation);
            // All of them, whatever becomes of one: they read the request's memory.
            await ((Task)Task.WhenAll(tasks)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            int bad = Array.FindIndex(tasks, t => !t.IsCompletedSuccessfully);
            if (bad < 0)
                return new FeatureAnswer(model, layout, [.. tasks.Select(t => t.Result)], ticket);
            foreach (Task<PictureFeatures> done in tasks.Where(t => t.IsCompletedSuccessfully))
                done.Result.Dispose();
            cancellation.ThrowIfCancellationRequested();
            Exception problem = tasks[bad].Exception?.InnerException ?? new TaskCanceledException(tasks[bad]);
            if (problem is ServiceProblemException { Status: StatusCodes.Status422UnprocessableEntity, Cause: null } picture)
                throw new ServiceProblemException(picture.Status, $"{nameOf(bad)}: {picture.Message}", nameOf(bad));
            ExceptionDispatchInfo.Throw(problem);
            throw problem;
        }
        catch
        {
            ticket.Dispose();
            throw;
        }
    }
}
