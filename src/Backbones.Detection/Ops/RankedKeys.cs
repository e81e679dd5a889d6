using System.Runtime.CompilerServices;

namespace Backbones.Detection;

/// <summary>Scores as integers that sort as PyTorch sorts them, descending and stable: NaN first, then by falling value, equal ones by their number.</summary>
internal static class RankedKeys
{
    /// <summary>Elements up to which all are sorted where only the best are wanted.</summary>
    private const int SmallSelection = 64;

    /// <summary>The key of a score and its number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of(float score, int index)
    {
        // Adding zero makes one of both zeros. Ascending by bits: negative numbers inverted, others above them.
        uint bits = BitConverter.SingleToUInt32Bits(score + 0f);
        uint ascending = float.IsNaN(score) ? uint.MaxValue : (int)bits < 0 ? ~bits : bits | 0x8000_0000;
        return (ulong)~ascending << 32 | (uint)index;
    }

    /// <summary>The number in a key.</summary>
    public static int Index(ulong key) => (int)(uint)key;

    /// <summary>Brings the <paramref name="count"/> smallest keys to the front, in order.</summary>
    public static void SelectFirst(Span<ulong> keys, int count)
    {
        Span<ulong> rest = keys;
        int wanted = count;
        // Quickselect: afterwards the smallest are in front, in any order. All keys differ.
        while (wanted > 0 && wanted < rest.Length && rest.Length > SmallSelection)
        {
            int smaller = Partition(rest);
            if (smaller >= wanted)
            {
                rest = rest[..smaller];
            }
            else
            {
                rest = rest[smaller..];
                wanted -= smaller;
            }
        }
        if (wanted < rest.Length)
            rest.Sort();
        keys[..count].Sort();
    }

    /// <summary>Moves keys up to a pivot to the front; returns how many: at least one, and not all, as the pivot is not the largest.</summary>
    private static int Partition(Span<ulong> keys)
    {
        ulong a = keys[0], b = keys[keys.Length / 2], c = keys[^1];
        ulong pivot = Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));
        int i = -1, j = keys.Length;
        while (true)
        {
            do
                i++;
            while (keys[i] < pivot);
            do
                j--;
            while (keys[j] > pivot);
            if (i >= j)
                return j + 1;
            (keys[i], keys[j]) = (keys[j], keys[i]);
        }
    }
}
