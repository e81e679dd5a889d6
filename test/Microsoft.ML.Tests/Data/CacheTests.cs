using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Data;

[TestClass]
public class CacheTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void ColumnIsReadOnce()
    {
        var rows = new CountingRows<NumberedRow>(500, NumberedRow.Create);
        var cache = _ml.Data.Cache(_ml.Data.LoadFromEnumerable(rows));
        Assert.AreEqual(0, rows.Enumerations);
        for (int i = 0; i < 3; i++)
            Assert.AreEqual(500, Rows.Numbers(cache).Length);
        Assert.AreEqual(1, rows.Enumerations);
        Assert.AreEqual(500, cache.GetColumn<float>("Value").Count());
        Assert.AreEqual(2, rows.Enumerations);
        Assert.AreEqual(500L, cache.GetRowCount());
    }

    [TestMethod]
    public void PrefetchedColumnsAreReadTogether()
    {
        var rows = new CountingRows<NumberedRow>(50, NumberedRow.Create);
        var cache = _ml.Data.Cache(_ml.Data.LoadFromEnumerable(rows), "Number", "Value");
        Assert.AreEqual(50, Rows.Numbers(cache).Length);
        Assert.AreEqual(50, cache.GetColumn<float>("Value").Count());
        Assert.AreEqual(1, rows.Enumerations);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.Cache(cache, "None"));
    }

    [TestMethod]
    public void ClosingACursorEarlyDoesNotReadTwice()
    {
        var rows = new CountingRows<NumberedRow>(5000, NumberedRow.Create);
        var cache = _ml.Data.Cache(_ml.Data.LoadFromEnumerable(rows));
        using (var cursor = cache.GetRowCursor([cache.Schema["Number"]]))
            Assert.IsTrue(cursor.MoveNext());
        Assert.AreEqual(5000, Rows.Numbers(cache).Length);
        Assert.AreEqual(1, rows.Enumerations);
    }

    [TestMethod]
    public void CursorsAtTheSameTimeShareOnePass()
    {
        var rows = new CountingRows<NumberedRow>(3000, NumberedRow.Create);
        var cache = _ml.Data.Cache(_ml.Data.LoadFromEnumerable(rows));
        var readers = Enumerable.Range(0, 4).Select(_ => Task.Run(() => Rows.Numbers(cache).Length)).ToArray();
        Assert.IsTrue(readers.All(r => r.Result == 3000));
        Assert.AreEqual(1, rows.Enumerations);
    }

    [TestMethod]
    public void AllValuesAreKept()
    {
        var cached = _ml.Data.CreateEnumerable<NumberedRow>(_ml.Data.Cache(Rows.Load(_ml, 2500)), reuseRowObject: false).ToArray();
        Assert.AreEqual(2500, cached.Length);
        Assert.IsTrue(cached.Select((r, i) => r.Number == i && r.Text == $"row {i}" && r.Value == i * 0.5f && r.Pair[0] == i && r.Pair[1] == -i).All(ok => ok));
    }

    private sealed class SparseRow
    {
        public VBuffer<float> Vector { get; set; }
    }

    [TestMethod]
    public void SparseVectorsStaySparse()
    {
        var data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 70).Select(i => new SparseRow { Vector = new(100, 1, [(float)i], [i]) }));
        int row = 0;
        foreach (var vector in _ml.Data.Cache(data).GetColumn<VBuffer<float>>("Vector"))
        {
            Assert.IsFalse(vector.IsDense);
            Assert.AreEqual(row, vector.GetIndices()[0]);
            Assert.AreEqual((float)row++, vector.GetValues()[0]);
        }
        Assert.AreEqual(70, row);
    }

    [TestMethod]
    public void CacheShufflesByTheCallersRandom()
    {
        var cache = _ml.Data.Cache(Rows.Load(_ml, 30));
        Assert.IsTrue(cache.CanShuffle);
        using var cursor = cache.GetRowCursor([cache.Schema["Number"]], new Random(3));
        Assert.AreEqual("8,21,26,0,18,9,12,28,15,16,20,2,24,13,3,7,17,14,27,6,22,11,25,23,29,4,5,1,10,19", string.Join(",", Rows.ReadNumbers(cursor)));
    }

    [TestMethod]
    public void CursorSetsCanShuffleToo()
    {
        var cache = _ml.Data.Cache(Rows.Load(_ml, 300));
        var numbers = new List<int>();
        foreach (var cursor in cache.GetRowCursorSet([cache.Schema["Number"]], 3, new Random(3)))
        {
            using (cursor)
                numbers.AddRange(Rows.ReadNumbers(cursor));
        }
        CollectionAssert.AreEquivalent(Enumerable.Range(0, 300).ToArray(), numbers);
        CollectionAssert.AreNotEqual(Enumerable.Range(0, 300).ToArray(), numbers);
    }

    [TestMethod]
    public void ErrorOfTheSourceReachesTheReader()
    {
        var rows = new CountingRows<NumberedRow>(100, i => i < 50 ? NumberedRow.Create(i) : throw new FormatException("row 50 is bad"));
        var cache = _ml.Data.Cache(_ml.Data.LoadFromEnumerable(rows));
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => Rows.Numbers(cache));
        Assert.AreEqual("row 50 is bad", error.InnerException!.Message);
    }
}
