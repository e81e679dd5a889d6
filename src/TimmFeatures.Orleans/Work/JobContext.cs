using TimmFeatures.Extraction;
using TimmFeatures.Orleans.Jobs;

namespace TimmFeatures.Orleans.Work;

/// <summary>This machine cannot do any part of the job; the message says why.</summary>
internal sealed class RefusedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A job on one worker: its open model and its store.</summary>
internal sealed class JobContext : IDisposable
{
    private JobContext(JobDescription description, IResultStore store, ExtractionModel model) => (Description, Store, Model) = (description, store, model);

    public JobDescription Description { get; }

    public IResultStore Store { get; }

    public ExtractionModel Model { get; }

    /// <summary>Opens a job's model and makes sure that it is the one that the job is pinned to.</summary>
    /// <param name="description">The job.</param>
    /// <param name="device">What the worker computes on.</param>
    /// <param name="threads">Threads for one part.</param>
    /// <param name="storages">Kinds of storages that this worker has.</param>
    /// <exception cref="RefusedException">It is not, or the output cannot be written here.</exception>
    public static JobContext Open(JobDescription description, string device, int threads, IReadOnlyCollection<ObjectStorage> storages)
    {
        ExtractionSettings wanted = description.Settings;
        if (wanted.Version != ExtractionSettings.ToolVersion)
            throw new RefusedException($"The job was submitted by version {wanted.Version} of timm-features, and this worker has {ExtractionSettings.ToolVersion}.");
        IResultStore? store = null;
        ExtractionModel? model = null;
        try
        {
            store = ResultStores.Open(description.Output, description.Id, storages);
            store.Check();
            model = new ExtractionModel(description.ToRequest(JobDescription.KindOf(device) == description.Device ? device : description.Device, threads));
            if (model.SettingsOf(wanted.Images, wanted.ImagesSha256).DifferenceFrom(wanted) is { Length: > 0 } difference)
                throw new RefusedException($"This worker's model is not the job's ('there' is the job's): {difference}.");
            return new JobContext(description, store, model);
        }
        catch (Exception e)
        {
            model?.Dispose();
            store?.Dispose();
            if (e is RefusedException or OutOfMemoryException)
                throw;
            throw new RefusedException(e.Message, e);
        }
    }

    public void Dispose()
    {
        Model.Dispose();
        Store.Dispose();
    }
}
