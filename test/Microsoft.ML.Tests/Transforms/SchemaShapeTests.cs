using System.Reflection;
using Microsoft.ML.Data;
using Microsoft.ML.Tests.Trainers;

namespace Microsoft.ML.Tests.Transforms;

[TestClass]
public sealed class SchemaShapeTests
{
    private static readonly MLContext MlContext = new(seed: 1);

    public static IEnumerable<object[]> Estimators()
    {
        var conversion = MlContext.Transforms.Conversion;
        yield return ["key", conversion.MapValueToKey("Key", "Name")];
        yield return ["key of number as text", conversion.MapValueToKey("Key", "Weight", addKeyValueAnnotationsAsText: true)];
        yield return ["value", conversion.MapKeyToValue("Value", "Label")];
        yield return ["concatenation", MlContext.Transforms.Concatenate("All", "Weight", "Features")];
        yield return ["copy", MlContext.Transforms.CopyColumns("Copy", "Label")];
        yield return ["selection", MlContext.Transforms.SelectColumns("Features", "Label")];
        yield return ["drop", MlContext.Transforms.DropColumns("Weight")];
        yield return ["range", MlContext.Transforms.NormalizeMinMax("Features")];
        yield return ["variance", MlContext.Transforms.NormalizeMeanVariance("N", "Weight")];
        yield return ["float", conversion.ConvertType("Weight", outputKind: DataKind.Double)];
        yield return ["classifier", MlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy()];
        yield return ["clustering", MlContext.Clustering.Trainers.KMeans(numberOfClusters: 2)];
        yield return ["chain", MlContext.Transforms.NormalizeMinMax("Features")
            .Append(MlContext.Transforms.Concatenate("Features", "Features", "Weight"))
            .Append(MlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy())
            .Append(conversion.MapKeyToValue("PredictedLabel"))];
    }

    [TestMethod]
    [DynamicData(nameof(Estimators))]
    public void ThePromisedSchemaIsTheOneThatComes(string what, object estimator)
    {
        IDataView input = MlContext.Data.LoadFromEnumerable(TrainingData.Clouds());
        input = MlContext.Transforms.Conversion.MapValueToKey("Label", "Name").Fit(input).Transform(input);

        var typed = (IEstimator<ITransformer>)estimator;
        SchemaShape promised = typed.GetOutputSchema(ShapeOf(input.Schema));
        SchemaShape actual = ShapeOf(typed.Fit(input).Transform(input).Schema);

        CollectionAssert.AreEquivalent(actual.Select(c => c.Name).ToArray(), promised.Select(c => c.Name).ToArray(), what);
        foreach (SchemaShape.Column column in promised)
        {
            SchemaShape.Column came = actual.Single(c => c.Name == column.Name);
            Assert.AreEqual(came.Kind, column.Kind, column.Name);
            Assert.AreEqual(came.ItemType, column.ItemType, column.Name);
            Assert.AreEqual(came.IsKey, column.IsKey, column.Name);
            CollectionAssert.IsSubsetOf(column.Annotations.Select(a => a.Name).ToArray(), came.Annotations.Select(a => a.Name).ToArray(), column.Name);
        }
    }

    [TestMethod]
    public void AMissingOrUnsuitableColumnIsFoundBeforeAnyDataIs()
    {
        SchemaShape shape = ShapeOf(MlContext.Data.LoadFromEnumerable(TrainingData.Clouds()).Schema);
        IEstimator<ITransformer>[] unsuitable =
        [
            MlContext.Transforms.Conversion.MapValueToKey("Nope"),
            MlContext.Transforms.Conversion.MapKeyToValue("Name"),
            MlContext.Transforms.Concatenate("All", "Nope"),
            MlContext.Transforms.CopyColumns("Copy", "Nope"),
            MlContext.Transforms.DropColumns("Nope"),
            MlContext.Transforms.NormalizeMinMax("Name"),
            MlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy(labelColumnName: "Name"),
            MlContext.Clustering.Trainers.KMeans("Weight"),
        ];
        foreach (var estimator in unsuitable)
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => estimator.GetOutputSchema(shape), estimator.GetType().Name);
        Assert.ThrowsExactly<InvalidOperationException>(() => MlContext.Transforms.Concatenate("All", "Name", "Features").GetOutputSchema(shape));
    }

    // The public way to a shape is through a loader; this is what estimators use themselves.
    private static SchemaShape ShapeOf(DataViewSchema schema)
        => (SchemaShape)typeof(SchemaShape).GetMethod("Create", BindingFlags.Static | BindingFlags.NonPublic)!.Invoke(null, [schema])!;
}
