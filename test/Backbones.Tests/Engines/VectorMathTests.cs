using Backbones.Engines.Managed;
using Backbones.Engines.Reference;

namespace Backbones.Tests.Engines;

/// <summary>The vector functions against double, over the whole range in which they are not constant.</summary>
[TestClass]
public sealed class VectorMathTests
{
    [TestMethod]
    public void ExponentialIsExactToTwoRoundings()
    {
        Check(-87, 88, x => VectorMath<Float8>.Exp(x), x => VectorMath<Float16>.Exp(x), Math.Exp, relative: 2.5e-7);
        Assert.AreEqual(0, Of((Float8 x) => VectorMath<Float8>.Exp(x), -200), 1.2e-38f);
        Assert.IsTrue(Of((Float8 x) => VectorMath<Float8>.Exp(x), 200) > 3.4e38f);
        Assert.IsTrue(float.IsNaN(Of((Float8 x) => VectorMath<Float8>.Exp(x), float.NaN)));
    }

    [TestMethod]
    public void HyperbolicTangentIsExactToTwoRoundings()
    {
        Check(-10, 10, x => VectorMath<Float8>.Tanh(x), x => VectorMath<Float16>.Tanh(x), Math.Tanh, relative: 3e-7);
        Assert.AreEqual(1f, Of((Float8 x) => VectorMath<Float8>.Tanh(x), 1e30f));
    }

    [TestMethod]
    public void SigmoidIsExactToThreeRoundings()
        => Check(-80, 80, x => VectorMath<Float8>.Sigmoid(x), x => VectorMath<Float16>.Sigmoid(x), x => 1 / (1 + Math.Exp(-x)), relative: 4e-7);

    [TestMethod]
    public void GeluIsExactToAFewRoundingsOfItsArgument()
    {
        Func<double, double> exact = x => x / 2 * (1 + ReferenceKernels.Erf(x / Math.Sqrt(2)));
        for (int i = -120_000; i <= 120_000; i++)
        {
            float x = i * 1e-4f;
            double expected = exact(x), bound = 2e-7 * Math.Abs(x);
            float a = Of((Float8 v) => VectorMath<Float8>.Gelu(v), x), b = Of((Float16 v) => VectorMath<Float16>.Gelu(v), x);
            if (!(Math.Abs(a - expected) <= bound && Math.Abs(b - expected) <= bound))
                Assert.Fail($"At {x:r} expected {expected:r}, got {a:r} with 8 lanes, {b:r} with 16.");
        }
        foreach (float x in (float[])[0, 1e-30f, 20, 1e30f, float.PositiveInfinity])
        {
            Assert.AreEqual(x > 1 ? x : x / 2, Of((Float16 v) => VectorMath<Float16>.Gelu(v), x), x < 1 ? x * 1e-6f : 0);
            Assert.AreEqual(x > 1 ? 0 : -x / 2, Of((Float16 v) => VectorMath<Float16>.Gelu(v), -x), 1e-30f);
        }
        Assert.IsTrue(float.IsNaN(Of((Float16 v) => VectorMath<Float16>.Gelu(v), float.NaN)));
    }

    [TestMethod]
    public void AGateIsExactToAFewRoundingsOfItsArgument()
    {
        for (int i = -100_000; i <= 100_000; i++)
        {
            float x = i * 1e-3f;
            double expected = x / (1 + Math.Pow(2, -x)), bound = 3e-7 * Math.Abs(expected) + 1e-36;
            float a = Of((Float8 v) => VectorMath<Float8>.Gate(v, -v), x), b = Of((Float16 v) => VectorMath<Float16>.Gate(v, -v), x);
            if (!(Math.Abs(a - expected) <= bound && Math.Abs(b - expected) <= bound))
                Assert.Fail($"At {x:r} expected {expected:r}, got {a:r} with 8 lanes, {b:r} with 16.");
        }
        foreach (float x in (float[])[1000, 1e30f])
        {
            Assert.AreEqual(x, Of((Float16 v) => VectorMath<Float16>.Gate(v, -v), x));
            Assert.AreEqual(0, Of((Float16 v) => VectorMath<Float16>.Gate(v, -v), -x), x * 2e-38f);
        }
        Assert.IsTrue(float.IsNaN(Of((Float16 v) => VectorMath<Float16>.Gate(v, -v), float.NaN)));
    }

    private static void Check(double from, double to, Func<Float8, Float8> narrow, Func<Float16, Float16> wide, Func<double, double> exact, double relative)
    {
        for (int i = 0; i <= 100_000; i++)
        {
            float x = (float)(from + (to - from) * i / 100_000);
            // Also close to zero, where relative errors show.
            for (int near = 0; near < 2; near++)
            {
                float v = near == 0 ? x : x * 1e-3f;
                double expected = exact(v), bound = relative * Math.Abs(expected) + 1e-44;
                float a = Of(narrow, v), b = Of(wide, v);
                if (!(Math.Abs(a - expected) <= bound && Math.Abs(b - expected) <= bound))
                    Assert.Fail($"At {v:r} expected {expected:r}, got {a:r} with 8 lanes, {b:r} with 16.");
            }
        }
    }

    private static unsafe float Of<T>(Func<T, T> function, float x) where T : struct, IVector<T>
    {
        float* lanes = stackalloc float[T.Count];
        T.Store(function(T.Create(x)), lanes);
        if (!new Span<float>(lanes, T.Count).TrimStart(lanes[0]).IsEmpty && !float.IsNaN(lanes[0]))
            Assert.Fail($"The lanes differ at {x:r}.");
        return lanes[0];
    }
}
