using System.Buffers;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Backbones.Imaging.Resampling;

/// <summary>Which inner loops a resize runs on.</summary>
internal enum ResampleKernel
{
    Plain,
    Vector128,
    Vector256,
    Vector512,
}

/// <summary>Takes the finished rows of a resize, one after the other.</summary>
internal unsafe interface IRowSink
{
    /// <summary>Takes row <paramref name="y"/>, counted from the first row asked for, four bytes a pixel.</summary>
    void Row(int y, byte* pixels);
}

/// <summary>
/// Pillow's two-pass resize of 8-bit pictures: horizontal first, each pass rounded and clipped to bytes. Only rows and columns
/// that the tables ask for are made, and rows of the horizontal pass live in a ring just long enough for the vertical filter.
/// </summary>
internal static unsafe class Resampler
{
    /// <summary>Taps of the horizontal table are a multiple of this: the pixels in the longest vector.</summary>
    public const int HorizontalTapMultiple = 4;

    /// <summary>The fastest loops that this machine has.</summary>
    public static ResampleKernel Best { get; } =
        Avx512F.IsSupported && System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated ? ResampleKernel.Vector512
        : Avx2.IsSupported ? ResampleKernel.Vector256
        : System.Runtime.Intrinsics.Vector128.IsHardwareAccelerated ? ResampleKernel.Vector128
        : ResampleKernel.Plain;

    /// <summary>Refuses a resize that takes unreasonable work or memory: one pixel beside millions, turned into a picture.</summary>
    /// <exception cref="ArgumentException">It takes more than two thousand million weighted pixels, or more than a gigabyte beside the picture.</exception>
    public static void Check(int width, int height, ResampleTable horizontal, ResampleTable vertical)
    {
        const long MaxWork = 1L << 31, MaxScratchBytes = 1L << 30;
        long rows = vertical.Starts[^1] + vertical.Taps - vertical.Starts[0];
        long work = (rows * horizontal.Taps + (long)vertical.Count * vertical.Taps) * horizontal.Count;
        long scratch = RingBytes(horizontal, vertical) + Stride(horizontal) + ConvertedBytes(width, height, horizontal);
        if (work > MaxWork || scratch > MaxScratchBytes)
        {
            throw new ArgumentException(
                $"Scaling {width}×{height} pixels for an output of {horizontal.Count}×{vertical.Count} takes {work} weighted pixels and {scratch} bytes; at most {MaxWork} and {MaxScratchBytes} are allowed. The picture's shape is too extreme.");
        }
    }

    private static long Stride(ResampleTable horizontal) => (horizontal.Count * 4L + IResampleKernel.RowAlignment - 1) / IResampleKernel.RowAlignment * IResampleKernel.RowAlignment;

    private static long RingBytes(ResampleTable horizontal, ResampleTable vertical) => (vertical.Taps + IResampleKernel.RowsAtOnce - 1L) * Stride(horizontal);

    private static long ConvertedBytes(int width, int height, ResampleTable horizontal) => Math.Min(IResampleKernel.RowsAtOnce, height) * 4L * Math.Max(width, horizontal.Taps);

    /// <summary>Makes the rows of <paramref name="vertical"/>, each with the columns of <paramref name="horizontal"/>.</summary>
    /// <exception cref="ArgumentException">The resize is refused by <see cref="Check"/>.</exception>
    public static void Run<TSource, TSink>(TSource source, ResampleTable horizontal, ResampleTable vertical, ref TSink sink, ResampleKernel kernel)
        where TSource : struct, IRowSource
        where TSink : IRowSink, allows ref struct
    {
        Check(source.Width, source.Height, horizontal, vertical);
        switch (kernel)
        {
            case ResampleKernel.Vector512:
                Run<VectorResampleKernel<ResampleLanes512, Vector512<int>>, TSource, TSink>(source, horizontal, vertical, ref sink);
                break;
            case ResampleKernel.Vector256:
                Run<VectorResampleKernel<ResampleLanes256, Vector256<int>>, TSource, TSink>(source, horizontal, vertical, ref sink);
                break;
            case ResampleKernel.Vector128:
                Run<VectorResampleKernel<ResampleLanes128, Vector128<int>>, TSource, TSink>(source, horizontal, vertical, ref sink);
                break;
            default:
                Run<PlainResampleKernel, TSource, TSink>(source, horizontal, vertical, ref sink);
                break;
        }
    }

    private static void Run<TKernel, TSource, TSink>(TSource source, ResampleTable horizontal, ResampleTable vertical, ref TSink sink)
        where TKernel : IResampleKernel
        where TSource : struct, IRowSource
        where TSink : IRowSink, allows ref struct
    {
        const int Rows = IResampleKernel.RowsAtOnce;
        int stride = (int)Stride(horizontal), ringRows = vertical.Taps + Rows - 1, ringBytes = (int)RingBytes(horizontal, vertical);
        // A row shorter than the filter is followed by pixels that its weights of zero may read.
        bool direct = source.IsDirect && source.Width >= horizontal.Taps;
        int convertedWidth = Math.Max(source.Width, horizontal.Taps), convertedRows = Math.Min(Rows, source.Height);
        int convertedBytes = direct ? 0 : (int)ConvertedBytes(source.Width, source.Height, horizontal);

        byte[] scratch = ArrayPool<byte>.Shared.Rent(ringBytes + stride + convertedBytes);
        try
        {
            fixed (byte* ring = scratch)
            fixed (int* starts = horizontal.Starts, weights = horizontal.Weights, verticalWeights = vertical.Weights)
            {
                byte* ringEnd = ring + ringBytes, line = ringEnd, converted = line + stride;
                if (!direct && source.Width < convertedWidth)
                {
                    new Span<byte>(converted, convertedBytes).Clear();
                }

                byte** sources = stackalloc byte*[Rows];
                byte** targets = stackalloc byte*[Rows];
                int made = 0;
                for (int y = 0; y < vertical.Count; y++)
                {
                    int first = vertical.Starts[y], end = first + vertical.Taps;
                    for (made = Math.Max(made, first); made < end; made += Rows)
                    {
                        for (int i = 0; i < Rows; i++)
                        {
                            int row = Math.Min(made + i, source.Height - 1);
                            // Beyond the last row there is that row again.
                            int place = Math.Min(i, convertedRows - 1);
                            sources[i] = direct ? source.Direct(row) : converted + (nint)place * 4 * convertedWidth;
                            if (!direct && place == i)
                            {
                                source.Convert(row, (uint*)sources[i]);
                            }

                            targets[i] = ring + (nint)((made + i) % ringRows) * stride;
                        }
                        TKernel.Horizontal(sources, targets, starts, weights, horizontal.Taps, horizontal.Count);
                    }
                    TKernel.Vertical(ring + (nint)(first % ringRows) * stride, ring, ringEnd, stride, verticalWeights + (nint)y * vertical.Taps, vertical.Taps, line);
                    sink.Row(y, line);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }
}
