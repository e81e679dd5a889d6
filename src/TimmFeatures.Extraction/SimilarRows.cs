using System.Numerics.Tensors;
using TimmFeatures.Extraction.Files;

namespace TimmFeatures.Extraction;

/// <summary>An image of an extracted file, and how near it is.</summary>
/// <param name="Path">The image's name.</param>
/// <param name="Row">Its row.</param>
/// <param name="Similarity">Cosine of the angle between the features, -1 to 1.</param>
internal sealed record SimilarImage(string Path, int Row, double Similarity);

/// <summary>Exact search: every row is compared.</summary>
internal static class SimilarRows
{
    /// <summary>The rows nearest to a vector by cosine similarity, the nearest first; equal ones in the order of rows. Rows without features and those of zeros or NaN are nowhere near anything.</summary>
    /// <param name="table">The rows; all columns together are one vector.</param>
    /// <param name="query">The vector.</param>
    /// <param name="count">How many.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <exception cref="InvalidDataException">The vector is all zeros or has NaN, so that nothing is similar to it.</exception>
    public static IReadOnlyList<SimilarImage> Find(FeatureTable table, ReadOnlySpan<float> query, int count, CancellationToken cancellation)
    {
        double length = Math.Sqrt(TensorPrimitives.SumOfSquares(query));
        if (!(length > 0) || !double.IsFinite(length))
            throw new InvalidDataException("The image's features are all zeros, or not all of them are numbers: nothing is similar to them.");
        // The worst is on top: the first to go.
        var best = new PriorityQueue<SimilarImage, (double Similarity, int Order)>();
        int row = 0;
        foreach (FeatureRow candidate in table.Rows())
        {
            cancellation.ThrowIfCancellationRequested();
            double similarity = candidate.Error is null ? TensorPrimitives.Dot(query, candidate.Values.Span) / (length * Math.Sqrt(TensorPrimitives.SumOfSquares(candidate.Values.Span))) : double.NaN;
            if (double.IsFinite(similarity))
                best.Enqueue(new SimilarImage(candidate.Path, row, Math.Clamp(similarity, -1, 1)), (similarity, -row));
            if (best.Count > count)
                best.Dequeue();
            row++;
        }
        var found = new SimilarImage[best.Count];
        for (int i = found.Length - 1; i >= 0; i--)
            found[i] = best.Dequeue();
        return found;
    }
}
