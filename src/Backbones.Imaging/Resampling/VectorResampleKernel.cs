using System.Runtime.Intrinsics;

namespace Backbones.Imaging.Resampling;

/// <summary>
/// The loops on vectors of 32-bit lanes. Horizontal: a vector holds 1, 2 or 4 neighbouring pixels of a row, four rows at a time share
/// the weights and one final addition across pixels. Vertical: a vector holds bytes of a row, four vectors at a time share a weight.
/// </summary>
/// <remarks>
/// Measured for timm's whole transform (500×375 Bgra32, bicubic to 313×235, centre 224×224 as floats; one Zen 5 core, best of 60, same
/// run): 2.3 ms with the plain loops, 0.41 ms with vectors of 128 bits, 0.19 ms with 256, 0.13 ms with 512 (17 times as fast as plain);
/// of the last, 0.07 ms horizontal, 0.02 ms vertical, the rest normalisation. 16-bit multiply-add with weights split in two would take as
/// many instructions as the 32-bit multiplication.
/// </remarks>
internal readonly unsafe struct VectorResampleKernel<TLanes, TVector> : IResampleKernel
    where TLanes : IResampleLanes<TVector>
    where TVector : struct
{
    public static void Horizontal(byte** sources, byte** targets, int* starts, int* weights, int taps, int count)
    {
        byte* s0 = sources[0], s1 = sources[1], s2 = sources[2], s3 = sources[3];
        byte* t0 = targets[0], t1 = targets[1], t2 = targets[2], t3 = targets[3];
        for (int x = 0; x < count; x++)
        {
            nint offset = 4 * (nint)starts[x];
            nint end = offset + 4 * (nint)taps;
            TVector a = TLanes.Broadcast(0), b = a, c = a, d = a;
            for (; offset < end; offset += 4 * TLanes.Pixels, weights += TLanes.Pixels)
            {
                var weight = TLanes.LoadWeights(weights);
                a = TLanes.MultiplyAdd(a, TLanes.LoadPixels(s0 + offset), weight);
                b = TLanes.MultiplyAdd(b, TLanes.LoadPixels(s1 + offset), weight);
                c = TLanes.MultiplyAdd(c, TLanes.LoadPixels(s2 + offset), weight);
                d = TLanes.MultiplyAdd(d, TLanes.LoadPixels(s3 + offset), weight);
            }
            var pixels = TLanes.SumToBytes(a, b, c, d).AsUInt32();
            ((uint*)t0)[x] = pixels[0];
            ((uint*)t1)[x] = pixels[1];
            ((uint*)t2)[x] = pixels[2];
            ((uint*)t3)[x] = pixels[3];
        }
    }

    public static void Vertical(byte* row, byte* ring, byte* ringEnd, int stride, int* weights, int taps, byte* target)
    {
        int step = 4 * TLanes.Pixels;
        for (int x = 0; x < stride; x += 4 * step)
        {
            TVector a = TLanes.Broadcast(0), b = a, c = a, d = a;
            byte* source = row;
            for (int t = 0; t < taps; t++)
            {
                var weight = TLanes.Broadcast(weights[t]);
                a = TLanes.MultiplyAdd(a, TLanes.LoadPixels(source + x), weight);
                b = TLanes.MultiplyAdd(b, TLanes.LoadPixels(source + x + step), weight);
                c = TLanes.MultiplyAdd(c, TLanes.LoadPixels(source + x + 2 * step), weight);
                d = TLanes.MultiplyAdd(d, TLanes.LoadPixels(source + x + 3 * step), weight);
                source += stride;
                if (source == ringEnd)
                {
                    source = ring;
                }
            }
            TLanes.StoreBytes(target + x, a);
            TLanes.StoreBytes(target + x + step, b);
            TLanes.StoreBytes(target + x + 2 * step, c);
            TLanes.StoreBytes(target + x + 3 * step, d);
        }
    }
}
