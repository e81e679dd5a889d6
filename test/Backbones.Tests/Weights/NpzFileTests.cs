using Backbones.Graphs;
using Backbones.Weights;

namespace Backbones.Tests.Weights;

/// <summary>numpy's archives of arrays.</summary>
[TestClass]
public sealed class NpzFileTests
{
    [TestMethod]
    [DataRow("<f4", new byte[] { 0, 0, 192, 63 }, DType.Float32, 1.5f)]
    [DataRow(">f4", new byte[] { 63, 192, 0, 0 }, DType.Float32, 1.5f)]
    [DataRow("<f2", new byte[] { 0, 62 }, DType.Float16, 1.5f)]
    [DataRow("|V2", new byte[] { 192, 63 }, DType.BFloat16, 1.5f)]
    [DataRow("<f8", new byte[] { 0, 0, 0, 0, 0, 0, 248, 63 }, DType.Float64, 1.5f)]
    [DataRow("<i8", new byte[] { 254, 255, 255, 255, 255, 255, 255, 255 }, DType.Int64, -2f)]
    [DataRow("|b1", new byte[] { 1 }, DType.Bool, 1f)]
    public void Types_are_numpys(string type, byte[] data, DType expected, float value)
    {
        ParameterTensor tensor = Read(("params/x", NpzWriter.Array(type, false, [], data))).Single();
        Assert.AreEqual("params/x", tensor.Name);
        Assert.AreEqual(expected, tensor.DType);
        Assert.AreEqual(value, tensor.ToArray().Single());
    }

    [TestMethod]
    public void Column_major_arrays_are_turned()
    {
        float[] columns = [1, 4, 2, 5, 3, 6];
        ParameterTensor tensor = Read(("x", NpzWriter.Array("<f4", true, [2, 3], System.Runtime.InteropServices.MemoryMarshal.AsBytes(columns.AsSpan())))).Single();
        CollectionAssert.AreEqual(new[] { 1f, 2, 3, 4, 5, 6 }, tensor.ToArray());
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Files_are_known_by_their_content(bool compressed)
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder.File("weights.pth"), NpzWriter.Write([("a", NpzWriter.Array([2], [1, 2])), ("b/c", NpzWriter.Raw("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", [0, 0, 128, 63], version: 2))], compressed));
        using ParameterStore weights = ParameterStore.Open(folder.File("weights.pth"));
        CollectionAssert.AreEqual(new[] { 1f, 2 }, weights["a"].ToArray());
        CollectionAssert.AreEqual(new[] { 1f }, weights["b/c"].ToArray());
    }

    [TestMethod]
    [DataRow("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "expected 'descr' of plain numbers")]
    [DataRow("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "expected 'descr' of plain numbers")]
    [DataRow("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "is of type '<c8'")]
    [DataRow("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "has 4 bytes of data, its shape [2] takes 8")]
    [DataRow("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "has a dimension of -1")]
    [DataRow("{'descr': '<f4', 'fortran_order': False, 'shape': (100000, 100000), }", "is larger than")]
    [DataRow("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2147483647, 3), }", "is larger than")]
    public void Arrays_that_are_no_weights_are_refused(string header, string what)
        => StringAssert.Contains(Assert.ThrowsExactly<WeightsFormatException>(() => Read(("x", NpzWriter.Raw(header, [0, 0, 128, 63])))).Message, what);

    [TestMethod]
    public void Entries_that_are_no_arrays_are_refused()
        => StringAssert.Contains(Assert.ThrowsExactly<WeightsFormatException>(() => Read(("x", "something else in there"u8.ToArray()))).Message, "the array 'x' is no array of numpy");

    private static IReadOnlyList<ParameterTensor> Read(params (string, byte[])[] arrays) => NpzFile.TryRead(new MemoryStream(NpzWriter.Write(arrays)), "x.npz")!;
}
