using Microsoft.ML.Data;
using Microsoft.ML.Numeric;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

/// <summary>A linear function of the features for each class.</summary>
public abstract class LinearMulticlassModelParametersBase : ModelParametersBase<VBuffer<float>>, IVectorScorer
{
    private readonly float[] _biases;
    private readonly float[][] _weights;

    private protected LinearMulticlassModelParametersBase(IHostEnvironment env, string name, float[] biases, float[][] weights) : base(env, name)
    {
        _biases = biases;
        _weights = weights;
    }

    private protected LinearMulticlassModelParametersBase(IHostEnvironment env, string name, ModelLoadContext ctx, VersionInfo version) : base(env, name)
    {
        Host.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel(version);
        _biases = ArrayFile.Read<float>(ctx.Reader);
        Host.CheckDecode(_biases.Length > 0);
        _weights = Array.ConvertAll(_biases, _ => ArrayFile.Read<float>(ctx.Reader));
        Host.CheckDecode(_weights.All(row => row.Length == _weights[0].Length && row.Length > 0));
    }

    int IVectorScorer.InputSize => _weights[0].Length;

    int IVectorScorer.OutputSize => _biases.Length;

    private protected float[] Biases => _biases;

    private protected float[][] Weights => _weights;

    /// <summary>Copies the weights of each class.</summary>
    /// <param name="weights">Takes them; replaced if it is too short.</param>
    /// <param name="numClasses">The number of classes.</param>
    public void GetWeights(ref VBuffer<float>[] weights, out int numClasses)
    {
        numClasses = _weights.Length;
        if (weights == null || weights.Length < numClasses)
            Array.Resize(ref weights, numClasses);
        for (int c = 0; c < numClasses; c++)
            VBuffer<float>.Copy(_weights[c], 0, ref weights[c], _weights[c].Length);
    }

    /// <summary>The constant of each class.</summary>
    public IEnumerable<float> GetBiases() => _biases;

    void IVectorScorer.Score(in VBuffer<float> features, Span<float> scores)
    {
        ReadOnlySpan<float> values = features.GetValues();
        ReadOnlySpan<int> indices = features.GetIndices();
        for (int c = 0; c < scores.Length; c++)
            scores[c] = _biases[c] + (features.IsDense ? VectorMath.Dot(_weights[c], values) : VectorMath.DotSparse(_weights[c], indices, values));
        Calibrate(scores);
    }

    /// <summary>Turns the values of the linear functions into scores.</summary>
    private protected abstract void Calibrate(Span<float> scores);

    private protected override void SaveCore(ModelSaveContext ctx)
    {
        ArrayFile.Write<float>(ctx.Writer, _biases);
        foreach (float[] row in _weights)
            ArrayFile.Write<float>(ctx.Writer, row);
    }
}
