using Microsoft.ML.Data;
using Microsoft.ML.Numeric;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

/// <summary>A linear function of the features for each class.</summary>
public abstract class LinearMulticlassModelParametersBase : ModelParametersBase<VBuffer<float>>, IVectorScorer
{
    private protected readonly float[] Biases;
    private protected readonly float[][] Weights;

    private protected LinearMulticlassModelParametersBase(IHostEnvironment env, string name, float[] biases, float[][] weights) : base(env, name)
    {
        Biases = biases;
        Weights = weights;
    }

    private protected LinearMulticlassModelParametersBase(IHostEnvironment env, string name, ModelLoadContext ctx, VersionInfo version) : base(env, name)
    {
        Host.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel(version);
        Biases = ArrayFile.Read<float>(ctx.Reader);
        Host.CheckDecode(Biases.Length > 0);
        Weights = Array.ConvertAll(Biases, _ => ArrayFile.Read<float>(ctx.Reader));
        Host.CheckDecode(Weights.All(row => row.Length == Weights[0].Length && row.Length > 0));
    }

    int IVectorScorer.InputSize => Weights[0].Length;

    int IVectorScorer.OutputSize => Biases.Length;

    /// <summary>Copies the weights of each class.</summary>
    /// <param name="weights">Takes them; replaced if it is too short.</param>
    /// <param name="numClasses">The number of classes.</param>
    public void GetWeights(ref VBuffer<float>[] weights, out int numClasses)
    {
        numClasses = Weights.Length;
        if (weights == null || weights.Length < numClasses)
            Array.Resize(ref weights, numClasses);
        for (int c = 0; c < numClasses; c++)
            VBuffer<float>.Copy(Weights[c], 0, ref weights[c], Weights[c].Length);
    }

    /// <summary>The constant of each class.</summary>
    public IEnumerable<float> GetBiases() => Biases;

    void IVectorScorer.Score(in VBuffer<float> features, Span<float> scores)
    {
        ReadOnlySpan<float> values = features.GetValues();
        ReadOnlySpan<int> indices = features.GetIndices();
        for (int c = 0; c < scores.Length; c++)
            scores[c] = Biases[c] + (features.IsDense ? VectorMath.Dot(Weights[c], values) : VectorMath.DotSparse(Weights[c], indices, values));
        Calibrate(scores);
    }

    /// <summary>Turns the values of the linear functions into scores.</summary>
    private protected abstract void Calibrate(Span<float> scores);

    private protected override void SaveCore(ModelSaveContext ctx)
    {
        ArrayFile.Write<float>(ctx.Writer, Biases);
        foreach (float[] row in Weights)
            ArrayFile.Write<float>(ctx.Writer, row);
    }
}
