using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Tests.Transforms;

[TestClass]
public sealed class MapValueToKeyTests
{
    private readonly MLContext _mlContext = new(seed: 1);

    private sealed class Row
    {
        public string Text { get; set; } = "";
        public float Number { get; set; }
        [VectorType(2)]
        public string[] Pair { get; set; } = [];
    }

    private static readonly Row[] Rows =
    [
        new() { Text = "pear", Number = 2.5f, Pair = ["b", "a"] },
        new() { Text = "Apple", Number = float.NaN, Pair = ["a", ""] },
        new() { Text = "", Number = -1, Pair = ["c", "b"] },
        new() { Text = "apple", Number = 2.5f, Pair = ["b", "b"] },
        new() { Text = "pear", Number = 10, Pair = ["a", "c"] },
    ];

    private IDataView Data => _mlContext.Data.LoadFromEnumerable(Rows);

    [TestMethod]
    public void TextKeysAreNumberedInOrderOfOccurrenceAndEmptyTextIsMissing()
    {
        IDataView output = _mlContext.Transforms.Conversion.MapValueToKey("Key", "Text").Fit(Data).Transform(Data);

        CollectionAssert.AreEqual(new uint[] { 1, 2, 0, 3, 1 }, output.GetColumn<uint>("Key").ToArray());
        CollectionAssert.AreEqual(new[] { "pear", "Apple", "apple" }, KeyValues(output, "Key"));
        var type = (KeyDataViewType)output.Schema["Key"].Type;
        Assert.AreEqual(3UL, type.Count);
        Assert.AreEqual(typeof(uint), type.RawType);
    }

    [TestMethod]
    public void ByValueSortsTextOrdinally()
    {
        IDataView output = _mlContext.Transforms.Conversion
            .MapValueToKey("Text", keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByValue).Fit(Data).Transform(Data);

        CollectionAssert.AreEqual(new[] { "Apple", "apple", "pear" }, KeyValues(output, "Text"));
        CollectionAssert.AreEqual(new uint[] { 3, 1, 0, 2, 3 }, output.GetColumn<uint>("Text").ToArray());
    }

    [TestMethod]
    public void NumbersAreMappedAndNotANumberIsMissing()
    {
        IDataView output = _mlContext.Transforms.Conversion
            .MapValueToKey("Key", "Number", keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByValue).Fit(Data).Transform(Data);

        CollectionAssert.AreEqual(new uint[] { 2, 0, 1, 2, 3 }, output.GetColumn<uint>("Key").ToArray());
        VBuffer<float> values = default;
        output.Schema["Key"].GetKeyValues(ref values);
        CollectionAssert.AreEqual(new float[] { -1, 2.5f, 10 }, values.DenseValues().ToArray());
    }

    [TestMethod]
    public void KeyValuesBecomeTextOnRequest()
    {
        IDataView output = _mlContext.Transforms.Conversion
            .MapValueToKey("Key", "Number", addKeyValueAnnotationsAsText: true).Fit(Data).Transform(Data);

        CollectionAssert.AreEqual(new[] { "2.5", "-1", "10" }, KeyValues(output, "Key"));
    }

    [TestMethod]
    public void VectorsShareOneDictionaryForTheirSlots()
    {
        IDataView output = _mlContext.Transforms.Conversion.MapValueToKey("Key", "Pair").Fit(Data).Transform(Data);

        CollectionAssert.AreEqual(new[] { "b", "a", "c" }, KeyValues(output, "Key"));
        uint[][] keys = output.GetColumn<VBuffer<uint>>("Key").Select(v => v.DenseValues().ToArray()).ToArray();
        CollectionAssert.AreEqual(new uint[] { 1, 2 }, keys[0]);
        CollectionAssert.AreEqual(new uint[] { 2, 0 }, keys[1]);
        CollectionAssert.AreEqual(new uint[] { 2, 3 }, keys[4]);
        var type = (VectorDataViewType)output.Schema["Key"].Type;
        Assert.AreEqual(2, type.Size);
        Assert.AreEqual(3UL, ((KeyDataViewType)type.ItemType).Count);
    }

    [TestMethod]
    public void NoMoreThanTheMaximumOfKeysAreLearnt()
    {
        IDataView output = _mlContext.Transforms.Conversion.MapValueToKey("Key", "Text", maximumNumberOfKeys: 2).Fit(Data).Transform(Data);

        CollectionAssert.AreEqual(new uint[] { 1, 2, 0, 0, 1 }, output.GetColumn<uint>("Key").ToArray());
    }

    [TestMethod]
    public void SeveralColumnsAreMappedAtOnce()
    {
        var pairs = new[] { new InputOutputColumnPair("A", "Text"), new InputOutputColumnPair("B", "Number") };
        IDataView output = _mlContext.Transforms.Conversion.MapValueToKey(pairs).Fit(Data).Transform(Data);

        CollectionAssert.AreEqual(new uint[] { 1, 2, 0, 3, 1 }, output.GetColumn<uint>("A").ToArray());
        CollectionAssert.AreEqual(new uint[] { 1, 0, 2, 1, 3 }, output.GetColumn<uint>("B").ToArray());
    }

    [TestMethod]
    public void GivenKeyDataDecidesTheKeys()
    {
        var keyData = _mlContext.Data.LoadFromEnumerable(new[] { new { Value = "apple" }, new { Value = "pear" } });
        IDataView output = _mlContext.Transforms.Conversion.MapValueToKey("Key", "Text", keyData: keyData).Fit(Data).Transform(Data);

        CollectionAssert.AreEqual(new uint[] { 2, 0, 0, 1, 2 }, output.GetColumn<uint>("Key").ToArray());
    }

    [TestMethod]
    public void KeysOfKeysKeepTheNamesOfTheValues()
    {
        var first = _mlContext.Transforms.Conversion.MapValueToKey("Key", "Text");
        var second = _mlContext.Transforms.Conversion.MapValueToKey("Again", "Key", keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByValue);
        IDataView subset = _mlContext.Data.SkipRows(first.Fit(Data).Transform(Data), 1);
        IDataView output = second.Fit(subset).Transform(subset);

        CollectionAssert.AreEqual(new[] { "pear", "Apple", "apple" }, KeyValues(output, "Again"));
        CollectionAssert.AreEqual(new uint[] { 2, 0, 3, 1 }, output.GetColumn<uint>("Again").ToArray());
    }

    [TestMethod]
    public void ValuesUnseenInTrainingAreMissing()
    {
        var transformer = _mlContext.Transforms.Conversion.MapValueToKey("Key", "Text").Fit(Data);
        var other = _mlContext.Data.LoadFromEnumerable(new[] { new { Text = "plum" }, new { Text = "apple" } });

        CollectionAssert.AreEqual(new uint[] { 0, 3 }, transformer.Transform(other).GetColumn<uint>("Key").ToArray());
    }

    [TestMethod]
    public void TheDictionarySurvivesSavingAndLoading()
    {
        var pairs = new[] { new InputOutputColumnPair("A", "Text"), new InputOutputColumnPair("B", "Number"), new InputOutputColumnPair("C", "Pair") };
        ITransformer transformer = _mlContext.Transforms.Conversion.MapValueToKey(pairs).Fit(Data);
        ITransformer loaded = Reload.Transformer(transformer, Data.Schema);
        IDataView expected = transformer.Transform(Data), actual = loaded.Transform(Data);

        CollectionAssert.AreEqual(KeyValues(expected, "A"), KeyValues(actual, "A"));
        CollectionAssert.AreEqual(expected.GetColumn<uint>("A").ToArray(), actual.GetColumn<uint>("A").ToArray());
        CollectionAssert.AreEqual(expected.GetColumn<uint>("B").ToArray(), actual.GetColumn<uint>("B").ToArray());
        Assert.AreEqual(expected.Schema["C"].Type, actual.Schema["C"].Type);
    }

    [TestMethod]
    public void AMissingColumnIsNamed()
    {
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _mlContext.Transforms.Conversion.MapValueToKey("Key", "Txet").Fit(Data));
        StringAssert.Contains(error.Message, "Txet");
    }

    private static string[] KeyValues(IDataView data, string column)
    {
        VBuffer<ReadOnlyMemory<char>> values = default;
        data.Schema[column].GetKeyValues(ref values);
        return values.DenseValues().Select(v => v.ToString()).ToArray();
    }
}
