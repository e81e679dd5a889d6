using Backbones;

namespace TimmFeatures.Service.Http;

/// <summary>A request for features that was read: fields and pictures, in memory that is given back when it is answered.</summary>
internal sealed class FeaturesRequest(string? model, FeatureSelection selection, IReadOnlyList<ReadOnlyMemory<byte>> pictures, IReadOnlyList<RentedBytes> memory) : IDisposable
{
    public string? Model => model;

    public FeatureSelection Selection => selection;

    /// <summary>Encoded pictures.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Pictures => pictures;

    public void Dispose()
    {
        foreach (RentedBytes bytes in memory)
            bytes.Dispose();
    }
}
