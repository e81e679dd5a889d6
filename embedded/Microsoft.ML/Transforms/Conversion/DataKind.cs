namespace Microsoft.ML.Data;

/// <summary>The kinds of simple values.</summary>
public enum DataKind : byte
{
    /// <summary>1-byte integer, signed.</summary>
    SByte = 1,

    /// <summary>1-byte integer, unsigned.</summary>
    Byte = 2,

    /// <summary>2-byte integer, signed.</summary>
    Int16 = 3,

    /// <summary>2-byte integer, unsigned.</summary>
    UInt16 = 4,

    /// <summary>4-byte integer, signed.</summary>
    Int32 = 5,

    /// <summary>4-byte integer, unsigned.</summary>
    UInt32 = 6,

    /// <summary>8-byte integer, signed.</summary>
    Int64 = 7,

    /// <summary>8-byte integer, unsigned.</summary>
    UInt64 = 8,

    /// <summary>4-byte floating point.</summary>
    Single = 9,

    /// <summary>8-byte floating point.</summary>
    Double = 10,

    /// <summary>Text.</summary>
    String = 11,

    /// <summary>True or false.</summary>
    Boolean = 12,

    /// <summary>A duration.</summary>
    TimeSpan = 13,

    /// <summary>A date and time of day.</summary>
    DateTime = 14,

    /// <summary>A date and time of day with its distance from UTC.</summary>
    DateTimeOffset = 15,
}
