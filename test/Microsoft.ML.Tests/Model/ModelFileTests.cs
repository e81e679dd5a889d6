using System.IO.Compression;
using Microsoft.ML.Data;
using Microsoft.ML.Tests.Data;
using Microsoft.ML.Tests.Pipeline;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.Tests.Model;

[TestClass]
public class ModelFileTests
{
    private readonly MLContext _ml = new(seed: 1);

    private IDataView Data => Rows.Load(_ml, 4);

    [TestMethod]
    public void LoadedModelDoesTheSameInANewContext()
    {
        var (model, schema) = SaveAndLoad(CreateModel(), Data.Schema);
        CollectionAssert.AreEqual(new[] { 0, 2, 4, 6 }, model.Transform(Data).GetColumn<int>("Twice").ToArray());
        Assert.AreEqual("Number: Int32; Value: Single; Text: String; Pair: Vector<Single, 2>", string.Join("; ", schema!));
    }

    [TestMethod]
    public void ChainsComeBackWithTheirParts()
    {
        var chain = new TransformerChain<ITransformer>(CreateModel().Append(CreateModel()), CreateModel());
        var loaded = (TransformerChain<ITransformer>)SaveAndLoad(chain, null).Model;
        Assert.AreEqual(2, loaded.Count());
        Assert.AreEqual(2, ((TransformerChain<ITransformer>)loaded.First()).Count());
        CollectionAssert.AreEqual(new[] { 0, 2, 4, 6 }, loaded.Transform(Data).GetColumn<int>("Twice").ToArray());
    }

    [TestMethod]
    public void ScopesAreSaved()
    {
        var estimator = _ml.Transforms.CustomMapping<NumberOnly, Doubled>(DoublingFactory.Map, DoublingFactory.Contract);
        var chain = new EstimatorChain<ITransformer>().Append(estimator, TransformerScope.TrainTest).Append(estimator).Fit(Data);
        var loaded = (TransformerChain<ITransformer>)SaveAndLoad(chain, null).Model;
        Assert.AreEqual(1, loaded.GetModelFor(TransformerScope.Scoring).Count());
        Assert.AreEqual(2, loaded.GetModelFor(TransformerScope.Testing).Count());
    }

    [TestMethod]
    public void SchemaIsOptional()
    {
        Assert.IsNull(SaveAndLoad(CreateModel(), null).Schema);
    }

    [TestMethod]
    public void SchemaKeepsTypesAndAnnotations()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("Key", new KeyDataViewType(typeof(uint), 2), Annotation("KeyValues", TextDataViewType.Instance, ["cat".AsMemory(), "dog".AsMemory()]));
        builder.AddColumn("ByteKey", new KeyDataViewType(typeof(byte), 200));
        builder.AddColumn("Map", new VectorDataViewType(NumberDataViewType.Single, 2, 3, 4), Annotation("Scale", NumberDataViewType.Double, [1.5, -2]));
        builder.AddColumn("Any", new VectorDataViewType(TextDataViewType.Instance));
        builder.AddColumn("Keys", new VectorDataViewType(new KeyDataViewType(typeof(ulong), 1UL << 40), 3));
        builder.AddColumn("When", DateTimeDataViewType.Instance);
        builder.AddColumn("Offset", DateTimeOffsetDataViewType.Instance);
        builder.AddColumn("Span", TimeSpanDataViewType.Instance);
        builder.AddColumn("Flag", BooleanDataViewType.Instance);
        builder.AddColumn("Id", RowIdDataViewType.Instance);
        builder.AddColumn("Long", NumberDataViewType.Int64);
        builder.AddColumn("Long", NumberDataViewType.UInt64);
        var schema = builder.ToSchema();
        var loaded = SaveAndLoad(CreateModel(), schema).Schema!;
        CollectionAssert.AreEqual(schema.Select(c => (c.Name, c.Type, c.IsHidden)).ToArray(), loaded.Select(c => (c.Name, c.Type, c.IsHidden)).ToArray());
        VBuffer<ReadOnlyMemory<char>> names = default;
        loaded["Key"].GetKeyValues(ref names);
        Assert.AreEqual("cat,dog", string.Join(",", names.DenseValues()));
        VBuffer<double> scale = default;
        loaded["Map"].Annotations.GetValue("Scale", ref scale);
        CollectionAssert.AreEqual(new[] { 1.5, -2 }, scale.DenseValues().ToArray());
    }

    [TestMethod]
    public void ColumnsOfOtherTypesAreLeftOutOfTheSavedSchema()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("Image", new ImageDataViewType(4, 5));
        Assert.ThrowsExactly<InvalidOperationException>(() => SaveAndLoad(CreateModel(), builder.ToSchema()));
        builder.AddColumn("Label", TextDataViewType.Instance);
        Assert.AreEqual("Label: String", string.Join("; ", SaveAndLoad(CreateModel(), builder.ToSchema()).Schema!));
    }

    [TestMethod]
    public void FileIsAZipArchiveWithADirectoryForEachPart()
    {
        using var stream = Save(CreateModel().Append(CreateModel()), Data.Schema);
        using var archive = new ZipArchive(stream);
        var names = archive.Entries.Select(e => e.FullName.Replace('\\', '/')).Order().ToArray();
        CollectionAssert.AreEqual(new[]
        {
            "Schema", "TrainingInfo/Version.txt", "TransformerChain/Model.key", "TransformerChain/Transform_000/Model.key", "TransformerChain/Transform_001/Model.key",
        }, names);
    }

    [TestMethod]
    public void FilesAreWrittenAndReadByPath()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            _ml.Model.Save(CreateModel(), Data.Schema, path);
            var model = new MLContext().Model.Load(path, out var schema);
            Assert.AreEqual(4, schema.Count);
            CollectionAssert.AreEqual(new[] { 0, 2, 4, 6 }, model.Transform(Data).GetColumn<int>("Twice").ToArray());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void StreamsStayOpen()
    {
        using var stream = Save(CreateModel(), null);
        new MLContext().Model.Load(stream, out _);
        Assert.IsTrue(stream.CanRead);
    }

    [TestMethod]
    public void MappingWithoutAContractCanNotBeSaved()
    {
        var model = _ml.Transforms.CustomMapping<NumberOnly, Doubled>(DoublingFactory.Map, null).Fit(Data);
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => Save(model, null)).Message, "contract");
    }

    [TestMethod]
    public void MappingWithAnUnknownContractCanNotBeLoaded()
    {
        var model = _ml.Transforms.CustomMapping<NumberOnly, Doubled>(DoublingFactory.Map, "nobody knows this one").Fit(Data);
        var error = Assert.Throws<Exception>(() => SaveAndLoad(model, null));
        StringAssert.Contains(error.ToString(), "nobody knows this one");
    }

    [TestMethod]
    public void ErrorOfATransformersSaveReachesTheCaller()
    {
        Assert.ThrowsExactly<NotSupportedException>(() => Save(new TracingTransformer("A", "Number", 1).Append(CreateModel()), null));
    }

    [TestMethod]
    public void WhatIsNoModelIsAnError()
    {
        Assert.ThrowsExactly<FormatException>(() => _ml.Model.Load(new MemoryStream(), out _));
        Assert.ThrowsExactly<FormatException>(() => _ml.Model.Load(new MemoryStream([1, 2, 3, 4]), out _));
        Assert.ThrowsExactly<ArgumentNullException>(() => _ml.Model.Load((Stream)null!, out _));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Model.Load("", out _));
        Assert.ThrowsExactly<FileNotFoundException>(() => _ml.Model.Load("no such file.zip", out _));
    }

    [TestMethod]
    [DataRow(0, DisplayName = "signature")]
    [DataRow(12, DisplayName = "version")]
    [DataRow(0x18, DisplayName = "size of the data")]
    [DataRow(0x58, DisplayName = "loader")]
    [DataRow(0x80, DisplayName = "tail")]
    public void DamagedEntryIsAnError(int position)
    {
        using var stream = Save(CreateModel(), null);
        Damage(stream, "TransformerChain/Model.key", bytes => bytes[position] ^= 0x55);
        Assert.ThrowsExactly<FormatException>(() => new MLContext().Model.Load(stream, out _));
    }

    [TestMethod]
    public void TruncatedEntryIsAnError()
    {
        foreach (int length in new[] { 0, 100, 256, 300 })
        {
            using var stream = Save(CreateModel(), null);
            Damage(stream, "TransformerChain/Model.key", _ => { }, length);
            Assert.ThrowsExactly<FormatException>(() => new MLContext().Model.Load(stream, out _), $"{length} bytes");
        }
    }

    private ITransformer CreateModel() => _ml.Transforms.CustomMapping<NumberOnly, Doubled>(DoublingFactory.Map, DoublingFactory.Contract).Fit(Data);

    private MemoryStream Save(ITransformer model, DataViewSchema? schema)
    {
        var stream = new MemoryStream();
        _ml.Model.Save(model, schema!, stream);
        stream.Position = 0;
        return stream;
    }

    private (ITransformer Model, DataViewSchema? Schema) SaveAndLoad(ITransformer model, DataViewSchema? schema)
    {
        using var stream = Save(model, schema);
        return (new MLContext().Model.Load(stream, out var loaded), loaded);
    }

    private static void Damage(Stream stream, string name, Action<byte[]> change, int? length = null)
    {
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Update, leaveOpen: true))
        {
            using var entry = archive.GetEntry(name)!.Open();
            var bytes = new byte[entry.Length];
            entry.ReadExactly(bytes);
            change(bytes);
            entry.Position = 0;
            entry.Write(bytes);
            entry.SetLength(length ?? bytes.Length);
        }
        stream.Position = 0;
    }

    private static DataViewSchema.Annotations Annotation<T>(string kind, PrimitiveDataViewType type, T[] values)
    {
        var builder = new DataViewSchema.Annotations.Builder();
        builder.Add(kind, new VectorDataViewType(type, values.Length), (ref VBuffer<T> dst) => dst = new(values.Length, [.. values]));
        return builder.ToAnnotations();
    }
}
