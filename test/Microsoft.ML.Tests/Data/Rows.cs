using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Data;

/// <summary>A plain row.</summary>
internal sealed class NumberedRow
{
    public int Number { get; set; }

    public float Value { get; set; }

    public string Text { get; set; } = "";

    [VectorType(2)]
    public float[] Pair { get; set; } = [];

    public static NumberedRow Create(int i) => new() { Number = i, Value = i * 0.5f, Text = $"row {i}", Pair = [i, -i] };
}

/// <summary>Its number alone.</summary>
internal sealed class NumberOnly
{
    public int Number { get; set; }
}

/// <summary>What the tests' mapping adds.</summary>
internal sealed class Doubled
{
    public int Twice { get; set; }
}

/// <summary>Data made of such rows.</summary>
internal static class Rows
{
    public static IDataView Load(MLContext ml, int count) => ml.Data.LoadFromEnumerable(Enumerable.Range(0, count).Select(NumberedRow.Create).ToArray());

    public static int[] Numbers(IDataView data) => [.. data.GetColumn<int>(nameof(NumberedRow.Number))];

    /// <summary>Reads a cursor to its end.</summary>
    public static List<int> ReadNumbers(DataViewRowCursor cursor)
    {
        var numbers = new List<int>();
        var get = cursor.GetGetter<int>(cursor.Schema[nameof(NumberedRow.Number)]);
        int value = 0;
        while (cursor.MoveNext())
        {
            get(ref value);
            numbers.Add(value);
        }
        return numbers;
    }
}
