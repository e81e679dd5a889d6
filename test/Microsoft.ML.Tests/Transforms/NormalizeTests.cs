using System.Collections.Immutable;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Tests.Transforms;

[TestClass]
public sealed class NormalizeTests
{
    private readonly MLContext _mlContext = new(seed: 1);

    private sealed class Row
    {
        [VectorType(4)]
        public float[] V { get; set; } = [];
        public float A { get; set; }
        public double D { get; set; }
    }

    // Slots: positive, both signs, constant, with a value that is not a number.
    private static readonly Row[] Rows =
    [
        new() { V = [1, -4, 7, float.NaN], A = 2, D = 1 },
        new() { V = [3, 2, 7, 2], A = 4, D = 2 },
        new() { V = [5, 0, 7, 6], A = 9, D = 6 },
    ];

    private IDataView Data => _mlContext.Data.LoadFromEnumerable(Rows);

    [TestMethod]
    public void MinMaxScalesByTheLargestMagnitudeAndLeavesZero()
    {
        float[][] rows = Vectors(_mlContext.Transforms.NormalizeMinMax("N", "V"));

        AssertClose([0.2f, -1, 0, float.NaN], rows[0]);
        AssertClose([0.6f, 0.5f, 0, 1 / 3f], rows[1]);
        AssertClose([1, 0, 0, 1], rows[2]);
    }

    [TestMethod]
    public void MinMaxMapsTheRangeToZeroToOneIfZeroMayMove()
    {
        float[][] rows = Vectors(_mlContext.Transforms.NormalizeMinMax("N", "V", fixZero: false));

        AssertClose([0, 0, 0, float.NaN], rows[0]);
        AssertClose([0.5f, 1, 0, 0], rows[1]);
        AssertClose([1, 4 / 6f, 0, 1], rows[2]);
    }

    [TestMethod]
    public void MeanVarianceDividesByTheRootMeanSquareAndLeavesZero()
    {
        float[][] rows = Vectors(_mlContext.Transforms.NormalizeMeanVariance("N", "V"));
        float first = MathF.Sqrt((1 + 9 + 25) / 3f), second = MathF.Sqrt((16 + 4) / 3f), last = MathF.Sqrt((4 + 36) / 2f);

        AssertClose([1 / first, -4 / second, 0, float.NaN], rows[0]);
        AssertClose([3 / first, 2 / second, 0, 2 / last], rows[1]);
        AssertClose([5 / first, 0, 0, 6 / last], rows[2]);
    }

    [TestMethod]
    public void MeanVarianceCentersIfZeroMayMove()
    {
        float[][] rows = Vectors(_mlContext.Transforms.NormalizeMeanVariance("N", "V", fixZero: false));
        float deviation = MathF.Sqrt(8 / 3f);

        Assert.AreEqual(-2 / deviation, rows[0][0], 1e-6f);
        Assert.AreEqual(0, rows[1][0], 1e-6f);
        Assert.AreEqual(2 / deviation, rows[2][0], 1e-6f);
        Assert.AreEqual(-1, rows[1][3], 1e-6f);
    }

    [TestMethod]
    public void MeanVarianceGivesTheShareBelowWithUseCdf()
    {
        float[][] rows = Vectors(_mlContext.Transforms.NormalizeMeanVariance("N", "V", useCdf: true));

        // The normal distribution's share below −1.2247 deviations, within the error of the closed form used for erf.
        Assert.AreEqual(0.1103f, rows[0][0], 2e-4f);
        Assert.AreEqual(0.5f, rows[1][0], 1e-6f);
        Assert.AreEqual(1 - 0.1103f, rows[2][0], 2e-4f);
    }

    [TestMethod]
    public void ScalarsOfEitherPrecisionAreNormalized()
    {
        IDataView output = _mlContext.Transforms.NormalizeMinMax([new InputOutputColumnPair("A"), new InputOutputColumnPair("D")]).Fit(Data).Transform(Data);

        CollectionAssert.AreEqual(new[] { 2 / 9f, 4 / 9f, 1 }, output.GetColumn<float>("A").ToArray());
        double[] doubles = output.GetColumn<double>("D").ToArray();
        Assert.AreEqual(1 / 6d, doubles[0], 1e-15);
        Assert.AreEqual(1, doubles[2], 1e-15);
    }

    [TestMethod]
    public void TheOutputIsMarkedAsNormalized()
    {
        IDataView output = _mlContext.Transforms.NormalizeMinMax("N", "V").Fit(Data).Transform(Data);
        Assert.IsTrue(output.Schema["N"].IsNormalized());
        Assert.IsFalse(output.Schema["V"].IsNormalized());
        Assert.AreEqual(Data.Schema["V"].Type, output.Schema["N"].Type);
    }

    [TestMethod]
    public void ScalesAndOffsetsCanBeRead()
    {
        NormalizingTransformer transformer = _mlContext.Transforms.NormalizeMinMax("N", "V", fixZero: false).Fit(Data);
        var parameters = (NormalizingTransformer.AffineNormalizerModelParameters<ImmutableArray<float>>)transformer.GetNormalizerModelParameters(0);

        AssertClose([0.25f, 1 / 6f, 0, 0.25f], parameters.Scale.ToArray());
        AssertClose([1, -4, 0, 2], parameters.Offset.ToArray());
    }

    [TestMethod]
    public void ScalesSurviveSavingAndLoading()
    {
        foreach (var estimator in new[]
        {
            _mlContext.Transforms.NormalizeMinMax("N", "V"),
            _mlContext.Transforms.NormalizeMeanVariance("N", "V", fixZero: false),
            _mlContext.Transforms.NormalizeMeanVariance("N", "V", useCdf: true),
            _mlContext.Transforms.NormalizeMeanVariance("N", "D", fixZero: false),
        })
        {
            ITransformer transformer = estimator.Fit(Data);
            ITransformer loaded = Reload.Transformer(transformer, Data.Schema);
            IDataView expected = transformer.Transform(Data), actual = loaded.Transform(Data);
            if (expected.Schema["N"].Type is VectorDataViewType)
            {
                CollectionAssert.AreEqual(
                    expected.GetColumn<float[]>("N").SelectMany(row => row).ToArray(),
                    actual.GetColumn<float[]>("N").SelectMany(row => row).ToArray());
            }
            else
            {
                CollectionAssert.AreEqual(expected.GetColumn<double>("N").ToArray(), actual.GetColumn<double>("N").ToArray());
            }
        }
    }

    [TestMethod]
    public void TextIsRefused()
    {
        var data = _mlContext.Data.LoadFromEnumerable(new[] { new { Text = "x" } });
        Assert.Throws<ArgumentException>(() => _mlContext.Transforms.NormalizeMinMax("Text").Fit(data));
    }

    private float[][] Vectors(NormalizingEstimator estimator) => estimator.Fit(Data).Transform(Data).GetColumn<float[]>("N").ToArray();

    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.HasCount(expected.Length, actual);
        for (int i = 0; i < expected.Length; i++)
            Assert.AreEqual(expected[i], actual[i], 1e-6f, $"slot {i}");
    }
}
