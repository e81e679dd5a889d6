using System.Collections;

namespace Microsoft.ML.Tests.Data;

/// <summary>Rows that count how often they are enumerated and how many are handed out.</summary>
internal sealed class CountingRows<TRow>(int count, Func<int, TRow> create) : IEnumerable<TRow>
{
    private int _enumerations;
    private int _rows;

    public int Enumerations => Volatile.Read(ref _enumerations);

    public int Rows => Volatile.Read(ref _rows);

    public IEnumerator<TRow> GetEnumerator()
    {
        Interlocked.Increment(ref _enumerations);
        return Enumerate();
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private IEnumerator<TRow> Enumerate()
    {
        for (int i = 0; i < count; i++)
        {
            Interlocked.Increment(ref _rows);
            yield return create(i);
        }
    }
}
