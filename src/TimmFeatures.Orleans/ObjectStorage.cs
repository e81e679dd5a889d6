using TimmFeatures.Orleans.Jobs;

namespace TimmFeatures.Orleans;

/// <summary>
/// A kind of object storage that jobs can be written to, beside shared folders. Each is a package of its own, because it brings a cloud's SDK: TimmFeatures.Orleans.AzureBlobs and TimmFeatures.Orleans.S3. Those in
/// <see cref="WorkerOptions.Storages"/> are known to a worker and to a client; the part before <c>://</c> of <see cref="JobRequest.Output"/> says which one is meant.
/// </summary>
public abstract class ObjectStorage
{
    internal ObjectStorage()
    {
    }

    /// <summary>What its addresses begin with, before <c>://</c>.</summary>
    internal abstract IReadOnlyList<string> Schemes { get; }

    /// <summary>Its addresses in words.</summary>
    internal abstract string Form { get; }

    /// <summary>Opens the container of an object.</summary>
    /// <param name="output">The object's address.</param>
    /// <param name="name">Its name in the container.</param>
    /// <exception cref="FormatException">It is no address.</exception>
    /// <exception cref="UnauthorizedAccessException">There are no credentials here.</exception>
    internal abstract IObjectContainer Open(string output, out string name);
}
