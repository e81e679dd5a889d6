using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Tests.Support;

/// <summary>What a row is and holds.</summary>
internal sealed record RowValues(long Position, DataViewRowId Id, Dictionary<string, object?> Values)
{
    public float[] Floats(string column) => (float[])Values[column]!;

    public int Number => (int)Values[nameof(TinyRow.Number)]!;

    /// <summary>The same row with the same values, features within the last digits of float32.</summary>
    public void AssertSame(RowValues other, bool comparePosition = true)
    {
        Assert.AreEqual(Id, other.Id);
        if (comparePosition)
            Assert.AreEqual(Position, other.Position);
        CollectionAssert.AreEquivalent(Values.Keys, other.Values.Keys);
        foreach ((string name, object? value) in Values)
        {
            if (value is float[] floats)
                AssertNear(floats, (float[])other.Values[name]!, $"{name} of row {Position}");
            else
                Assert.AreEqual(value, other.Values[name], name);
        }
    }

    public static void AssertNear(float[] expected, float[] actual, string what)
    {
        Assert.HasCount(expected.Length, actual, what);
        for (int i = 0; i < expected.Length; i++)
        {
            if (!(float.IsNaN(expected[i]) && float.IsNaN(actual[i])))
                Assert.AreEqual(expected[i], actual[i], 1e-5f * (1 + Math.Abs(expected[i])), $"{what}, value {i}");
        }
    }
}

/// <summary>Reads the active columns of whatever row a row or cursor is on.</summary>
internal sealed class RowReader
{
    private readonly DataViewRow _row;
    private readonly ValueGetter<DataViewRowId> _id;
    private readonly List<(string Name, Func<object?> Read)> _columns = [];

    public RowReader(DataViewRow row, IEnumerable<DataViewSchema.Column> columns)
    {
        _row = row;
        _id = row.GetIdGetter();
        foreach (DataViewSchema.Column column in columns)
            _columns.Add((column.Name, ReaderOf(row, column)));
    }

    public RowValues Read()
    {
        DataViewRowId id = default;
        _id(ref id);
        return new(_row.Position, id, _columns.ToDictionary(c => c.Name, c => c.Read()));
    }

    private static Func<object?> ReaderOf(DataViewRow row, DataViewSchema.Column column)
    {
        Type type = column.Type.RawType;
        if (type == typeof(VBuffer<float>))
        {
            ValueGetter<VBuffer<float>> getter = row.GetGetter<VBuffer<float>>(column);
            VBuffer<float> value = default;
            return () =>
            {
                getter(ref value);
                float[] copy = [.. value.DenseValues()];
                // The consumer may write to what it was given; nobody else's values change by it.
                VBufferEditor.CreateFromBuffer(ref value).Values.Fill(-77);
                return copy;
            };
        }
        if (type == typeof(int))
        {
            ValueGetter<int> getter = row.GetGetter<int>(column);
            return () =>
            {
                int value = 0;
                getter(ref value);
                return value;
            };
        }
        if (type == typeof(ReadOnlyMemory<char>))
        {
            ValueGetter<ReadOnlyMemory<char>> getter = row.GetGetter<ReadOnlyMemory<char>>(column);
            return () =>
            {
                ReadOnlyMemory<char> value = default;
                getter(ref value);
                return value.ToString();
            };
        }
        if (type == typeof(MLImage))
        {
            ValueGetter<MLImage> getter = row.GetGetter<MLImage>(column);
            return () =>
            {
                MLImage image = null!;
                getter(ref image);
                return image is null ? null : $"{image.Width}×{image.Height} {image.PixelFormat} {Convert.ToHexString(image.Pixels)}";
            };
        }
        throw new NotSupportedException($"{type}");
    }
}
