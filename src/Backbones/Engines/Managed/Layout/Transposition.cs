using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Backbones.Engines.Managed;

/// <summary>Exchanges rows and columns in blocks of 4 × 4: one shuffle for every two values instead of a load and a store for each.</summary>
internal static unsafe class Transposition
{
    /// <summary>target[c · targetDistance + r] = source[r · sourceDistance + c].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(float* source, nint sourceDistance, float* target, nint targetDistance, nint rows, nint columns)
    {
        nint r = 0;
        if (Sse.IsSupported || AdvSimd.Arm64.IsSupported)
        {
            for (; r <= rows - 4; r += 4)
            {
                float* s = source + r * sourceDistance, t = target + r;
                nint c = 0;
                for (; c <= columns - 4; c += 4)
                    Block(s + c, sourceDistance, t + c * targetDistance, targetDistance);
                for (; c < columns; c++)
                {
                    for (nint i = 0; i < 4; i++)
                        t[c * targetDistance + i] = s[i * sourceDistance + c];
                }
            }
        }
        for (; r < rows; r++)
        {
            for (nint c = 0; c < columns; c++)
                target[c * targetDistance + r] = source[r * sourceDistance + c];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Block(float* s, nint sourceDistance, float* t, nint targetDistance)
    {
        Vector128<float> a = Vector128.Load(s), b = Vector128.Load(s + sourceDistance);
        Vector128<float> c = Vector128.Load(s + 2 * sourceDistance), d = Vector128.Load(s + 3 * sourceDistance);
        // a0 c0 a1 c1 …, then a0 b0 c0 d0.
        Vector128<float> ac = Low(a, c), bd = Low(b, d), ac2 = High(a, c), bd2 = High(b, d);
        Low(ac, bd).Store(t);
        High(ac, bd).Store(t + targetDistance);
        Low(ac2, bd2).Store(t + 2 * targetDistance);
        High(ac2, bd2).Store(t + 3 * targetDistance);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Low(Vector128<float> a, Vector128<float> b) => Sse.IsSupported ? Sse.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> High(Vector128<float> a, Vector128<float> b) => Sse.IsSupported ? Sse.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);
}
