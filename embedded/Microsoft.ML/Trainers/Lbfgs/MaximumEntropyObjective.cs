using System.Numerics;
using Microsoft.ML.Trainers;

namespace Microsoft.ML.Numeric;

/// <summary>
/// The mean negative log-likelihood of a multinomial logistic regression with an L2 penalty on the weights, and its gradient.
/// Parameters: one bias per class, then one weight vector per class.
/// </summary>
internal sealed class MaximumEntropyObjective
{
    private readonly TrainingRows _rows;
    private readonly int _classCount;
    private readonly int _featureCount;
    private readonly float _l2Weight;
    private readonly Chunk[] _chunks;

    /// <param name="rows">The examples; labels are class numbers from 0.</param>
    /// <param name="classCount">The number of classes.</param>
    /// <param name="l2Weight">The weight of the penalty on half the sum of the squared weights.</param>
    /// <param name="threadCount">How many threads to use at most.</param>
    public MaximumEntropyObjective(TrainingRows rows, int classCount, float l2Weight, int threadCount)
    {
        _rows = rows;
        _classCount = classCount;
        _featureCount = rows.FeatureCount;
        _l2Weight = l2Weight;
        // Fewer than ten examples a thread aren't worth one.
        int chunkCount = rows.Count / threadCount < 10 ? 1 : threadCount;
        _chunks = new Chunk[chunkCount];
        for (int i = 0; i < chunkCount; i++)
        {
            _chunks[i] = new Chunk(
                (int)((long)rows.Count * i / chunkCount),
                (int)((long)rows.Count * (i + 1) / chunkCount),
                new float[ParameterCount],
                new float[classCount],
                new Vector4[classCount]);
        }
    }

    /// <summary>The number of biases and weights.</summary>
    public int ParameterCount => checked(_classCount * (_featureCount + 1));

    /// <summary>The objective at <paramref name="parameters"/>; writes its gradient to <paramref name="gradient"/>.</summary>
    public float Evaluate(ReadOnlySpan<float> parameters, Span<float> gradient)
    {
        float[] x = parameters.ToArray();
        if (_chunks.Length == 1)
            Accumulate(_chunks[0], x);
        else
            Parallel.ForEach(_chunks, chunk => Accumulate(chunk, x));

        double loss = 0;
        gradient.Clear();
        foreach (Chunk chunk in _chunks)
        {
            loss += chunk.Loss;
            VectorMath.AddScaled(1, chunk.Gradient, gradient);
        }
        if (!double.IsFinite(loss))
            throw new InvalidOperationException("Data contain bad values.");

        float scale = 1 / (float)_rows.WeightSum;
        ReadOnlySpan<float> weights = parameters[_classCount..];
        double squares = 0;
        foreach (float weight in weights)
            squares += weight * weight;
        VectorMath.AddScaled(_l2Weight, weights, gradient[_classCount..]);
        VectorMath.Scale(gradient, scale);
        return ((float)loss + (float)(squares * _l2Weight * 0.5)) * scale;
    }

    private void Accumulate(Chunk chunk, float[] parameters)
    {
        Array.Clear(chunk.Gradient);
        chunk.Loss = 0;
        int row = chunk.Start;
        // Four rows at a time: weights and gradient, larger than the cache for many classes, are passed over four times less often.
        for (; row <= chunk.End - 4; row += 4)
            AccumulateFour(chunk, parameters, row);
        for (; row < chunk.End; row++)
            AccumulateOne(chunk, parameters, row);
    }

    private void AccumulateOne(Chunk chunk, float[] parameters, int row)
    {
        float[] features = _rows.Features[row];
        float[] scores = chunk.Scores;
        for (int c = 0; c < _classCount; c++)
            scores[c] = parameters[c] + VectorMath.Dot(Weights(parameters, c), features);
        chunk.Loss += ToMultipliers(scores, row);
        for (int c = 0; c < _classCount; c++)
        {
            chunk.Gradient[c] += scores[c];
            VectorMath.AddScaled(scores[c], features, Weights(chunk.Gradient, c));
        }
    }

    private void AccumulateFour(Chunk chunk, float[] parameters, int row)
    {
        float[][] all = _rows.Features;
        var (x0, x1, x2, x3) = (all[row], all[row + 1], all[row + 2], all[row + 3]);
        Vector4[] scores = chunk.Scores4;
        for (int c = 0; c < _classCount; c++)
            scores[c] = new Vector4(parameters[c]) + VectorMath.Dot4(Weights(parameters, c), x0, x1, x2, x3);
        for (int r = 0; r < 4; r++)
        {
            for (int c = 0; c < _classCount; c++)
                chunk.Scores[c] = scores[c][r];
            chunk.Loss += ToMultipliers(chunk.Scores, row + r);
            for (int c = 0; c < _classCount; c++)
                scores[c][r] = chunk.Scores[c];
        }
        for (int c = 0; c < _classCount; c++)
        {
            chunk.Gradient[c] += Vector4.Dot(scores[c], Vector4.One);
            VectorMath.AddScaled4(scores[c], x0, x1, x2, x3, Weights(chunk.Gradient, c));
        }
    }

    // Turns a row's scores into what each class's gradient takes of its features; returns the row's loss.
    private float ToMultipliers(float[] scores, int row)
    {
        int label = (int)_rows.Labels[row];
        float weight = _rows.Weights[row];
        float logZ = VectorMath.LogSumExp(scores);
        float loss = weight * (logZ - scores[label]);
        for (int c = 0; c < scores.Length; c++)
            scores[c] = weight * ((float)Math.Exp(scores[c] - logZ) - (c == label ? 1 : 0));
        return loss;
    }

    private Span<float> Weights(float[] parameters, int c) => parameters.AsSpan(_classCount + c * _featureCount, _featureCount);

    private sealed class Chunk(int start, int end, float[] gradient, float[] scores, Vector4[] scores4)
    {
        public readonly int Start = start;
        public readonly int End = end;
        public readonly float[] Gradient = gradient;
        public readonly float[] Scores = scores;
        public readonly Vector4[] Scores4 = scores4;
        public double Loss;
    }
}
