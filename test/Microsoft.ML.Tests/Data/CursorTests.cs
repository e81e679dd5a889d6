using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Data;

/// <summary>What every view's cursor keeps to, over the views that the catalogs make.</summary>
[TestClass]
public class CursorTests
{
    private static readonly MLContext _ml = new(seed: 1);

    public static IEnumerable<object[]> Views()
    {
        var data = Rows.Load(_ml, 200);
        yield return ["enumerable", data, 200];
        yield return ["cache", _ml.Data.Cache(data), 200];
        yield return ["take", _ml.Data.TakeRows(data, 150), 150];
        yield return ["skip", _ml.Data.SkipRows(data, 50), 150];
        yield return ["filter", _ml.Data.FilterRowsByColumn(data, "Value", 10, 20), 20];
        yield return ["missing", _ml.Data.FilterRowsByMissingValues(data, "Value"), 200];
        yield return ["predicate", _ml.Data.FilterByCustomPredicate<NumberOnly>(data, r => r.Number % 2 == 0), 100];
        yield return ["mapping", Map(data), 200];
        yield return ["mapping over cache", Map(_ml.Data.Cache(data)), 200];
        yield return ["filter over mapping", _ml.Data.FilterRowsByColumn(Map(data), "Value", 10, 20), 20];
        yield return ["shuffle", _ml.Data.ShuffleRows(data, seed: 1), 200];
    }

    [TestMethod]
    [DynamicData(nameof(Views))]
    public void PositionCountsAndEndsAtMinusOne(string name, IDataView view, int count)
    {
        using var cursor = view.GetRowCursor(view.Schema);
        Assert.AreEqual(-1L, cursor.Position, name);
        for (long row = 0; row < count; row++)
        {
            Assert.IsTrue(cursor.MoveNext(), name);
            Assert.AreEqual(row, cursor.Position, name);
        }
        Assert.IsFalse(cursor.MoveNext(), name);
        Assert.AreEqual(-1L, cursor.Position, name);
        Assert.IsFalse(cursor.MoveNext(), name);
    }

    [TestMethod]
    [DynamicData(nameof(Views))]
    public void SchemaIsTheViewsOwn(string name, IDataView view, int count)
    {
        using var cursor = view.GetRowCursor(view.Schema);
        Assert.AreSame(view.Schema, cursor.Schema, name);
        if (view.GetRowCount() is long known)
            Assert.AreEqual(count, known, name);
    }

    [TestMethod]
    [DynamicData(nameof(Views))]
    public void IdsAreDistinctAndStayWithTheRow(string name, IDataView view, int count)
    {
        var first = ReadIds(view);
        Assert.AreEqual(count, first.Values.Distinct().Count(), name);
        foreach (var (number, id) in ReadIds(view))
            Assert.AreEqual(first[number], id, name);
    }

    [TestMethod]
    [DynamicData(nameof(Views))]
    public void InactiveColumnsHaveNoGetter(string name, IDataView view, int count)
    {
        using var cursor = view.GetRowCursor([view.Schema["Number"]]);
        Assert.IsTrue(cursor.IsColumnActive(view.Schema["Number"]), name);
        Assert.IsFalse(cursor.IsColumnActive(view.Schema["Text"]), name);
        Assert.Throws<Exception>(() => cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema["Text"]), name);
        Assert.AreEqual(count, Rows.ReadNumbers(cursor).Count, name);
    }

    [TestMethod]
    [DynamicData(nameof(Views))]
    public void GettersAreCheckedByType(string name, IDataView view, int count)
    {
        using var cursor = view.GetRowCursor(view.Schema);
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<long>(view.Schema["Number"]), name);
        StringAssert.Contains(error.Message, "Invalid TValue", name);
        StringAssert.Contains(error.Message, "'System.Int64', expected type: 'System.Int32'", name);
        Assert.IsTrue(count > 0);
    }

    [TestMethod]
    [DynamicData(nameof(Views))]
    public void CursorSetGivesEveryRowOnce(string name, IDataView view, int count)
    {
        var numbers = new List<int>();
        var cursors = view.GetRowCursorSet([view.Schema["Number"]], 3);
        Assert.IsTrue(cursors.Length is >= 1 and <= 3, name);
        foreach (var result in cursors.Select(c => Task.Run(() => Rows.ReadNumbers(c))).ToArray())
            numbers.AddRange(result.Result);
        foreach (var cursor in cursors)
            cursor.Dispose();
        CollectionAssert.AreEquivalent(Rows.Numbers(view), numbers, name);
        Assert.AreEqual(count, numbers.Count, name);
    }

    [TestMethod]
    [DynamicData(nameof(Views))]
    public void BatchesPutACursorSetInOrder(string name, IDataView view, int count)
    {
        var byBatch = new SortedDictionary<long, List<int>>();
        var cursors = view.GetRowCursorSet([view.Schema["Number"]], 3);
        var tasks = cursors.Select(cursor => Task.Run(() =>
        {
            var get = cursor.GetGetter<int>(view.Schema["Number"]);
            var rows = new List<(long Batch, int Number)>();
            int number = 0;
            while (cursor.MoveNext())
            {
                get(ref number);
                rows.Add((cursor.Batch, number));
            }
            return rows;
        })).ToArray();
        foreach (var (batch, number) in tasks.SelectMany(t => t.Result))
            (byBatch.TryGetValue(batch, out var list) ? list : byBatch[batch] = []).Add(number);
        CollectionAssert.AreEqual(Rows.Numbers(view), byBatch.Values.SelectMany(v => v).ToArray(), name);
        Assert.AreEqual(count, byBatch.Values.Sum(v => v.Count), name);
    }

    [TestMethod]
    [DynamicData(nameof(Views))]
    public void EarlyDisposalEndsTheCursor(string name, IDataView view, int count)
    {
        var cursor = view.GetRowCursor(view.Schema);
        Assert.IsTrue(cursor.MoveNext(), name);
        cursor.Dispose();
        cursor.Dispose();
        Assert.AreEqual(count, Rows.Numbers(view).Length, name);
        foreach (var one in view.GetRowCursorSet(view.Schema, 3))
            one.Dispose();
    }

    private static IDataView Map(IDataView data)
        => _ml.Transforms.CustomMapping<NumberOnly, Doubled>((source, target) => target.Twice = 2 * source.Number, null).Fit(data).Transform(data);

    private static Dictionary<int, DataViewRowId> ReadIds(IDataView view)
    {
        var ids = new Dictionary<int, DataViewRowId>();
        using var cursor = view.GetRowCursor([view.Schema["Number"]]);
        var getId = cursor.GetIdGetter();
        var getNumber = cursor.GetGetter<int>(view.Schema["Number"]);
        DataViewRowId id = default;
        int number = 0;
        while (cursor.MoveNext())
        {
            getId(ref id);
            getNumber(ref number);
            ids.Add(number, id);
        }
        return ids;
    }
}
