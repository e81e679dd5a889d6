using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Data;

[TestClass]
public class EnumerableViewTests
{
    private readonly MLContext _ml = new(seed: 1);

    private sealed class Everything
    {
        public bool Flag;
        public sbyte I1;
        public byte U1;
        public short I2;
        public ushort U2;
        public int I4;
        public uint U4;
        public long I8;
        public ulong U8;
        public float R4;
        public double R8;
        public string? Text;
        public ReadOnlyMemory<char> Memory;
        public DateTime Time;
        public DateTimeOffset Offset;
        public TimeSpan Span;
        public DataViewRowId Id;
        public float[]? Items;
        [VectorType(2, 2)]
        public double[]? Matrix;
        public string[]? Texts;
        public VBuffer<float> Vector;
        [KeyType(5)]
        public uint Key;
        [ColumnName("Other name")]
        public int Renamed;
        [NoColumn]
        public object? Hidden;
    }

    [TestMethod]
    public void MembersBecomeColumns()
    {
        var schema = _ml.Data.LoadFromEnumerable(Array.Empty<Everything>()).Schema;
        Assert.AreEqual(
            "Flag: Boolean; I1: SByte; U1: Byte; I2: Int16; U2: UInt16; I4: Int32; U4: UInt32; I8: Int64; U8: UInt64; R4: Single; R8: Double; Text: String; "
            + "Memory: String; Time: DateTime; Offset: DateTimeOffset; Span: TimeSpan; Id: DataViewRowId; Items: Vector<Single>; Matrix: Vector<Double, 2, 2>; "
            + "Texts: Vector<String>; Vector: Vector<Single>; Key: Key<UInt32, 0-4>; Other name: Int32",
            string.Join("; ", schema));
    }

    [TestMethod]
    public void ValuesSurviveTheRoundTrip()
    {
        var row = new Everything
        {
            Flag = true, I1 = -1, U1 = 2, I2 = -3, U2 = 4, I4 = -5, U4 = 6, I8 = -7, U8 = 8, R4 = 1.5f, R8 = -2.5, Text = "text", Memory = "memory".AsMemory(),
            Time = new(2020, 1, 2), Offset = new(2020, 1, 2, 3, 4, 5, TimeSpan.FromHours(2)), Span = TimeSpan.FromSeconds(9), Id = new(1, 2),
            Items = [1, 2, 3], Matrix = [1, 2, 3, 4], Texts = ["a", "b"], Vector = new(4, 1, [5f], [2]), Key = 3, Renamed = 11, Hidden = this,
        };
        var copy = _ml.Data.CreateEnumerable<Everything>(_ml.Data.LoadFromEnumerable([row]), reuseRowObject: false).Single();
        foreach (var field in typeof(Everything).GetFields().Where(f => f.FieldType.IsValueType && f.Name is not (nameof(Everything.Key) or nameof(Everything.Vector) or nameof(Everything.Memory))))
            Assert.AreEqual(field.GetValue(row), field.GetValue(copy), field.Name);
        Assert.AreEqual("text", copy.Text);
        Assert.AreEqual("memory", copy.Memory.ToString());
        CollectionAssert.AreEqual(row.Items, copy.Items);
        CollectionAssert.AreEqual(row.Matrix, copy.Matrix);
        CollectionAssert.AreEqual(row.Texts, copy.Texts);
        Assert.IsFalse(copy.Vector.IsDense);
        CollectionAssert.AreEqual(new[] { 0f, 0f, 5f, 0f }, copy.Vector.DenseValues().ToArray());
    }

    [TestMethod]
    public void NullTextsAndArraysAreEmpty()
    {
        var data = _ml.Data.LoadFromEnumerable([new Everything()]);
        Assert.AreEqual("", data.GetColumn<string>("Text").Single());
        Assert.AreEqual(0, data.GetColumn<float[]>("Items").Single().Length);
        Assert.AreEqual(0, data.GetColumn<string[]>("Texts").Single().Length);

        // Nothing has to be written into an array of the wrong size, so null stays.
        var copy = _ml.Data.CreateEnumerable<Everything>(data, reuseRowObject: false).Single();
        Assert.AreEqual("", copy.Text);
        Assert.IsNull(copy.Items);
        Assert.IsNull(copy.Texts);
    }

    private sealed class KeyRow
    {
        [KeyType(3)]
        public uint Key { get; set; }
    }

    [TestMethod]
    public void KeyMembersCountFromZeroAndColumnsFromOne()
    {
        var data = _ml.Data.LoadFromEnumerable(new uint[] { 0, 2, 3, 100 }.Select(k => new KeyRow { Key = k }));
        CollectionAssert.AreEqual(new uint[] { 1, 3, 0, 0 }, data.GetColumn<uint>("Key").ToArray());
    }

    [TestMethod]
    public void NothingRunsBeforeACursorAsks()
    {
        var rows = new CountingRows<NumberedRow>(10, NumberedRow.Create);
        var data = _ml.Data.LoadFromEnumerable(rows);
        var taken = _ml.Data.TakeRows(_ml.Data.FilterRowsByColumn(data, nameof(NumberedRow.Value), 1), 3);
        var mapped = _ml.Transforms.CustomMapping<NumberOnly, Doubled>((s, d) => d.Twice = 2 * s.Number, null).Fit(taken).Transform(taken);
        var enumerable = _ml.Data.CreateEnumerable<Doubled>(mapped, reuseRowObject: false);
        Assert.AreEqual(0, rows.Enumerations);
        CollectionAssert.AreEqual(new[] { 4, 6, 8 }, enumerable.Select(r => r.Twice).ToArray());
        Assert.AreEqual(1, rows.Enumerations);
    }

    [TestMethod]
    public void EachCursorEnumeratesAnew()
    {
        var rows = new CountingRows<NumberedRow>(3, NumberedRow.Create);
        var data = _ml.Data.LoadFromEnumerable(rows);
        Assert.AreEqual(3, Rows.Numbers(data).Length);
        Assert.AreEqual(3, Rows.Numbers(data).Length);
        Assert.AreEqual(2, rows.Enumerations);
    }

    private sealed class ThrowingRow
    {
        public int Number { get; set; }

        public float Costly => throw new NotSupportedException("read");
    }

    [TestMethod]
    public void InactiveColumnsAreNotRead()
    {
        var data = _ml.Data.LoadFromEnumerable([new ThrowingRow { Number = 7 }]);
        CollectionAssert.AreEqual(new[] { 7 }, data.GetColumn<int>("Number").ToArray());
        Assert.ThrowsExactly<NotSupportedException>(() => data.GetColumn<float>("Costly").ToArray());
    }

    [TestMethod]
    public void RowCountIsKnownForCollectionsOnly()
    {
        Assert.AreEqual(4L, Rows.Load(_ml, 4).GetRowCount());
        Assert.IsNull(_ml.Data.LoadFromEnumerable(new CountingRows<NumberedRow>(4, NumberedRow.Create)).GetRowCount());
        Assert.IsFalse(Rows.Load(_ml, 4).CanShuffle);
    }

    [TestMethod]
    public void NullRowIsAnError()
    {
        var data = _ml.Data.LoadFromEnumerable(new NumberedRow[] { new(), null! });
        Assert.ThrowsExactly<InvalidOperationException>(() => Rows.Numbers(data));
    }

    [TestMethod]
    public void ReusedRowObjectIsFilledAgain()
    {
        var rows = _ml.Data.CreateEnumerable<NumberedRow>(Rows.Load(_ml, 3), reuseRowObject: true).Select(r => (Row: r, r.Number, r.Pair)).ToArray();
        Assert.AreSame(rows[0].Row, rows[2].Row);
        CollectionAssert.AreEqual(new[] { 0, 1, 2 }, rows.Select(r => r.Number).ToArray());
        Assert.AreSame(rows[0].Pair, rows[2].Pair);
        var fresh = _ml.Data.CreateEnumerable<NumberedRow>(Rows.Load(_ml, 3), reuseRowObject: false).ToArray();
        Assert.AreNotSame(fresh[0].Pair, fresh[2].Pair);
        CollectionAssert.AreEqual(new[] { 2f, -2f }, fresh[2].Pair);
    }

    [TestMethod]
    public void MissingColumnsAreAnErrorOrIgnored()
    {
        var data = Rows.Load(_ml, 1);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.CreateEnumerable<Doubled>(data, reuseRowObject: false)).Message, "'Twice'");
        Assert.AreEqual(0, _ml.Data.CreateEnumerable<Doubled>(data, reuseRowObject: false, ignoreMissingColumns: true).Single().Twice);
    }

    private sealed class WrongType
    {
        public double Number { get; set; }
    }

    [TestMethod]
    public void MemberOfAnotherTypeIsAnErrorThatNamesBoth()
    {
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => _ml.Data.CreateEnumerable<WrongType>(Rows.Load(_ml, 1), reuseRowObject: false));
        foreach (var part in new[] { "'Number'", "Int32", "System.Double" })
            StringAssert.Contains(error.Message, part);
    }

    private sealed class UnknownType
    {
        public object? Thing { get; set; }
    }

    private sealed class NoVector
    {
        [VectorType(3)]
        public float Thing { get; set; }
    }

    private sealed class NoKey
    {
        [KeyType(3)]
        public float Thing { get; set; }
    }

    private sealed class Twins
    {
        [ColumnName("Same")]
        public float One { get; set; }

        [ColumnName("Same")]
        public float Two { get; set; }
    }

    [TestMethod]
    public void BadRowClassesAreErrors()
    {
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromEnumerable<UnknownType>([])).Message, "Thing");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromEnumerable<NoVector>([])).Message, "Thing");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromEnumerable<NoKey>([])).Message, "Thing");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromEnumerable<Twins>([])).Message, "Same");
        Assert.ThrowsExactly<ArgumentNullException>(() => _ml.Data.LoadFromEnumerable<NumberedRow>(null!));
    }
}
