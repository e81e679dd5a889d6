namespace Backbones.Detection;

/// <summary>Memory that grows to the largest need and stays.</summary>
internal sealed class Grown<T>
{
    /// <summary>The memory itself, as long as the largest need so far.</summary>
    public T[] Array { get; private set; } = [];

    /// <summary>The first elements. What was there is lost where it has to grow.</summary>
    public Span<T> Span(int length) => Ensure(length).AsSpan(0, length);

    /// <summary>The first elements.</summary>
    public Memory<T> Memory(int length) => Ensure(length).AsMemory(0, length);

    /// <summary>The memory, with room for that many.</summary>
    public T[] Ensure(int length)
    {
        if (Array.Length < length)
            Array = GC.AllocateUninitializedArray<T>(length);
        return Array;
    }
}
