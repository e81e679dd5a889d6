using System.Numerics;

namespace Microsoft.ML.Data;

/// <summary>
/// 128 bits that tell the rows of a view apart. Derived ids come from rounds of MurmurHash3 (x64, 128 bits) with this id as the state,
/// so that they stay distinct without anyone keeping count.
/// </summary>
public readonly struct DataViewRowId : IComparable<DataViewRowId>, IEquatable<DataViewRowId>
{
    private const ulong C1 = 0x87c37b91114253d5;
    private const ulong C2 = 0x4cf5ad432745937f;

    /// <summary>The lower 64 bits.</summary>
    public readonly ulong Low;

    /// <summary>The upper 64 bits.</summary>
    public readonly ulong High;

    /// <summary>Creates an id from its halves.</summary>
    public DataViewRowId(ulong low, ulong high)
    {
        Low = low;
        High = high;
    }

    /// <summary>An id for a row made out of this one, other than <see cref="Next"/>.</summary>
    public DataViewRowId Fork()
    {
        // The block 1 comes after the round instead of before it. Ids show up in saved data, so ML.NET's order is kept.
        var next = Next();
        return new DataViewRowId(next.Low ^ BitOperations.RotateLeft(C1, 31) * C2, next.High);
    }

    /// <summary>An id for another row made out of this one.</summary>
    public DataViewRowId Next() => Round(0, 0);

    /// <summary>An id for a row made out of two.</summary>
    public DataViewRowId Combine(DataViewRowId other)
    {
        other = other.Fork();
        return Round(BitOperations.RotateLeft(other.Low * C1, 31) * C2, BitOperations.RotateLeft(other.High * C2, 33) * C1);
    }

    private DataViewRowId Round(ulong k1, ulong k2)
    {
        ulong low = (BitOperations.RotateLeft(Low ^ k1, 27) + High) * 5 + 0x52dce729;
        ulong high = (BitOperations.RotateLeft(High ^ k2, 31) + low) * 5 + 0x38495ab5;
        return new DataViewRowId(low, high);
    }

    /// <inheritdoc/>
    public int CompareTo(DataViewRowId other)
    {
        int byHigh = High.CompareTo(other.High);
        return byHigh != 0 ? byHigh : Low.CompareTo(other.Low);
    }

    /// <inheritdoc/>
    public bool Equals(DataViewRowId other) => Low == other.Low && High == other.High;

    /// <inheritdoc/>
    public override bool Equals(object obj) => obj is DataViewRowId other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Low, High);

    /// <summary>32 hexadecimal digits, the upper half first.</summary>
    public override string ToString() => $"{High:x16}{Low:x16}";
}
