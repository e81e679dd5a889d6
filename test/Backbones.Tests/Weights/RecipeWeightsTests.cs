using System.Globalization;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Weights;

namespace Backbones.Tests.Weights;

[TestClass]
public sealed class RecipeWeightsTests
{
    [TestMethod]
    public void WorkedExamplesBitForBit()
    {
        using JsonDocument examples = WeightsTestData.Json("recipe_example.json");
        Assert.AreEqual(19, examples.RootElement.GetArrayLength());
        foreach (JsonElement example in examples.RootElement.EnumerateArray())
        {
            string name = example.GetProperty("name").GetString()!;
            ParameterSpec spec = new(name, [.. example.GetProperty("shape").EnumerateArray().Select(d => d.GetInt32())]);
            float[] values = new float[spec.Shape.Length];
            if (name == "input")
            {
                RecipeWeights.FillInput(values);
            }
            else
            {
                RecipeWeights.Fill(spec, convGain: 1, values);
            }

            Assert.AreEqual(Hex(example.GetProperty("fnv1a64")), RecipeWeights.Fnv1a(name), name);
            int i = 0;
            foreach (JsonElement t in example.GetProperty("t").EnumerateArray())
            {
                Assert.AreEqual(t.GetUInt64(), RecipeWeights.Mix(RecipeWeights.Fnv1a(name) + (ulong)i++) >> 40, name);
            }
            i = 0;
            foreach (JsonElement bits in example.GetProperty("bits").EnumerateArray())
            {
                Assert.AreEqual((uint)Hex(bits), BitConverter.SingleToUInt32Bits(values[i]), $"{name}[{i}] = {values[i]}");
                i++;
            }
            Assert.AreEqual(float.Parse(example.GetProperty("last").GetString()!, CultureInfo.InvariantCulture), values[^1], name);
        }
    }

    [TestMethod]
    public void ChecksumOfAWholeModelIsTheReferences()
    {
        using JsonDocument model = WeightsTestData.Json("test_resnet.json");
        ParameterSpec[] specs = WeightsTestData.TestResNet(model);
        double gain = model.RootElement.GetProperty("conv_gain").GetDouble();
        Assert.AreEqual((uint)Hex(model.RootElement.GetProperty("weights_crc32")), RecipeWeights.Checksum(specs, gain));
    }

    [TestMethod]
    public void ParallelPiecesAndRemaindersGiveTheSameValuesAsOneByOne()
    {
        const int Length = 600_003; // three pieces, the last one not a whole vector
        ParameterSpec spec = new("blocks.0.mlp.fc1.weight", [3, 200_001]);
        float[] values = new float[Length];
        RecipeWeights.Fill(spec, 1, values);
        float spread = (float)Math.Sqrt(3.0 / 200_001);
        ulong seed = RecipeWeights.Fnv1a(spec.Name);
        for (int i = 0; i < Length; i++)
        {
            float w = ((int)(RecipeWeights.Mix(seed + (ulong)i) >> 40) - (1 << 23)) * (1f / (1 << 23));
            Assert.AreEqual(w * spread, values[i], $"element {i}");
        }
    }

    [TestMethod]
    public void ConvolutionsAloneTakeTheGain()
    {
        float[] plain = new float[36], scaled = new float[36];
        ParameterSpec convolution = new("conv.weight", [2, 2, 3, 3]), linear = new("fc.weight", [2, 18]);
        RecipeWeights.Fill(convolution, 1, plain);
        RecipeWeights.Fill(convolution, 4, scaled);
        CollectionAssert.AreEqual(plain.Select(x => 2 * x).ToArray(), scaled);
        RecipeWeights.Fill(linear, 1, plain);
        RecipeWeights.Fill(linear, 4, scaled);
        CollectionAssert.AreEqual(plain, scaled);
    }

    [TestMethod]
    public void IndexTablesAreLeftToTheModel()
    {
        ParameterSpec[] specs =
        [
            new("attn.relative_position_index", [4, 4], ElementType.Int64),
            new("act.input_min", [1]),
            new("norm.num_batches_tracked", [], ElementType.Int64),
            new("norm.weight", [4]),
        ];
        ParameterTensor[] made = [.. RecipeWeights.Tensors(specs, 1)];
        CollectionAssert.AreEqual(new[] { "norm.num_batches_tracked", "norm.weight" }, made.Select(t => t.Name).ToArray());
        Assert.AreEqual(DType.Int64, made[0].DType);
        CollectionAssert.AreEqual(new float[] { 0 }, made[0].ToArray());
    }

    private static ulong Hex(JsonElement text) => ulong.Parse(text.GetString().AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
