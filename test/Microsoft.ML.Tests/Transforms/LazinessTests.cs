using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Transforms;

[TestClass]
public sealed class LazinessTests
{
    private readonly MLContext _mlContext = new(seed: 1);

    private sealed class Row
    {
        public float A { get; set; }
        public float B { get; set; }
    }

    private int _rowsRead;

    private IEnumerable<Row> Read()
    {
        for (int i = 0; i < 4; i++)
        {
            _rowsRead++;
            yield return new Row { A = i, B = -i };
        }
    }

    [TestMethod]
    public void TransformingReadsNoRow()
    {
        IDataView data = _mlContext.Data.LoadFromEnumerable(Read());
        var copy = _mlContext.Transforms.CopyColumns("C", "A").Append(_mlContext.Transforms.Concatenate("F", "A", "B")).Fit(data);
        IDataView output = copy.Transform(data);
        Assert.AreEqual(3 + 1, output.Schema.Count);
        Assert.AreEqual(0, _rowsRead);
        Assert.AreEqual(4, output.GetColumn<float>("C").Count());
        Assert.AreEqual(4, _rowsRead);
    }

    [TestMethod]
    public void OnlyTheRequestedColumnsAreActive()
    {
        IDataView data = _mlContext.Data.LoadFromEnumerable(new[] { new Row { A = 1, B = 2 } });
        IDataView output = _mlContext.Transforms.CopyColumns("C", "A").Fit(data).Transform(data);

        using DataViewRowCursor cursor = output.GetRowCursor([output.Schema["C"]]);
        Assert.AreSame(output.Schema, cursor.Schema);
        Assert.IsTrue(cursor.IsColumnActive(output.Schema["C"]));
        Assert.IsFalse(cursor.IsColumnActive(output.Schema["B"]));
        Assert.IsTrue(cursor.MoveNext());
        float value = 0;
        cursor.GetGetter<float>(output.Schema["C"])(ref value);
        Assert.AreEqual(1, value);
        Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<VBuffer<float>>(output.Schema["C"]));
        Assert.IsFalse(cursor.MoveNext());
    }

    [TestMethod]
    public void ACursorSetCoversEveryRowOnce()
    {
        IDataView data = _mlContext.Data.LoadFromEnumerable(Enumerable.Range(0, 100).Select(i => new Row { A = i }).ToArray());
        IDataView output = _mlContext.Transforms.CopyColumns("C", "A").Fit(data).Transform(data);

        var seen = new List<float>();
        foreach (DataViewRowCursor cursor in output.GetRowCursorSet([output.Schema["C"]], 3))
        {
            using (cursor)
            {
                var getter = cursor.GetGetter<float>(output.Schema["C"]);
                float value = 0;
                while (cursor.MoveNext())
                {
                    getter(ref value);
                    seen.Add(value);
                }
            }
        }
        CollectionAssert.AreEqual(Enumerable.Range(0, 100).Select(i => (float)i).ToArray(), seen.Order().ToArray());
    }
}
