namespace TimmFeatures.Extraction;

/// <summary>Features of consecutive images; memory that is used again and again.</summary>
internal sealed class ComputedBatch(int size, int rowLength)
{
    private readonly float[] _values = GC.AllocateUninitializedArray<float>(checked(size * rowLength));
    private readonly string?[] _errors = new string?[size];

    /// <summary>Number of the first image.</summary>
    public int First { get; set; }

    /// <summary>Number of images.</summary>
    public int Count { get; set; }

    /// <summary>An image's values, all columns one after another.</summary>
    public Span<float> Values(int slot) => _values.AsSpan(slot * rowLength, rowLength);

    /// <summary>Why an image has none; null where it has.</summary>
    public ref string? Error(int slot) => ref _errors[slot];
}
