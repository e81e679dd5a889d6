using Microsoft.ML.Internal.Utilities;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Makes the random generators of this library.</summary>
internal static class RandomUtils
{
    public static TauswortheHybrid Create(int? seed) => seed is int value ? new((uint)value) : new(new Random());

    public static TauswortheHybrid Create(uint? seed) => seed is uint value ? new(value) : new(new Random());

    /// <summary>A generator whose state is drawn from another one.</summary>
    public static TauswortheHybrid Create(Random source) => new(source);
}

/// <summary>
/// The combined Tausworthe and linear congruential generator (Howes and Thomas, "Efficient Random Number Generation and Application
/// Using CUDA", GPU Gems 3, chapter 37) that ML.NET uses: the same seed gives the same splits and shuffles.
/// </summary>
internal sealed class TauswortheHybrid : Random
{
    private uint _z1, _z2, _z3, _z4;

    public TauswortheHybrid(uint seed)
    {
        _z1 = seed;
        _z2 = MurmurHash3.Round(_z1, seed);
        _z3 = MurmurHash3.Round(_z2, seed);
        _z4 = MurmurHash3.Round(_z3, seed);
    }

    public TauswortheHybrid(Random source)
    {
        _z1 = DrawState(source);
        _z2 = DrawState(source);
        _z3 = DrawState(source);
        _z4 = Draw(source);
    }

    public override float NextSingle() => (NextUInt32() >> 9) * (1f / (1 << 23));

    public override double NextDouble() => NextUInt32() * (1.0 / (1L << 32));

    public override int Next()
    {
        uint u = NextUInt32();
        return (int)(u + (u & 0x80000000u));
    }

    public override int Next(int maxValue)
    {
        Contracts.CheckParam(maxValue >= 0, nameof(maxValue), "maxValue must be non-negative");
        return (int)((ulong)NextUInt32() * (ulong)maxValue >> 32);
    }

    public override int Next(int minValue, int maxValue)
    {
        Contracts.CheckParam(minValue <= maxValue, nameof(minValue), "minValue must be less than or equal to maxValue.");
        return (int)((long)(NextDouble() * ((long)maxValue - minValue)) + minValue);
    }

    /// <summary>Any of the 32-bit integers, negative ones too.</summary>
    public int NextSigned() => (int)NextUInt32();

    public override void NextBytes(byte[] buffer) => NextBytes(buffer.AsSpan());

    public override void NextBytes(Span<byte> buffer)
    {
        foreach (ref byte b in buffer)
            b = (byte)Next();
    }

    private uint NextUInt32()
    {
        _z1 = Tausworthe(_z1, 13, 19, 12, ~0x1u);
        _z2 = Tausworthe(_z2, 2, 25, 4, ~0x7u);
        _z3 = Tausworthe(_z3, 3, 11, 17, ~0xFu);
        _z4 = 1664525 * _z4 + 1013904223;
        return _z1 ^ _z2 ^ _z3 ^ _z4;
    }

    private static uint Tausworthe(uint z, int s1, int s2, int s3, uint mask) => (z & mask) << s3 ^ (z << s1 ^ z) >> s2;

    private static uint Draw(Random source) => (uint)source.Next(0x10000) << 16 | (uint)source.Next(0x10000);

    // The first three parts of the state degenerate when small.
    private static uint DrawState(Random source)
    {
        uint u;
        do
            u = Draw(source);
        while (u < 128);
        return u;
    }
}
