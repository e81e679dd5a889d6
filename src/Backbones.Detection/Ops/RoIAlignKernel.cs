using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Backbones.Engines.Managed;
using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>A map with channels last, <c>[N, H, W, C]</c>.</summary>
internal readonly record struct ChannelsLastMap(float[] Values, int Height, int Width, int Channels);

/// <summary>A box to cut, in pixels of the image.</summary>
/// <param name="Box">The box.</param>
/// <param name="Image">Number of the image in the batch.</param>
/// <param name="Level">Number of the map.</param>
internal readonly record struct RegionOfInterest(Box Box, int Image, int Level);

/// <summary>
/// RoIAlign over maps with channels last. The weights of a box are made once, one list of rows and one of columns, in which points that share a pixel are one entry: at a bin of one
/// pixel four to nine products a channel in place of sixteen. Then whole vectors of channels are summed. Boxes are the threads' pieces; memory is used again.
/// </summary>
/// <remarks>1000 boxes to 7 × 7 × 256, two points a side, on two cores: see <c>Bench detection</c> and docs/performance.md.</remarks>
internal sealed class RoIAlignKernel : IParallelWork
{
    /// <summary>Boxes in a piece of work.</summary>
    private const int PieceBoxes = 8;

    private readonly WorkerPool _pool;
    private readonly (AxisTaps Rows, AxisTaps Columns)[] _taps;
    private ChannelsLastMap[] _maps = [];
    private float[] _scales = [];
    private RegionOfInterest[] _regions = [];
    private float[] _output = [];
    private int _count, _samplingRatio;
    private Size2 _size;
    private bool _aligned;

    public RoIAlignKernel(WorkerPool pool)
    {
        _pool = pool;
        _taps = [.. Enumerable.Range(0, pool.Threads).Select(_ => (new AxisTaps(), new AxisTaps()))];
    }

    /// <summary>Cuts boxes: region i goes to <c>[H, W, C]</c> number i of the output.</summary>
    /// <param name="maps">The maps by level.</param>
    /// <param name="scales">Pixels of each map per pixel of the image.</param>
    /// <param name="regions">The boxes; those of a level that is not there stay zero.</param>
    /// <param name="count">Number of boxes.</param>
    /// <param name="size">Bins in each direction.</param>
    /// <param name="samplingRatio">Points a bin and side; 0 or less for as many as pixels.</param>
    /// <param name="aligned">Whether pixels' centres are at their middle (half a pixel is taken off).</param>
    /// <param name="output"><c>count · H · W · C</c> elements.</param>
    public void Run(ChannelsLastMap[] maps, float[] scales, RegionOfInterest[] regions, int count, Size2 size, int samplingRatio, bool aligned, float[] output)
    {
        (_maps, _scales, _regions, _count, _size, _samplingRatio, _aligned, _output) = (maps, scales, regions, count, size, samplingRatio, aligned, output);
        _pool.Run(this, (count + PieceBoxes - 1) / PieceBoxes);
        (_maps, _regions, _output) = ([], [], []);
    }

    void IParallelWork.Run(int index, int worker)
    {
        (AxisTaps rows, AxisTaps columns) = _taps[worker];
        for (int i = index * PieceBoxes; i < Math.Min(_count, (index + 1) * PieceBoxes); i++)
            Cut(i, rows, columns);
    }

    private void Cut(int i, AxisTaps rows, AxisTaps columns)
    {
        (Box box, int image, int level) = _regions[i];
        int channels = _maps[0].Channels, length = _size.H * _size.W * channels;
        Span<float> target = _output.AsSpan(i * length, length);
        if ((uint)level >= (uint)_maps.Length)
        {
            target.Clear();
            return;
        }
        ChannelsLastMap map = _maps[level];
        float scale = _scales[level], offset = _aligned ? 0.5f : 0;
        float x = box.X1 * scale - offset, y = box.Y1 * scale - offset;
        float width = box.X2 * scale - offset - x, height = box.Y2 * scale - offset - y;
        if (!_aligned)
            (width, height) = (MathF.Max(width, 1), MathF.Max(height, 1));
        float binHeight = height / _size.H, binWidth = width / _size.W;
        int rowSamples = AxisTaps.Samples(_samplingRatio, height, _size.H), columnSamples = AxisTaps.Samples(_samplingRatio, width, _size.W);
        rows.Set(y, binHeight, _size.H, rowSamples, map.Height);
        columns.Set(x, binWidth, _size.W, columnSamples, map.Width);
        float part = 1f / Math.Max((float)rowSamples * columnSamples, 1);
        ref float source = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(map.Values), (nint)image * map.Height * map.Width * channels);
        for (int row = 0; row < _size.H; row++)
        {
            for (int column = 0; column < _size.W; column++)
            {
                Sum(ref source, map, rows, row, columns, column, part, target.Slice((row * _size.W + column) * channels, channels));
            }
        }
    }

    /// <summary>One bin for all channels: four registers of sums at a time, over all pixels of the bin.</summary>
    private static void Sum(ref float source, ChannelsLastMap map, AxisTaps rows, int row, AxisTaps columns, int column, float part, Span<float> target)
    {
        ReadOnlySpan<int> ys = rows.Indices(row), xs = columns.Indices(column);
        ReadOnlySpan<float> yWeights = rows.Weights(row), xWeights = columns.Weights(column);
        int channels = map.Channels, lanes = Vector<float>.Count, c = 0;
        ref float result = ref MemoryMarshal.GetReference(target);
        for (; c <= channels - 4 * lanes; c += 4 * lanes)
        {
            Vector<float> a = default, b = default, d = default, e = default;
            for (int j = 0; j < ys.Length; j++)
            {
                float yWeight = yWeights[j] * part;
                nint line = (nint)ys[j] * map.Width * channels + c;
                for (int k = 0; k < xs.Length; k++)
                {
                    var weight = new Vector<float>(yWeight * xWeights[k]);
                    ref float pixel = ref Unsafe.Add(ref source, line + (nint)xs[k] * channels);
                    a = Vector.FusedMultiplyAdd(Vector.LoadUnsafe(ref pixel), weight, a);
                    b = Vector.FusedMultiplyAdd(Vector.LoadUnsafe(ref pixel, (nuint)lanes), weight, b);
                    d = Vector.FusedMultiplyAdd(Vector.LoadUnsafe(ref pixel, (nuint)(2 * lanes)), weight, d);
                    e = Vector.FusedMultiplyAdd(Vector.LoadUnsafe(ref pixel, (nuint)(3 * lanes)), weight, e);
                }
            }
            a.StoreUnsafe(ref result, (nuint)c);
            b.StoreUnsafe(ref result, (nuint)(c + lanes));
            d.StoreUnsafe(ref result, (nuint)(c + 2 * lanes));
            e.StoreUnsafe(ref result, (nuint)(c + 3 * lanes));
        }
        for (; c < channels; c++)
        {
            float sum = 0;
            for (int j = 0; j < ys.Length; j++)
            {
                for (int k = 0; k < xs.Length; k++)
                    sum += yWeights[j] * part * xWeights[k] * Unsafe.Add(ref source, ((nint)ys[j] * map.Width + xs[k]) * channels + c);
            }
            target[c] = sum;
        }
    }
}
