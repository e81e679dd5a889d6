using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Data;

/// <summary>Operations on rows. The random orders were read off the real package.</summary>
[TestClass]
public class RowOperationTests
{
    private readonly MLContext _ml = new(seed: 1);

    private static int[] Range(int start, int end) => [.. Enumerable.Range(start, end - start)];

    private sealed class Missing
    {
        public int Number { get; set; }

        public float Single { get; set; }

        public double[] Doubles { get; set; } = [];

        [KeyType(2)]
        public uint Key { get; set; }

        public string Text { get; set; } = "";
    }

    [TestMethod]
    public void TakeAndSkip()
    {
        var data = Rows.Load(_ml, 10);
        CollectionAssert.AreEqual(Range(0, 3), Rows.Numbers(_ml.Data.TakeRows(data, 3)));
        CollectionAssert.AreEqual(Range(0, 10), Rows.Numbers(_ml.Data.TakeRows(data, 30)));
        CollectionAssert.AreEqual(Range(7, 10), Rows.Numbers(_ml.Data.SkipRows(data, 7)));
        CollectionAssert.AreEqual(Range(0, 0), Rows.Numbers(_ml.Data.SkipRows(data, 20)));
        CollectionAssert.AreEqual(Range(4, 6), Rows.Numbers(_ml.Data.TakeRows(_ml.Data.SkipRows(data, 4), 2)));
        Assert.AreEqual(0L, _ml.Data.SkipRows(data, 20).GetRowCount());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.TakeRows(data, 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.SkipRows(data, -1));
    }

    [TestMethod]
    public void TakeReadsNoFurtherThanNeeded()
    {
        var rows = new CountingRows<NumberedRow>(1000, NumberedRow.Create);
        CollectionAssert.AreEqual(Range(0, 5), Rows.Numbers(_ml.Data.TakeRows(_ml.Data.LoadFromEnumerable(rows), 5)));
        Assert.AreEqual(5, rows.Rows);
    }

    [TestMethod]
    public void RangeIncludesItsLowerBoundOnly()
    {
        var data = Rows.Load(_ml, 10);
        CollectionAssert.AreEqual(Range(2, 6), Rows.Numbers(_ml.Data.FilterRowsByColumn(data, "Value", 1, 3)));
        CollectionAssert.AreEqual(Range(0, 10), Rows.Numbers(_ml.Data.FilterRowsByColumn(data, "Value")));
        Assert.IsNull(_ml.Data.FilterRowsByColumn(data, "Value", 1, 3).GetRowCount());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.FilterRowsByColumn(data, "Value", 2, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.FilterRowsByColumn(data, "Text", 0, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.FilterRowsByColumn(data, "Number", 0, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.FilterRowsByColumn(data, "None", 0, 1));
    }

    [TestMethod]
    public void RangeDropsNaN()
    {
        var data = _ml.Data.LoadFromEnumerable(new[] { 1, float.NaN, 2, float.PositiveInfinity }.Select((v, i) => new Missing { Number = i, Single = v }));
        CollectionAssert.AreEqual(new[] { 0, 2 }, Rows.Numbers(_ml.Data.FilterRowsByColumn(data, "Single")));
    }

    [TestMethod]
    public void KeyFractionTakesAShareOfTheKeys()
    {
        var data = _ml.Data.LoadFromEnumerable(new uint[] { 0, 1, 9, 0 }.Select((k, i) => new Missing { Number = i, Key = k }));
        CollectionAssert.AreEqual(new[] { 0, 3 }, Rows.Numbers(_ml.Data.FilterRowsByKeyColumnFraction(data, "Key", 0, 0.5)));
        CollectionAssert.AreEqual(new[] { 1 }, Rows.Numbers(_ml.Data.FilterRowsByKeyColumnFraction(data, "Key", 0.5, 1)));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.FilterRowsByKeyColumnFraction(data, "Single"));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.FilterRowsByKeyColumnFraction(data, "Key", 0, 2));
    }

    [TestMethod]
    public void MissingValuesAreNaNAndMissingKeys()
    {
        var data = _ml.Data.LoadFromEnumerable(
        [
            new Missing { Number = 0, Single = 1, Doubles = [1, 2] },
            new Missing { Number = 1, Single = float.NaN, Doubles = [1, 2] },
            new Missing { Number = 2, Single = 1, Doubles = [1, double.NaN] },
            new Missing { Number = 3, Single = 1, Doubles = [], Key = 5 },
        ]);
        CollectionAssert.AreEqual(new[] { 0, 2, 3 }, Rows.Numbers(_ml.Data.FilterRowsByMissingValues(data, "Single")));
        CollectionAssert.AreEqual(new[] { 0, 1, 3 }, Rows.Numbers(_ml.Data.FilterRowsByMissingValues(data, "Doubles")));
        CollectionAssert.AreEqual(new[] { 0, 1, 2 }, Rows.Numbers(_ml.Data.FilterRowsByMissingValues(data, "Key")));
        CollectionAssert.AreEqual(new[] { 0 }, Rows.Numbers(_ml.Data.FilterRowsByMissingValues(data, "Single", "Doubles", "Key")));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.FilterRowsByMissingValues(data));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.FilterRowsByMissingValues(data, "Text"));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.FilterRowsByMissingValues(data, "None"));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.FilterRowsByMissingValues(data, "Single", "Single"));
    }

    [TestMethod]
    public void FilterColumnIsComputedOnceARow()
    {
        int calls = 0;
        var data = Rows.Load(_ml, 20);
        var mapped = _ml.Transforms.CustomMapping<NumberOnly, Valued>((s, d) =>
        {
            Interlocked.Increment(ref calls);
            d.Computed = s.Number;
        }, null).Fit(data).Transform(data);
        CollectionAssert.AreEqual(new[] { 5f, 6f, 7f }, _ml.Data.FilterRowsByColumn(mapped, "Computed", 5, 8).GetColumn<float>("Computed").ToArray());
        Assert.AreEqual(20, calls);
    }

    private sealed class Valued
    {
        public float Computed { get; set; }
    }

    [TestMethod]
    public void PredicateDropsWhatItIsTrueFor()
    {
        var kept = _ml.Data.FilterByCustomPredicate<NumberOnly>(Rows.Load(_ml, 10), row => row.Number % 3 != 0);
        CollectionAssert.AreEqual(new[] { 0, 3, 6, 9 }, Rows.Numbers(kept));
    }

    [TestMethod]
    public void ShuffleGivesMLNetsOrder()
    {
        var data = Rows.Load(_ml, 30);
        Assert.AreEqual("23,9,8,22,5,2,13,17,25,16,18,19,4,7,24,26,28,21,29,10,20,15,6,12,27,0,3,14,11,1", Order(_ml.Data.ShuffleRows(data, seed: 1)));
        Assert.AreEqual("3,2,0,6,4,5,7,9,11,10,12,13,15,14,17,18,20,1,22,23,16,19,24,8,26,25,21,27,29,28", Order(_ml.Data.ShuffleRows(data, seed: 1, shufflePoolSize: 5)));
        var cache = _ml.Data.Cache(data);
        Assert.AreEqual("0,4,1,5,2,6,3,8,10,12,7,9,15,14,17,11,19,20,18,21,13,22,23,24,26,27,25,28,29,16",
            Order(_ml.Data.ShuffleRows(cache, seed: 3, shufflePoolSize: 4, shuffleSource: false)));
        Assert.AreEqual("23,20,16,25,4,1,27,22,10,28,9,12,19,13,6,21,5,18,7,26,17,29,8,2,24,14,15,3,0,11", Order(_ml.Data.ShuffleRows(cache, seed: 3, shufflePoolSize: 4)));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.ShuffleRows(data, shufflePoolSize: 0));
    }

    [TestMethod]
    public void ShuffleWithoutASeedFollowsTheContext()
    {
        Assert.AreEqual(Order(new MLContext(seed: 5).Data.ShuffleRows(Rows.Load(_ml, 30))), Order(new MLContext(seed: 5).Data.ShuffleRows(Rows.Load(_ml, 30))));
        Assert.AreNotEqual(Order(new MLContext(seed: 5).Data.ShuffleRows(Rows.Load(_ml, 30))), Order(new MLContext(seed: 6).Data.ShuffleRows(Rows.Load(_ml, 30))));
    }

    [TestMethod]
    public void ShufflingLargeDataKeepsEveryRowAndItsValues()
    {
        var shuffled = _ml.Data.ShuffleRows(Rows.Load(_ml, 2000), seed: 5, shufflePoolSize: 100);
        var rows = _ml.Data.CreateEnumerable<NumberedRow>(shuffled, reuseRowObject: false).ToArray();
        CollectionAssert.AreEqual(Range(0, 2000), rows.Select(r => r.Number).Order().ToArray());
        Assert.IsTrue(rows.All(r => r.Text == $"row {r.Number}" && r.Value == r.Number * 0.5f && r.Pair[0] == r.Number && r.Pair[1] == -r.Number));
        Assert.AreEqual("92,80,57,101,103,0,34,31,36,15", string.Join(",", rows.Take(10).Select(r => r.Number)));
    }

    private static string Order(IDataView data) => string.Join(",", Rows.Numbers(data));
}
