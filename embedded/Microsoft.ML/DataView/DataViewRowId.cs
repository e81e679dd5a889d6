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

    /// <summary>An id for a row made out of this one: a round with the block (1, 0).</summary>
    public DataViewRowId Fork() => Round(BitOperations.RotateLeft(C1, 31) * C2, 0, forkOnly: true);

    /// <summary>An id for the next row made out of this one: a round with the block (0, 0).</summary>
    public DataViewRowId Next() => Round(0, 0, forkOnly: true);

    /// <summary>An id for a row made out of two: a round with the other id's fork as the block.</summary>
    public DataViewRowId Combine(DataViewRowId other)
    {
        other = other.Fork();
        ulong k1 = BitOperations.RotateLeft(other.Low * C1, 31) * C2;
        ulong k2 = BitOperations.RotateLeft(other.High * C2, 33) * C1;
        return Round(k1, k2, forkOnly: false);
    }

    // ML.NET adds a fork's block after the mixing and a combined id's block before it. Ids reach the user's eyes (and split columns), so the order is kept.
    private DataViewRowId Round(ulong k1, ulong k2, bool forkOnly)
    {
        ulong low = forkOnly ? Low : Low ^ k1;
        ulong high = High;
        low = (BitOperations.RotateLeft(low, 27) + high) * 5 + 0x52dce729;
        high = (BitOperations.RotateLeft(high ^ k2, 31) + low) * 5 + 0x38495ab5;
        return new DataViewRowId(forkOnly ? low ^ k1 : low, high);
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
