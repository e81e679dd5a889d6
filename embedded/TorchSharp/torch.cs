namespace TorchSharp;

/// <summary>The entry points that are no tensor's own.</summary>
public static partial class torch
{
    public enum ScalarType : sbyte
    {
        Int64 = 4,
        Float16 = 5,
        Float32 = 6,
        BFloat16 = 15,
    }

    public enum InterpolationMode
    {
        Nearest = 0,
        Bilinear = 2,
        Bicubic = 3,
    }

    public sealed class Device(DeviceType type, int index = -1)
    {
        public DeviceType type { get; } = type;

        public int index { get; } = index;
    }

    public static bool TryInitializeDeviceType(DeviceType deviceType) => deviceType == DeviceType.CPU;

    public static IDisposable inference_mode(bool mode = true) => new Mode();

    public static int get_num_threads() => Environment.ProcessorCount;

    /// <summary>The reference kernels take all cores.</summary>
    public static void set_num_threads(int num) => ArgumentOutOfRangeException.ThrowIfLessThan(num, 1);

    /// <summary>A flat tensor over an array's memory (float) or a copy of it (long).</summary>
    public static Tensor frombuffer(Array rawArray, ScalarType dtype, long count = -1, long offset = 0)
    {
        int length = checked((int)(count < 0 ? rawArray.LongLength - offset : count));
        return rawArray switch
        {
            float[] values => new Tensor(values.AsMemory((int)offset, length), [length], dtype),
            long[] values => new Tensor(Array.ConvertAll(values[(int)offset..((int)offset + length)], v => (float)v), [length], dtype),
            _ => throw new NotSupportedException($"The embedded TorchSharp has no tensors over {rawArray.GetType().Name}."),
        };
    }

    public static Tensor empty(long size, ScalarType? dtype = null) => new(new float[size], [size], dtype ?? ScalarType.Float32);

    public static Tensor cat(Tensor[] tensors, long dim = 0) => Operators.Concat(tensors, dim);

    public static class cuda
    {
        public static bool is_available() => false;

        public static int device_count() => 0;
    }

    public static class backends
    {
        public static class cuda
        {
            public static class matmul
            {
                public static bool allow_tf32 { get; set; }
            }
        }

        public static class cudnn
        {
            public static bool allow_tf32 { get; set; }
        }
    }

    private sealed class Mode : IDisposable
    {
        public void Dispose()
        {
        }
    }
}
