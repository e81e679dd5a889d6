using System.Buffers.Binary;

namespace Microsoft.ML.Internal.Utilities;

/// <summary>MurmurHash3 (x86, 32 bits; Austin Appleby).</summary>
internal static class MurmurHash3
{
    public static uint Hash(ReadOnlySpan<byte> bytes, uint seed)
    {
        uint hash = seed;
        int at = 0;
        for (; at + 4 <= bytes.Length; at += 4)
            hash = Round(hash, BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]));

        uint tail = 0;
        for (int i = bytes.Length - 1; i >= at; i--)
            tail = tail << 8 | bytes[i];
        if (at < bytes.Length)
            hash ^= Scramble(tail);

        hash ^= (uint)bytes.Length;
        hash = (hash ^ hash >> 16) * 0x85EBCA6B;
        hash = (hash ^ hash >> 13) * 0xC2B2AE35;
        return hash ^ hash >> 16;
    }

    /// <summary>One round, without the final mixing.</summary>
    public static uint Round(uint hash, uint chunk) => uint.RotateLeft(hash ^ Scramble(chunk), 13) * 5 + 0xE6546B64;

    private static uint Scramble(uint chunk) => uint.RotateLeft(chunk * 0xCC9E2D51, 15) * 0x1B873593;
}
