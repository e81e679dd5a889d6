using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.DataView;

[TestClass]
public class DataViewSchemaTests
{
    private static DataViewSchema Build(params (string Name, DataViewType Type)[] columns)
    {
        var builder = new DataViewSchema.Builder();
        foreach (var (name, type) in columns)
            builder.AddColumn(name, type);
        return builder.ToSchema();
    }

    [TestMethod]
    public void LaterColumnHidesEarlierOneOfTheSameName()
    {
        var schema = Build(("A", NumberDataViewType.Single), ("B", TextDataViewType.Instance), ("A", NumberDataViewType.Double));
        Assert.AreEqual(3, schema.Count);
        CollectionAssert.AreEqual(new[] { true, false, false }, schema.Select(c => c.IsHidden).ToArray());
        Assert.AreEqual(2, schema["A"].Index);
        Assert.AreEqual(NumberDataViewType.Double, schema.GetColumnOrNull("A")!.Value.Type);
    }

    [TestMethod]
    public void MissingColumnIsNullOrAnError()
    {
        var schema = Build(("A", NumberDataViewType.Single));
        Assert.IsNull(schema.GetColumnOrNull("B"));
        Assert.IsNull(schema.GetColumnOrNull("a"));
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => schema["B"]).Message, "'B'");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => schema[1]);
        Assert.ThrowsExactly<ArgumentNullException>(() => schema[""]);
    }

    [TestMethod]
    public void BuilderChecksArguments()
    {
        var builder = new DataViewSchema.Builder();
        Assert.ThrowsExactly<ArgumentNullException>(() => builder.AddColumn("", NumberDataViewType.Single));
        Assert.ThrowsExactly<ArgumentNullException>(() => builder.AddColumn("A", null!));
    }

    [TestMethod]
    public void BuilderCopiesColumnsWithAnnotations()
    {
        var source = new DataViewSchema.Builder();
        source.AddColumn("A", new VectorDataViewType(NumberDataViewType.Single, 2), SlotNames("x", "y"));
        var copy = new DataViewSchema.Builder();
        copy.AddColumns(source.ToSchema());
        copy.AddColumns([new DataViewSchema.DetachedColumn("B", TextDataViewType.Instance)]);
        var schema = copy.ToSchema();
        Assert.IsTrue(schema["A"].HasSlotNames());
        VBuffer<ReadOnlyMemory<char>> names = default;
        schema["A"].GetSlotNames(ref names);
        CollectionAssert.AreEqual(new[] { "x", "y" }, names.DenseValues().Select(n => n.ToString()).ToArray());
        Assert.IsFalse(schema["B"].HasSlotNames());
        Assert.AreEqual("A: Vector<Single, 2> {SlotNames}", schema["A"].ToString());
        Assert.AreEqual("2 columns", schema.ToString());
    }

    [TestMethod]
    public void SlotNamesOfAnotherSizeAreNone()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("A", new VectorDataViewType(NumberDataViewType.Single, 3), SlotNames("x", "y"));
        Assert.IsFalse(builder.ToSchema()["A"].HasSlotNames());
    }

    [TestMethod]
    public void AnnotationsAreReadByNameAndType()
    {
        var builder = new DataViewSchema.Annotations.Builder();
        builder.AddPrimitiveValue("Answer", NumberDataViewType.Int32, 42);
        builder.Add("Also", NumberDataViewType.Single, (ref float value) => value = 1.5f);
        var annotations = builder.ToAnnotations();
        int answer = 0;
        annotations.GetValue("Answer", ref answer);
        Assert.AreEqual(42, answer);
        Assert.AreEqual("Answer, Also", annotations.ToString());
        float wrongType = 0;
        Assert.ThrowsExactly<InvalidOperationException>(() => annotations.GetValue("Answer", ref wrongType));
        Assert.ThrowsExactly<InvalidOperationException>(() => annotations.GetValue("Missing", ref answer));
        Assert.ThrowsExactly<ArgumentException>(() => builder.AddPrimitiveValue("Bad", NumberDataViewType.Int32, 1f));
        var wrongGetter = Assert.Throws<Exception>(() => builder.Add("Bad", NumberDataViewType.Int32, (Delegate)(ValueGetter<float>)((ref float v) => v = 0)));
        Assert.IsInstanceOfType<ArgumentException>(wrongGetter.InnerException ?? wrongGetter);
    }

    [TestMethod]
    public void AnnotationsAreCopiedByChoice()
    {
        var source = new DataViewSchema.Annotations.Builder();
        source.AddPrimitiveValue("Keep", NumberDataViewType.Int32, 1);
        source.AddPrimitiveValue("Drop", NumberDataViewType.Int32, 2);
        var copy = new DataViewSchema.Annotations.Builder();
        copy.Add(source.ToAnnotations(), name => name == "Keep");
        copy.Add(null!, _ => true);
        CollectionAssert.AreEqual(new[] { "Keep" }, copy.ToAnnotations().Schema.Select(c => c.Name).ToArray());
    }

    [TestMethod]
    public void KeyValuesBelongToKeysOfTheSameCount()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("Key", new KeyDataViewType(typeof(uint), 2), Values("KeyValues", "cat", "dog"));
        builder.AddColumn("Other", new KeyDataViewType(typeof(uint), 3), Values("KeyValues", "cat", "dog"));
        builder.AddColumn("Text", TextDataViewType.Instance, Values("KeyValues", "cat", "dog"));
        var schema = builder.ToSchema();
        Assert.IsTrue(schema["Key"].HasKeyValues());
        Assert.IsFalse(schema["Key"].HasKeyValues(NumberDataViewType.Single));
        Assert.IsFalse(schema["Other"].HasKeyValues());
        Assert.IsFalse(schema["Text"].HasKeyValues());
        VBuffer<ReadOnlyMemory<char>> values = default;
        schema["Key"].GetKeyValues(ref values);
        Assert.AreEqual("dog", values.GetItemOrDefault(1).ToString());
    }

    [TestMethod]
    public void NormalizedIsAnAnnotation()
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.AddPrimitiveValue("IsNormalized", BooleanDataViewType.Instance, true);
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("A", NumberDataViewType.Single, annotations.ToAnnotations());
        builder.AddColumn("B", NumberDataViewType.Single);
        Assert.IsTrue(builder.ToSchema()["A"].IsNormalized());
        Assert.IsFalse(builder.ToSchema()["B"].IsNormalized());
    }

    private static DataViewSchema.Annotations SlotNames(params string[] names) => Values("SlotNames", names);

    private static DataViewSchema.Annotations Values(string kind, params string[] values)
    {
        var builder = new DataViewSchema.Annotations.Builder();
        builder.Add(kind, new VectorDataViewType(TextDataViewType.Instance, values.Length),
            (ref VBuffer<ReadOnlyMemory<char>> dst) => dst = new(values.Length, Array.ConvertAll(values, v => v.AsMemory())));
        return builder.ToAnnotations();
    }
}
