using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Data;

/// <summary>Splits. Which rows go where was read off the real package.</summary>
[TestClass]
public class SplitTests
{
    private readonly MLContext _ml = new(seed: 1);

    private sealed class Visit
    {
        public int Number { get; set; }

        public string Patient { get; set; } = "";

        public int Signed { get; set; }

        public long Long { get; set; }

        public double Dose { get; set; }

        [KeyType(7)]
        public uint Ward { get; set; }

        public DateTime Day { get; set; }
    }

    [TestMethod]
    public void TrainTestSplitPicksMLNetsRows()
    {
        var data = Rows.Load(_ml, 30);
        var split = _ml.Data.TrainTestSplit(data, 0.3, seed: 1);
        Assert.AreEqual("2,9,10,12,13,21,28", Order(split.TestSet));
        CollectionAssert.AreEquivalent(Rows.Numbers(data), Rows.Numbers(split.TrainSet).Concat(Rows.Numbers(split.TestSet)).ToArray());
        Assert.AreEqual("2,9,10,12,13,21,28", Order(_ml.Data.TrainTestSplit(data, 0.3).TestSet));
        Assert.AreEqual("5,6,10,18,20,28", Order(new MLContext().Data.TrainTestSplit(data, 0.3).TestSet));
    }

    [TestMethod]
    public void SplitsHaveTheDatasColumns()
    {
        var data = Rows.Load(_ml, 30);
        var split = _ml.Data.TrainTestSplit(data);
        Assert.AreEqual(string.Join("; ", data.Schema), string.Join("; ", split.TrainSet.Schema));
        Assert.AreEqual(string.Join("; ", data.Schema), string.Join("; ", split.TestSet.Schema));
        Assert.IsFalse(split.TrainSet.CanShuffle);
        Assert.IsNull(split.TrainSet.GetRowCount());
    }

    [TestMethod]
    public void SplitRunsNothingUntilItIsRead()
    {
        var rows = new CountingRows<NumberedRow>(10, NumberedRow.Create);
        var split = _ml.Data.TrainTestSplit(_ml.Data.LoadFromEnumerable(rows));
        Assert.AreEqual(0, rows.Enumerations);
        Assert.AreEqual(10, Rows.Numbers(split.TrainSet).Length + Rows.Numbers(split.TestSet).Length);
    }

    [TestMethod]
    public void CrossValidationTestsEveryRowOnce()
    {
        var data = Rows.Load(_ml, 30);
        var folds = _ml.Data.CrossValidationSplit(data, 4, seed: 2);
        CollectionAssert.AreEqual(
            new[] { "2,4,9,17,25", "0,3,11,14,18,23,27,28,29", "5,7,10,12,13,15,22,26", "1,6,8,16,19,20,21,24" },
            folds.Select(f => Order(f.TestSet)).ToArray());
        foreach (var fold in folds)
            CollectionAssert.AreEquivalent(Rows.Numbers(data), Rows.Numbers(fold.TrainSet).Concat(Rows.Numbers(fold.TestSet)).ToArray());
    }

    [TestMethod]
    [DataRow("Patient", "8,9,10,11", 56)]
    [DataRow("Signed", "21,22,23,27,28,29,42,43,44,51,52,53", 48)]
    [DataRow("Long", "0,1,2,3,4,35,36,37,38,39,40,41,42,43,44", 45)]
    [DataRow("Dose", "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", 42)]
    [DataRow("Ward", "0,1,8,9,16,17,24,25,32,33,40,41,48,49,56,57", 37)]
    [DataRow("Day", "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59", 20)]
    public void RowsOfOneSamplingKeyStayTogether(string key, string test, int train)
    {
        var data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 60).Select(i => new Visit
        {
            Number = i, Patient = $"patient {i / 4}", Signed = i / 3 - 5, Long = (long)(i / 5) << 33, Dose = i / 6 * 1.25, Ward = (uint)(i % 8), Day = new(2020, 1, 1 + i / 10),
        }));
        var split = _ml.Data.TrainTestSplit(data, 0.3, key, seed: 9);
        Assert.AreEqual(test, Order(split.TestSet));
        Assert.AreEqual(train, Rows.Numbers(split.TrainSet).Length);
    }

    [TestMethod]
    public void SplitsCheckArguments()
    {
        var data = Rows.Load(_ml, 5);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.TrainTestSplit(data, 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.TrainTestSplit(data, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.CrossValidationSplit(data, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.TrainTestSplit(data, samplingKeyColumnName: "None"));
        Assert.ThrowsExactly<ArgumentNullException>(() => _ml.Data.TrainTestSplit(null!));
    }

    private static string Order(IDataView data) => string.Join(",", Rows.Numbers(data));
}
