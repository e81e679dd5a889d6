using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Numeric;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

[assembly: LoadableClass(typeof(KMeansModelParameters), null, typeof(SignatureLoadModel), "KMeans predictor", KMeansModelParameters.LoaderSignature)]

namespace Microsoft.ML.Trainers;

/// <summary>The centroids of a clustering; the scores are the squared distances to them.</summary>
public sealed class KMeansModelParameters : ModelParametersBase<VBuffer<float>>, IVectorScorer
{
    internal const string LoaderSignature = "KMeansPredictor";

    private readonly float[][] _centroids;
    private readonly float[] _norms;

    internal KMeansModelParameters(IHostEnvironment env, float[][] centroids) : base(env, nameof(KMeansModelParameters))
    {
        Host.Check(centroids.All(centroid => centroid.All(float.IsFinite)), "Model training failed: non-finite coordinates are generated");
        _centroids = centroids;
        _norms = Array.ConvertAll(centroids, centroid => VectorMath.NormSquared(centroid));
    }

    int IVectorScorer.InputSize => _centroids[0].Length;

    int IVectorScorer.OutputSize => _centroids.Length;

    private static VersionInfo VersionInfo => new("KMEANS  ", 0x00010001, 0x00010001, 0x00010001,
        typeof(KMeansModelParameters).Assembly.FullName, LoaderSignature);

    /// <summary>Copies the centroids.</summary>
    /// <param name="centroids">Takes them; replaced if it is too short.</param>
    /// <param name="k">The number of clusters.</param>
    public void GetClusterCentroids(ref VBuffer<float>[] centroids, out int k)
    {
        k = _centroids.Length;
        if (centroids == null || centroids.Length < k)
            Array.Resize(ref centroids, k);
        for (int i = 0; i < k; i++)
            VBuffer<float>.Copy(_centroids[i], 0, ref centroids[i], _centroids[i].Length);
    }

    void IVectorScorer.Score(in VBuffer<float> features, Span<float> scores)
    {
        ReadOnlySpan<float> values = features.GetValues();
        ReadOnlySpan<int> indices = features.GetIndices();
        float norm = VectorMath.NormSquared(values);
        for (int k = 0; k < scores.Length; k++)
        {
            float product = features.IsDense ? VectorMath.Dot(_centroids[k], values) : VectorMath.DotSparse(_centroids[k], indices, values);
            scores[k] = Math.Max(0, _norms[k] - 2 * product + norm);
        }
    }

    private protected override void SaveCore(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(VersionInfo);
        ctx.Writer.Write(_centroids.Length);
        foreach (float[] centroid in _centroids)
            ArrayFile.Write<float>(ctx.Writer, centroid);
    }

    private static KMeansModelParameters Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        Contracts.CheckValue(env, nameof(env));
        env.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel(VersionInfo);
        int count = ctx.Reader.ReadInt32();
        env.CheckDecode(count > 0);
        var centroids = new List<float[]>();
        for (int i = 0; i < count; i++)
        {
            centroids.Add(ArrayFile.Read<float>(ctx.Reader));
            env.CheckDecode(centroids[i].Length > 0 && centroids[i].Length == centroids[0].Length && centroids[i].All(float.IsFinite));
        }
        return new KMeansModelParameters(env, centroids.ToArray());
    }
}
