using System.Text;
using Backbones.Weights;

namespace Backbones.Tests.Weights;

[TestClass]
public sealed class SafetensorsWriterTests
{
    [TestMethod]
    public void RewritesAFileOfTheReferenceWriterByteForByte()
    {
        using SafetensorsFile file = SafetensorsFile.Open(WeightsTestData.DemoFile);
        using TemporaryFolder folder = new();
        SafetensorsWriter.Write(folder.File("copy.safetensors"), file.Tensors.Reverse());
        CollectionAssert.AreEqual(File.ReadAllBytes(WeightsTestData.DemoFile), File.ReadAllBytes(folder.File("copy.safetensors")));
    }

    [TestMethod]
    public void LengthIsKnownWithoutWriting()
    {
        using SafetensorsFile file = SafetensorsFile.Open(WeightsTestData.DemoFile);
        Assert.AreEqual(new FileInfo(WeightsTestData.DemoFile).Length, SafetensorsWriter.LengthOf(file.Tensors));
    }

    [TestMethod]
    public void HeaderIsPaddedAndOrderedAndMetadataIsOptional()
    {
        using MemoryStream stream = new();
        SafetensorsWriter.Write(stream,
        [
            WeightsTestData.Tensor("b", [1], 1),
            new MemoryTensor("half", DType.Float16, [1], new byte[2]),
            WeightsTestData.Tensor("ä\"", [], 2),
            new MemoryTensor("z", DType.Int64, [0], Array.Empty<byte>()),
        ], new Dictionary<string, string>());
        byte[] bytes = stream.ToArray();
        int length = BitConverter.ToInt32(bytes);
        Assert.AreEqual(0, length % 8);
        Assert.AreEqual(
            """{"z":{"dtype":"I64","shape":[0],"data_offsets":[0,0]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"ä\"":{"dtype":"F32","shape":[],"data_offsets":[4,8]},"half":{"dtype":"F16","shape":[1],"data_offsets":[8,10]}}""",
            Encoding.UTF8.GetString(bytes, 8, length).TrimEnd(' '));
        Assert.AreEqual(4, SafetensorsFile.Read(bytes).Tensors.Count);
    }

    [TestMethod]
    public void RepeatedAndReservedNamesAreRefused()
    {
        foreach (string name in new[] { "a", "__metadata__" })
        {
            ParameterTensor[] tensors = [WeightsTestData.Tensor("a", [1], 1), WeightsTestData.Tensor(name, [1], 1)];
            ArgumentException e = Assert.ThrowsExactly<ArgumentException>(() => SafetensorsWriter.Write(new MemoryStream(), tensors));
            StringAssert.Contains(e.Message, $"'{name}'");
        }
    }
}
