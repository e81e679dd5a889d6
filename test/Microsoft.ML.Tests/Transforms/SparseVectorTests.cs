using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Transforms;

[TestClass]
public sealed class SparseVectorTests
{
    private readonly MLContext _mlContext = new(seed: 1);

    private sealed class Row
    {
        public string Name { get; set; } = "";
        [VectorType(6)]
        public VBuffer<float> Sparse { get; set; }
        [VectorType(6)]
        public VBuffer<float> Dense { get; set; }
        public float A { get; set; }
    }

    private static readonly float[][] Values =
    [
        [0, 2, 0, 0, 0, 1],
        [0, 0, 0, 4, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [3, 0, 0, 0, 0, -1],
    ];

    private IDataView Data => _mlContext.Data.LoadFromEnumerable(Values.Select((v, i) =>
    {
        int[] slots = Enumerable.Range(0, 6).Where(j => v[j] != 0).ToArray();
        var sparse = new VBuffer<float>(6, slots.Length, slots.Select(j => v[j]).ToArray(), slots);
        return new Row { Name = i < 2 ? "x" : "y", Sparse = sparse, Dense = new VBuffer<float>(6, v), A = i };
    }));

    [TestMethod]
    public void ConcatenationOfSparseVectorsIsThatOfTheDenseOnes()
    {
        AssertSame(
            _mlContext.Transforms.Concatenate("Out", "A", "Sparse", "Sparse"),
            _mlContext.Transforms.Concatenate("Out", "A", "Dense", "Dense"));
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void SparseVectorsAreNormalizedAsDenseOnes(bool fixZero)
    {
        AssertSame(_mlContext.Transforms.NormalizeMinMax("Out", "Sparse", fixZero: fixZero), _mlContext.Transforms.NormalizeMinMax("Out", "Dense", fixZero: fixZero));
        AssertSame(_mlContext.Transforms.NormalizeMeanVariance("Out", "Sparse", fixZero: fixZero), _mlContext.Transforms.NormalizeMeanVariance("Out", "Dense", fixZero: fixZero));
    }

    [TestMethod]
    public void SparseVectorsAreMappedToTheKeysOfDenseOnes()
    {
        uint[] Keys(string column)
        {
            var transformer = _mlContext.Transforms.Conversion.MapValueToKey("Out", column).Fit(Data);
            return transformer.Transform(Data).GetColumn<uint[]>("Out").SelectMany(keys => keys).ToArray();
        }

        uint[] dense = Keys("Dense");
        CollectionAssert.AreEqual(dense, Keys("Sparse"));
        CollectionAssert.AreEqual(new uint[] { 1, 2, 1, 1, 1, 3 }, dense[..6]);
    }

    [TestMethod]
    public void SparseVectorsAreScoredAsDenseOnes()
    {
        IDataView keyed = _mlContext.Transforms.Conversion.MapValueToKey("Label", "Name").Fit(Data).Transform(Data);
        float[] Scores(IEstimator<ITransformer> trainer) => trainer.Fit(keyed).Transform(keyed).GetColumn<float[]>("Score").SelectMany(s => s).ToArray();

        var trainers = _mlContext.MulticlassClassification.Trainers;
        float[] sparse = Scores(trainers.LbfgsMaximumEntropy(featureColumnName: "Sparse")), dense = Scores(trainers.LbfgsMaximumEntropy(featureColumnName: "Dense"));
        for (int i = 0; i < dense.Length; i++)
            Assert.AreEqual(dense[i], sparse[i], 1e-4f);
    }

    private void AssertSame(IEstimator<ITransformer> ofSparse, IEstimator<ITransformer> ofDense)
    {
        float[][] sparse = ofSparse.Fit(Data).Transform(Data).GetColumn<float[]>("Out").ToArray();
        float[][] dense = ofDense.Fit(Data).Transform(Data).GetColumn<float[]>("Out").ToArray();
        for (int i = 0; i < dense.Length; i++)
            CollectionAssert.AreEqual(dense[i], sparse[i], $"row {i}");
        Assert.IsTrue(dense.SelectMany(row => row).Any(value => value != 0));
    }
}
