using Microsoft.ML;
using Microsoft.ML.Numeric;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

[assembly: LoadableClass(typeof(MaximumEntropyModelParameters), null, typeof(SignatureLoadModel), "Multiclass LR Executor", MaximumEntropyModelParameters.LoaderSignature)]

namespace Microsoft.ML.Trainers;

/// <summary>Multinomial logistic regression: the scores are the classes' probabilities, the softmax of linear functions of the features.</summary>
public sealed class MaximumEntropyModelParameters : LinearMulticlassModelParametersBase
{
    internal const string LoaderSignature = "MultiClassLRExec";

    internal MaximumEntropyModelParameters(IHostEnvironment env, float[] biases, float[][] weights)
        : base(env, nameof(MaximumEntropyModelParameters), biases, weights)
    {
    }

    // Called by the loader of saved models.
    private MaximumEntropyModelParameters(IHostEnvironment env, ModelLoadContext ctx) : base(env, nameof(MaximumEntropyModelParameters), ctx, VersionInfo)
    {
    }

    private static VersionInfo VersionInfo => new("MULTI LR", 0x00010001, 0x00010001, 0x00010001,
        typeof(MaximumEntropyModelParameters).Assembly.FullName, LoaderSignature);

    /// <summary>Biases and weights in a row, as <see cref="MaximumEntropyObjective"/> has them.</summary>
    internal float[] ToParameters() => [.. Biases, .. Weights.SelectMany(row => row)];

    private protected override void Calibrate(Span<float> scores)
    {
        float logZ = VectorMath.LogSumExp(scores);
        for (int c = 0; c < scores.Length; c++)
            scores[c] = (float)Math.Exp(scores[c] - logZ);
    }

    private protected override void SaveCore(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(VersionInfo);
        base.SaveCore(ctx);
    }
}
