using Backbones.Graphs;

namespace Backbones.Engines.Reference;

/// <content>Normalisations, in double where sums run over many elements.</content>
internal static partial class ReferenceKernels
{
    private static void BatchNorm(BatchNormOp op, DenseTensor[] x, DenseTensor y)
    {
        (int outer, int size, int inner) = Split(y.Shape, y.Shape.Axis(op.Axis));
        ForEachItem(y.Batch, n =>
        {
            ReadOnlySpan<float> source = x[0].Item(n);
            Span<float> target = y.ItemSpan(n);
            for (int i = 0; i < target.Length; i++)
            {
                int c = i / inner % size;
                target[i] = (source[i] - x[3].Data[c]) / MathF.Sqrt(x[4].Data[c] + op.Eps) * x[1].Data[c] + x[2].Data[c];
            }
        });
    }

    private static void LayerNorm(LayerNormOp op, DenseTensor[] x, DenseTensor y) => OverAxis(x[0], y, op.Axis, line =>
    {
        (double mean, double variance) = Moments(line);
        double scale = 1 / Math.Sqrt(variance + op.Eps);
        for (int i = 0; i < line.Length; i++)
            line[i] = (float)((line[i] - mean) * scale) * (x.Length > 1 ? x[1].Data[i] : 1) + (x.Length > 1 ? x[2].Data[i] : 0);
    });

    private static void RmsNorm(RmsNormOp op, DenseTensor[] x, DenseTensor y) => OverAxis(x[0], y, op.Axis, line =>
    {
        (double mean, double variance) = Moments(line);
        double power = op.Centered ? variance * line.Length / (line.Length - 1) : variance + mean * mean;
        double scale = 1 / Math.Sqrt(power + op.Eps);
        for (int i = 0; i < line.Length; i++)
            line[i] = (float)(line[i] * scale) * (x.Length > 1 ? x[1].Data[i] : 1);
    });

    private static void GroupNorm(GroupNormOp op, DenseTensor[] x, DenseTensor y) => ForEachItem(y.Batch, n =>
    {
        Span<float> target = y.ItemSpan(n);
        x[0].Item(n).CopyTo(target);
        int group = target.Length / op.Groups, inner = target.Length / y.Shape[0];
        for (int g = 0; g < op.Groups; g++)
        {
            Span<float> line = target.Slice(g * group, group);
            (double mean, double variance) = Moments(line);
            double scale = 1 / Math.Sqrt(variance + op.Eps);
            for (int i = 0; i < line.Length; i++)
            {
                int c = (g * group + i) / inner;
                line[i] = (float)((line[i] - mean) * scale) * x[1].Data[c] + x[2].Data[c];
            }
        }
    });

    private static (double Mean, double Variance) Moments(ReadOnlySpan<float> values)
    {
        double sum = 0, squares = 0;
        foreach (float v in values)
            sum += v;
        double mean = sum / values.Length;
        foreach (float v in values)
            squares += (v - mean) * (v - mean);
        return (mean, squares / values.Length);
    }

    /// <summary>Calls <paramref name="body"/> with every line along an axis, gathered into one span; what it leaves there is the result.</summary>
    private static void OverAxis(DenseTensor x, DenseTensor y, int axis, LineAction body)
    {
        (int outer, int size, int inner) = Split(x.Shape, x.Shape.Axis(axis));
        ForEachItem(y.Batch, n =>
        {
            ReadOnlySpan<float> source = x.Item(n);
            Span<float> target = y.ItemSpan(n);
            var line = new float[size];
            for (int o = 0; o < outer; o++)
                for (int i = 0; i < inner; i++)
                {
                    int start = o * size * inner + i;
                    for (int c = 0; c < size; c++)
                        line[c] = source[start + c * inner];
                    body(line);
                    for (int c = 0; c < size; c++)
                        target[start + c * inner] = line[c];
                }
        });
    }

    private delegate void LineAction(Span<float> line);

    private static void Softmax(SoftmaxOp op, DenseTensor x, DenseTensor y)
    {
        (int outer, int size, int inner) = Split(x.Shape, x.Shape.Axis(op.Axis));
        ForEachItem(y.Batch, n =>
        {
            ReadOnlySpan<float> source = x.Item(n);
            Span<float> target = y.ItemSpan(n);
            for (int o = 0; o < outer; o++)
                for (int i = 0; i < inner; i++)
                    SoftmaxLine(source[(o * size * inner + i)..], target[(o * size * inner + i)..], size, inner);
        });
    }

    private static void SoftmaxLine(ReadOnlySpan<float> source, Span<float> target, int size, int stride)
    {
        float max = float.NegativeInfinity, sum = 0;
        for (int i = 0; i < size; i++)
            max = Math.Max(max, source[i * stride]);
        for (int i = 0; i < size; i++)
            sum += target[i * stride] = MathF.Exp(source[i * stride] - max);
        for (int i = 0; i < size; i++)
            target[i * stride] /= sum;
    }
}
