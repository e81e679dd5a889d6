using System.Numerics;
using Microsoft.ML.Numeric;

namespace Microsoft.ML.Trainers;

/// <summary>
/// Lloyd's k-means iteration. Bounds on a row's distance to its own centroid and to every other (the global filter of Yinyang k-means,
/// Ding et al. 2015) spare the distances of rows that can't have changed cluster.
/// </summary>
internal sealed class LloydIteration
{
    private readonly TrainingRows _rows;
    private readonly float[][] _centroids;
    private readonly int _featureCount;
    private readonly float[] _centroidNorms;
    private readonly float[] _moves;
    private readonly int[] _assignment;
    private readonly float[] _upperBounds;
    private readonly float[] _lowerBounds;
    private readonly Chunk[] _chunks;
    private float _largestMove;

    /// <param name="rows">The examples.</param>
    /// <param name="centroids">The centroids to start with; become this object's own.</param>
    /// <param name="threadCount">How many threads to use at most.</param>
    public LloydIteration(TrainingRows rows, float[][] centroids, int threadCount)
    {
        _rows = rows;
        _centroids = centroids;
        _featureCount = rows.FeatureCount;
        _centroidNorms = Array.ConvertAll(centroids, centroid => VectorMath.NormSquared(centroid));
        _moves = new float[centroids.Length];
        _assignment = new int[rows.Count];
        Array.Fill(_assignment, -1);
        _upperBounds = new float[rows.Count];
        _lowerBounds = new float[rows.Count];
        _chunks = new Chunk[Math.Clamp(rows.Count, 1, threadCount)];
        for (int i = 0; i < _chunks.Length; i++)
        {
            _chunks[i] = new Chunk(
                (int)((long)rows.Count * i / _chunks.Length),
                (int)((long)rows.Count * (i + 1) / _chunks.Length),
                new float[centroids.Length * _featureCount],
                new int[centroids.Length]);
        }
    }

    /// <summary>Moves the centroids until no row changes its cluster or the average distance settles.</summary>
    /// <param name="tolerance">The change of the average squared distance below which to stop.</param>
    /// <param name="maximumIterations">The number of iterations at which to stop in any case.</param>
    /// <returns>The centroids.</returns>
    public float[][] Run(float tolerance, int maximumIterations)
    {
        double lastScore = double.PositiveInfinity;
        for (int iteration = 0; iteration < maximumIterations; iteration++)
        {
            Parallel.ForEach(_chunks, Assign);
            double score = MoveCentroids();
            if (_chunks.All(chunk => chunk.Changed == 0) || Math.Abs(lastScore - score) < tolerance)
                break;
            lastScore = score;
        }
        return _centroids;
    }

    private void Assign(Chunk chunk)
    {
        Array.Clear(chunk.Sums);
        Array.Clear(chunk.Sizes);
        chunk.Changed = 0;
        for (int i = chunk.Start; i < chunk.End; i++)
        {
            float[] row = _rows.Features[i];
            if (!IsSettled(i))
            {
                int previous = _assignment[i];
                FindNearest(i, row);
                if (_assignment[i] != previous)
                    chunk.Changed++;
            }
            int cluster = _assignment[i];
            chunk.Sizes[cluster]++;
            VectorMath.AddScaled(1, row, chunk.Sums.AsSpan(cluster * _featureCount, _featureCount));
        }
    }

    // By the triangle inequality a row stays in its cluster as long as its own centroid is surely nearer than any other.
    private bool IsSettled(int i)
    {
        if (_assignment[i] < 0)
            return false;
        _upperBounds[i] += _moves[_assignment[i]];
        _lowerBounds[i] -= _largestMove;
        return _upperBounds[i] < _lowerBounds[i];
    }

    private void FindNearest(int i, float[] row)
    {
        // Squared distances less the row's own norm, which changes no comparison.
        float nearest = float.PositiveInfinity, second = float.PositiveInfinity;
        int cluster = 0;
        int k = 0;
        for (; k <= _centroids.Length - 4; k += 4)
        {
            Vector4 products = VectorMath.Dot4(row, _centroids[k], _centroids[k + 1], _centroids[k + 2], _centroids[k + 3]);
            for (int j = 0; j < 4; j++)
                Consider(k + j, products[j]);
        }
        for (; k < _centroids.Length; k++)
            Consider(k, VectorMath.Dot(row, _centroids[k]));

        float norm = VectorMath.NormSquared(row);
        _assignment[i] = cluster;
        _upperBounds[i] = MathF.Sqrt(Math.Max(0, norm + nearest));
        _lowerBounds[i] = MathF.Sqrt(Math.Max(0, norm + second));

        void Consider(int candidate, float product)
        {
            float distance = _centroidNorms[candidate] - 2 * product;
            if (distance <= nearest)
                (second, nearest, cluster) = (nearest, distance, candidate);
            else if (distance < second)
                second = distance;
        }
    }

    // Puts each centroid into the mean of its rows; returns the average squared distance to the old centroids less the rows' own norms.
    private double MoveCentroids()
    {
        double score = 0;
        _largestMove = 0;
        for (int k = 0; k < _centroids.Length; k++)
        {
            var mean = new float[_featureCount];
            int size = 0;
            foreach (Chunk chunk in _chunks)
            {
                size += chunk.Sizes[k];
                VectorMath.AddScaled(1, chunk.Sums.AsSpan(k * _featureCount, _featureCount), mean);
            }
            score += (double)size * _centroidNorms[k] - 2.0 * VectorMath.Dot(mean, _centroids[k]);
            if (size > 1)
                VectorMath.Scale(mean, 1f / size);
            _moves[k] = MathF.Sqrt(VectorMath.DistanceSquared(mean, _centroids[k]));
            _largestMove = Math.Max(_largestMove, _moves[k]);
            _centroids[k] = mean;
            _centroidNorms[k] = VectorMath.NormSquared(mean);
        }
        return score / _rows.Count;
    }

    private sealed class Chunk(int start, int end, float[] sums, int[] sizes)
    {
        public readonly int Start = start;
        public readonly int End = end;
        public readonly float[] Sums = sums;
        public readonly int[] Sizes = sizes;
        public int Changed;
    }
}
