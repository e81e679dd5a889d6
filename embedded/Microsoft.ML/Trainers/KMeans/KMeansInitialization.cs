using Microsoft.ML.Numeric;

namespace Microsoft.ML.Trainers;

/// <summary>Ways to choose the rows with which k-means starts.</summary>
internal static class KMeansInitialization
{
    // Rows nearer than this to a chosen one count as the same point.
    private const float SamePoint = 1e-15f;

    /// <summary>
    /// k-means++ (Arthur and Vassilvitskii 2007): each further row is drawn with a probability proportional to its squared distance
    /// from the rows chosen so far.
    /// </summary>
    /// <param name="rows">The examples.</param>
    /// <param name="count">How many rows to choose.</param>
    /// <param name="useWeights">Multiply the probabilities by the example weights.</param>
    /// <param name="random">The source of chance.</param>
    /// <exception cref="InvalidOperationException">There are fewer than <paramref name="count"/> distinct rows.</exception>
    public static float[][] PlusPlus(TrainingRows rows, int count, bool useWeights, Random random)
    {
        var centroids = new float[count][];
        var distances = new float[rows.Count];
        Array.Fill(distances, 1);
        for (int k = 0; k < count; k++)
        {
            int chosen = Draw(rows, distances, useWeights, random);
            if (chosen < 0)
                throw TooFewRows(count, k);
            float[] centroid = centroids[k] = (float[])rows.Features[chosen].Clone();
            bool first = k == 0;
            Parallel.For(0, rows.Count, i =>
            {
                float distance = VectorMath.DistanceSquared(rows.Features[i], centroid);
                distances[i] = first ? distance : Math.Min(distances[i], distance);
            });
        }
        return centroids;
    }

    /// <summary>A uniform sample of the rows, without replacement.</summary>
    /// <exception cref="InvalidOperationException">There are fewer than <paramref name="count"/> rows.</exception>
    public static float[][] Random(TrainingRows rows, int count, Random random)
    {
        if (rows.Count < count)
            throw TooFewRows(count, rows.Count);
        int[] order = Enumerable.Range(0, rows.Count).ToArray();
        random.Shuffle(order);
        return order.Take(count).Select(i => (float[])rows.Features[i].Clone()).ToArray();
    }

    // Draws a row by its distance in one pass: each row replaces the candidate with its share of the sum so far.
    private static int Draw(TrainingRows rows, float[] distances, bool useWeights, Random random)
    {
        double sum = 0;
        int candidate = -1;
        for (int i = 0; i < distances.Length; i++)
        {
            float probability = distances[i] * (useWeights ? rows.Weights[i] : 1);
            if (!(probability > SamePoint))
                continue;
            sum += probability;
            if (random.NextDouble() < probability / sum)
                candidate = i;
        }
        return candidate;
    }

    private static InvalidOperationException TooFewRows(int asked, int found)
        => new($"Failed to initialize clusters: too few examples (asked for {asked} clusters, found {found} distinct rows).");
}
