extern alias ModelLoaderStub;

using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.TimmFeatures.Serialization;
using Microsoft.ML.TimmFeatures.Tests.Serialization;
using ModelLoaderStub::Microsoft.ML;

[assembly: IgnoresAccessChecksTo("Microsoft.ML.Core")]
[assembly: LoadableClass(typeof(Memo), null, typeof(SignatureLoadModel), "Memo", Memo.LoaderSignature)]

namespace Microsoft.ML.TimmFeatures.Tests.Serialization;

[TestClass]
public sealed class ModelInternalsTests
{
    [TestMethod]
    public void A_saved_component_loads_in_a_new_context_with_nothing_registered()
    {
        var saving = new MLContext();
        var schema = saving.Data.LoadFromEnumerable([new Row()]).Schema;
        using var file = new MemoryStream();
        saving.Model.Save(new Memo("seen at save time"), schema, file);

        file.Position = 0;
        var loaded = new MLContext().Model.Load(file, out var loadedSchema);

        Assert.AreEqual("seen at save time", ((Memo)Only(loaded)).Text);
        Assert.AreEqual(nameof(Row.Number), loadedSchema.Single().Name);
    }

    [TestMethod]
    public void Components_within_a_chain_load_in_order()
    {
        var saving = new MLContext();
        var schema = saving.Data.LoadFromEnumerable([new Row()]).Schema;
        using var file = new MemoryStream();
        saving.Model.Save(new TransformerChain<ITransformer>(new Memo("first"), new Memo("second")), schema, file);

        file.Position = 0;
        var loaded = (IEnumerable<ITransformer>)new MLContext().Model.Load(file, out _);

        CollectionAssert.AreEqual(new[] { "first", "second" }, loaded.Select(t => ((Memo)t).Text).ToArray());
    }

    [TestMethod]
    public void The_stub_is_compiled_against_and_the_real_assembly_is_deployed()
    {
        var references = typeof(Memo).Assembly.GetReferencedAssemblies().Where(a => a.Name == "Microsoft.ML.Core").Select(a => a.Version).ToArray();
        CollectionAssert.Contains(references, new Version(0, 0, 0, 1));
        Assert.AreEqual(new Version(1, 0, 0, 0), Assembly.Load("Microsoft.ML.Core").GetName().Version);
    }

    [TestMethod]
    public void A_missing_internal_is_named_together_with_the_version_of_MLNET()
    {
        var error = Assert.ThrowsExactly<NotSupportedException>(() => ModelInternals.BeginLoad(new object()));
        StringAssert.Contains(error.Message, "it has no Object.Reader");
        var version = typeof(ModelSaveContext).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        StringAssert.Contains(error.Message, $"ML.NET {version}");
    }

    private static ITransformer Only(ITransformer model) => model is IEnumerable<ITransformer> chain ? chain.Single() : model;

    private sealed class Row
    {
        public float Number { get; set; }
    }
}

/// <summary>A transformer that does nothing but remember a text: the least that can be saved.</summary>
internal sealed class Memo(string text) : ITransformer
{
    public const string LoaderSignature = "TimmTestMemo";

    public string Text { get; } = text;

    public bool IsRowToRowMapper => false;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;

    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => throw new InvalidOperationException();

    public IDataView Transform(IDataView input) => input;

    public void Save(ModelSaveContext ctx) => ModelInternals.BeginSave(ctx, "TIMMMEMO", LoaderSignature, typeof(Memo).Assembly).Write(Text);

    private static Memo Create(IHostEnvironment env, object ctx) => new(ModelInternals.BeginLoad(ctx).ReadString());
}
