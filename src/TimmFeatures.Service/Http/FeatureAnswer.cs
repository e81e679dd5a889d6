using TimmFeatures.Service.Backends;

namespace TimmFeatures.Service.Http;

/// <summary>Features of a request's pictures, in their order, until they are written.</summary>
internal sealed class FeatureAnswer(string model, FeatureLayout layout, IReadOnlyList<PictureFeatures> pictures, Admission.Ticket ticket) : IDisposable
{
    public string Model => model;

    public FeatureLayout Layout => layout;

    public int Count => pictures.Count;

    /// <summary>The values of one output of one picture.</summary>
    public ReadOnlyMemory<float> this[int output, int picture]
    {
        get
        {
            int offset = 0;
            for (int i = 0; i < output; i++)
                offset += (int)layout.Outputs[i].Shape.Length;
            return pictures[picture].Values.Slice(offset, (int)layout.Outputs[output].Shape.Length);
        }
    }

    /// <summary>Shape of one output, <c>[N, …]</c>.</summary>
    public int[] ShapeOf(int output) => [Count, .. layout.Outputs[output].Shape];

    public void Dispose()
    {
        foreach (PictureFeatures picture in pictures)
            picture.Dispose();
        ticket.Dispose();
    }
}
