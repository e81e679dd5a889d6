using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>Partial loads and stores for machines without masked ones.</summary>
internal static unsafe class LaneCopy
{
    public static T Load<T>(float* source, nint count) where T : unmanaged
    {
        T value = default;
        float* lanes = (float*)&value;
        for (nint i = 0; i < count; i++)
            lanes[i] = source[i];
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Store<T>(T value, float* target, nint count) where T : unmanaged
    {
        float* lanes = (float*)&value;
        for (nint i = 0; i < count; i++)
            target[i] = lanes[i];
    }
}
