using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Data;

[TestClass]
public class SchemaDefinitionTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void DefinitionChangesNamesAndTypes()
    {
        var definition = SchemaDefinition.Create(typeof(NumberedRow));
        definition["Number"].ColumnName = "Count";
        definition["Pair"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, 1, 2);
        definition.Remove(definition["Text"]);
        var schema = _ml.Data.LoadFromEnumerable([NumberedRow.Create(1)], definition).Schema;
        Assert.AreEqual("Count: Int32; Value: Single; Pair: Vector<Single, 1, 2>", string.Join("; ", schema));
        Assert.IsNull(definition["Text"]);
    }

    [TestMethod]
    public void DefinitionAddsAnnotations()
    {
        var definition = SchemaDefinition.Create(typeof(NumberedRow));
        definition["Pair"].AddAnnotation("SlotNames", new[] { "plus", "minus" }, new VectorDataViewType(TextDataViewType.Instance, 2));
        definition["Number"].AddAnnotation("Unit", "metres", TextDataViewType.Instance);
        definition["Number"].AddAnnotation("Limits", new[] { 1f, 2f }, new VectorDataViewType(NumberDataViewType.Single, 2));
        definition["Number"].AddAnnotation("Scale", 3, NumberDataViewType.Int32);
        var schema = _ml.Data.LoadFromEnumerable([NumberedRow.Create(1)], definition).Schema;
        VBuffer<ReadOnlyMemory<char>> names = default;
        schema["Pair"].GetSlotNames(ref names);
        Assert.AreEqual("plus,minus", string.Join(",", names.DenseValues()));
        ReadOnlyMemory<char> unit = default;
        schema["Number"].Annotations.GetValue("Unit", ref unit);
        Assert.AreEqual("metres", unit.ToString());
        VBuffer<float> limits = default;
        schema["Number"].Annotations.GetValue("Limits", ref limits);
        CollectionAssert.AreEqual(new[] { 1f, 2f }, limits.GetValues().ToArray());
        int scale = 0;
        schema["Number"].Annotations.GetValue("Scale", ref scale);
        Assert.AreEqual(3, scale);
        Assert.ThrowsExactly<InvalidOperationException>(() => definition["Number"].AddAnnotation("Scale", 4, NumberDataViewType.Int32));
    }

    [TestMethod]
    public void ImpossibleDefinitionsAreErrors()
    {
        var definition = SchemaDefinition.Create(typeof(NumberedRow));
        definition["Number"].ColumnType = NumberDataViewType.Single;
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromEnumerable([NumberedRow.Create(1)], definition));
        var vector = SchemaDefinition.Create(typeof(NumberedRow));
        vector["Number"].ColumnType = new VectorDataViewType(NumberDataViewType.Int32, 1);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromEnumerable([NumberedRow.Create(1)], vector));
    }

    [TestMethod]
    public void LoadedDataTakesOnASchema()
    {
        var source = SchemaDefinition.Create(typeof(NumberedRow));
        source["Pair"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, 2, 1);
        source["Pair"].AddAnnotation("SlotNames", new[] { "plus", "minus" }, new VectorDataViewType(TextDataViewType.Instance, 2));
        var schema = _ml.Data.LoadFromEnumerable([NumberedRow.Create(1)], source).Schema;
        var data = _ml.Data.LoadFromEnumerable([NumberedRow.Create(5)], schema);
        Assert.AreEqual(schema["Pair"].Type, data.Schema["Pair"].Type);
        Assert.IsTrue(data.Schema["Pair"].HasSlotNames());
        Assert.ThrowsExactly<InvalidOperationException>(() => _ml.Data.LoadFromEnumerable([new NumberOnly()], schema));
    }

    private sealed class OneWay
    {
        public int Readable => 1;

        public int Writable { set => _ = value; }

        public int Both { get; set; }
    }

    [TestMethod]
    public void DirectionChoosesProperties()
    {
        static string Names(SchemaDefinition.Direction direction) => string.Join(",", SchemaDefinition.Create(typeof(OneWay), direction).Select(c => c.ColumnName));
        Assert.AreEqual("Readable,Both", Names(SchemaDefinition.Direction.Read));
        Assert.AreEqual("Writable,Both", Names(SchemaDefinition.Direction.Write));
        Assert.AreEqual("Readable,Writable,Both", Names(SchemaDefinition.Direction.Both));
    }

    private sealed class Money;

    private sealed class MoneyType() : StructuredDataViewType(typeof(Money))
    {
        public override bool Equals(DataViewType? other) => other is MoneyType;

        public override int GetHashCode() => 17;
    }

    private sealed class MoneyAttribute : DataViewTypeAttribute
    {
        public override void Register() => DataViewTypeManager.Register(new MoneyType(), typeof(Money), this);

        public override bool Equals(DataViewTypeAttribute? other) => other is MoneyAttribute;

        public override bool Equals(object? other) => other is MoneyAttribute;

        public override int GetHashCode() => 17;
    }

    private sealed class MoneyRow
    {
        [Money]
        public Money? Price { get; set; }
    }

    [TestMethod]
    public void AttributeRegistersItsColumnType()
    {
        var money = new Money();
        var data = _ml.Data.LoadFromEnumerable([new MoneyRow { Price = money }]);
        Assert.IsInstanceOfType<MoneyType>(data.Schema["Price"].Type);
        Assert.AreSame(money, _ml.Data.CreateEnumerable<MoneyRow>(data, reuseRowObject: false).Single().Price);
    }

    [TestMethod]
    public void StandardTypesCanNotBeRegistered()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => DataViewTypeManager.Register(new MoneyType(), typeof(float)));
        DataViewTypeManager.Register(new MoneyType(), typeof(Money), new MoneyAttribute());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => DataViewTypeManager.Register(new MoneyType(), typeof(object)));
    }
}
