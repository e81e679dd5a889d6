using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Data;

[TestClass]
public class ColumnReadingTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void ColumnsAreReadInTheirTypeOrAPlainerOne()
    {
        var data = Rows.Load(_ml, 2);
        CollectionAssert.AreEqual(new[] { 0f, 0.5f }, data.GetColumn<float>("Value").ToArray());
        CollectionAssert.AreEqual(new[] { "row 0", "row 1" }, data.GetColumn<string>("Text").ToArray());
        Assert.AreEqual("row 1", data.GetColumn<ReadOnlyMemory<char>>(data.Schema["Text"]).Last().ToString());
        CollectionAssert.AreEqual(new[] { 1f, -1f }, data.GetColumn<float[]>("Pair").Last());
        CollectionAssert.AreEqual(new[] { 1f, -1f }, data.GetColumn<VBuffer<float>>("Pair").Last().DenseValues().ToArray());
    }

    [TestMethod]
    public void OtherTypesAreErrors()
    {
        var data = Rows.Load(_ml, 2);
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => data.GetColumn<double>("Value"));
        StringAssert.Contains(error.Message, "Value");
        StringAssert.Contains(error.Message, "System.Double");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => data.GetColumn<float[]>("Value"));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => data.GetColumn<string[]>("Pair"));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => data.GetColumn<float>("None"));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => data.GetColumn<float>(_ml.Data.LoadFromEnumerable([new Doubled()]).Schema["Twice"]));
    }

    [TestMethod]
    public void ReadingIsLazy()
    {
        var rows = new CountingRows<NumberedRow>(100, NumberedRow.Create);
        var column = _ml.Data.LoadFromEnumerable(rows).GetColumn<float>("Value");
        Assert.AreEqual(0, rows.Enumerations);
        Assert.AreEqual(1f, column.Skip(2).First());
        Assert.AreEqual(3, rows.Rows);
    }

    [TestMethod]
    public void PreviewShowsRowsAndColumns()
    {
        var preview = Rows.Load(_ml, 500).Preview(maxRows: 3);
        Assert.AreEqual("4 columns, 3 rows", preview.ToString());
        Assert.AreEqual(3, preview.RowView.Length);
        Assert.AreEqual("Text", preview.RowView[2].Values[2].Key);
        Assert.AreEqual("row 2", preview.RowView[2].Values[2].Value.ToString());
        CollectionAssert.AreEqual(new object[] { 0, 1, 2 }, preview.ColumnView[0].Values);
        Assert.AreEqual("Number: Int32", preview.ColumnView[0].ToString());
        Assert.AreEqual(100, Rows.Load(_ml, 500).Preview().RowView.Length);
    }

    [TestMethod]
    public void PreviewFitsAndTransforms()
    {
        var data = Rows.Load(_ml, 5);
        var estimator = _ml.Transforms.CustomMapping<NumberOnly, Doubled>((s, d) => d.Twice = 2 * s.Number, null);
        Assert.AreEqual(8, estimator.Preview(data).ColumnView[4].Values[4]);
        Assert.AreEqual(2, estimator.Fit(data).Preview(data, 2).RowView.Length);
    }
}
