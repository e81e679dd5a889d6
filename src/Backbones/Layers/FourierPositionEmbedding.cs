using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// PositionalEncodingFourier of timm's <c>xcit.py</c> and <c>edgenext.py</c>: sines and cosines of the place in the map, projected to the tokens' width.
/// It depends on no input, so that it is computed once.
/// </summary>
internal static class FourierPositionEmbedding
{
    /// <summary>Sines and cosines of each of the two coordinates.</summary>
    private const int HiddenDim = 32;

    /// <summary>Position embeddings <c>[H · W, width]</c>, row by row.</summary>
    public static Node Build(GraphBuilder b, string name, Size2 grid, int width)
    {
        using (b.Scope($"{name}.token_projection"))
        {
            Node weight = b.Parameter("weight", [width, 2 * HiddenDim, 1, 1]), bias = b.Parameter("bias", [width]);
            Node waves = b.Constant([grid.H * grid.W, 2 * HiddenDim], Waves(grid), "waves");
            return b.Function("linear", new LinearOp(true), waves, b.Reshape(weight, [width, 2 * HiddenDim]), bias);
        }
    }

    private static float[] Waves(Size2 grid)
    {
        float[] rows = Waves(grid.H), columns = Waves(grid.W);
        var values = new float[grid.H * grid.W * 2 * HiddenDim];
        for (int i = 0; i < grid.H * grid.W; i++)
        {
            rows.AsSpan(i / grid.W * HiddenDim, HiddenDim).CopyTo(values.AsSpan(2 * i * HiddenDim));
            columns.AsSpan(i % grid.W * HiddenDim, HiddenDim).CopyTo(values.AsSpan((2 * i + 1) * HiddenDim));
        }
        return values;
    }

    /// <summary>For each place of one coordinate sin and cos in turn, of lower and lower frequency; the last place is a whole turn.</summary>
    private static float[] Waves(int size)
    {
        var values = new float[size * HiddenDim];
        for (int i = 0; i < size; i++)
        {
            float angle = (i + 1) / (size + 1e-6f) * (2 * MathF.PI);
            for (int k = 0; k < HiddenDim; k++)
            {
                float a = angle / MathF.Pow(10000, 2 * (k / 2) / (float)HiddenDim);
                values[i * HiddenDim + k] = k % 2 == 0 ? MathF.Sin(a) : MathF.Cos(a);
            }
        }
        return values;
    }
}
