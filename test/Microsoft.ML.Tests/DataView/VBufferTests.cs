using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.DataView;

[TestClass]
public class VBufferTests
{
    private static VBuffer<float> Dense => new(3, [1f, 2f, 3f]);

    private static VBuffer<float> Sparse => new(5, 2, [7f, 9f], [1, 4]);

    [TestMethod]
    public void DenseHasValuesAndNoIndices()
    {
        Assert.IsTrue(Dense.IsDense);
        Assert.AreEqual(3, Dense.Length);
        CollectionAssert.AreEqual(new[] { 1f, 2f, 3f }, Dense.GetValues().ToArray());
        Assert.AreEqual(0, Dense.GetIndices().Length);
    }

    [TestMethod]
    public void SparseStandsForDenseWithDefaults()
    {
        Assert.IsFalse(Sparse.IsDense);
        CollectionAssert.AreEqual(new[] { 0f, 7f, 0f, 0f, 9f }, Sparse.DenseValues().ToArray());
        VBuffer<float> dense = default;
        Sparse.CopyToDense(ref dense);
        Assert.IsTrue(dense.IsDense);
        CollectionAssert.AreEqual(Sparse.DenseValues().ToArray(), dense.GetValues().ToArray());
    }

    [TestMethod]
    public void ArraysLargerThanTheVectorAreNotPartOfIt()
    {
        var vector = new VBuffer<int>(2, [5, 6, 7, 8]);
        CollectionAssert.AreEqual(new[] { 5, 6 }, vector.GetValues().ToArray());
        CollectionAssert.AreEqual(new[] { 5, 6 }, vector.DenseValues().ToArray());
    }

    [TestMethod]
    public void ItemsAreTheExplicitOnesOrAll()
    {
        CollectionAssert.AreEqual(new[] { (1, 7f), (4, 9f) }, Sparse.Items().Select(i => (i.Key, i.Value)).ToArray());
        CollectionAssert.AreEqual(new[] { (0, 0f), (1, 7f), (2, 0f), (3, 0f), (4, 9f) }, Sparse.Items(all: true).Select(i => (i.Key, i.Value)).ToArray());
        CollectionAssert.AreEqual(new[] { (0, 1f), (1, 2f), (2, 3f) }, Dense.Items().Select(i => (i.Key, i.Value)).ToArray());
    }

    [TestMethod]
    public void GetItemOrDefaultKnowsEverySlot()
    {
        CollectionAssert.AreEqual(new[] { 0f, 7f, 0f, 0f, 9f }, Enumerable.Range(0, 5).Select(Sparse.GetItemOrDefault).ToArray());
        float value = -1;
        Sparse.GetItemOrDefault(2, ref value);
        Assert.AreEqual(0f, value);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Sparse.GetItemOrDefault(5));
    }

    [TestMethod]
    public void CopyKeepsTheRepresentation()
    {
        VBuffer<float> copy = default;
        Sparse.CopyTo(ref copy);
        Assert.IsFalse(copy.IsDense);
        CollectionAssert.AreEqual(new[] { 1, 4 }, copy.GetIndices().ToArray());
        CollectionAssert.AreEqual(new[] { 7f, 9f }, copy.GetValues().ToArray());
        Dense.CopyTo(ref copy);
        Assert.IsTrue(copy.IsDense);
        CollectionAssert.AreEqual(new[] { 1f, 2f, 3f }, copy.GetValues().ToArray());
    }

    [TestMethod]
    public void CopyOfAPartMovesTheIndices()
    {
        VBuffer<float> part = default;
        Sparse.CopyTo(ref part, 1, 3);
        Assert.AreEqual(3, part.Length);
        CollectionAssert.AreEqual(new[] { 0 }, part.GetIndices().ToArray());
        CollectionAssert.AreEqual(new[] { 7f, 0f, 0f }, part.DenseValues().ToArray());
        Sparse.CopyTo(ref part, 4, 1);
        Assert.IsTrue(part.IsDense);
        Dense.CopyTo(ref part, 1, 2);
        CollectionAssert.AreEqual(new[] { 2f, 3f }, part.GetValues().ToArray());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Dense.CopyTo(ref part, 2, 2));
    }

    [TestMethod]
    public void CopyToSpanFillsGapsWithTheDefaultGiven()
    {
        var target = new float[7];
        Array.Fill(target, 5);
        Sparse.CopyTo(target, 1, defaultValue: -1);
        CollectionAssert.AreEqual(new[] { 5f, -1f, 7f, -1f, -1f, 9f, 5f }, target);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Sparse.CopyTo(target, 3));
    }

    [TestMethod]
    public void CopyToSpanClearsWhereNothingIsExplicit()
    {
        var target = new[] { 5f, 5f };
        new VBuffer<float>(2, 0, null, null).CopyTo(target, 0, defaultValue: 3);
        CollectionAssert.AreEqual(new[] { 0f, 0f }, target);
    }

    [TestMethod]
    public void ConstructorChecksArguments()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new VBuffer<int>(-1, []));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new VBuffer<int>(2, [1]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new VBuffer<int>(2, 3, [1, 2, 3], [0, 1, 2]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new VBuffer<int>(4, 2, [1, 2], [0]));
        Assert.AreEqual(0, new VBuffer<int>(0, null).GetValues().Length);
    }

    [TestMethod]
    public void EditorReusesArraysThatSuffice()
    {
        var vector = new VBuffer<int>(4, [1, 2, 3, 4]);
        var editor = VBufferEditor.Create(ref vector, 3);
        Assert.IsFalse(editor.CreatedNewValues);
        Assert.AreEqual(3, editor.Values.Length);
        editor.Values[0] = 9;
        vector = editor.Commit();
        CollectionAssert.AreEqual(new[] { 9, 2, 3 }, vector.GetValues().ToArray());

        var larger = VBufferEditor.Create(ref vector, 5, keepOldOnResize: true);
        Assert.IsTrue(larger.CreatedNewValues);
        CollectionAssert.AreEqual(new[] { 9, 2, 3, 4, 0 }, larger.Values.ToArray());
    }

    [TestMethod]
    public void EditorMakesSparseVectors()
    {
        VBuffer<float> vector = default;
        var editor = VBufferEditor.Create(ref vector, 6, 2);
        Assert.AreEqual(2, editor.Indices.Length);
        (editor.Indices[0], editor.Indices[1]) = (2, 5);
        (editor.Values[0], editor.Values[1]) = (3, 4);
        vector = editor.CommitTruncated(1);
        CollectionAssert.AreEqual(new[] { 0f, 0f, 3f, 0f, 0f, 0f }, vector.DenseValues().ToArray());
    }

    [TestMethod]
    public void EditorOverABufferChangesItsValues()
    {
        var vector = Sparse;
        var editor = VBufferEditor.CreateFromBuffer(ref vector);
        foreach (ref float value in editor.Values)
            value *= 2;
        CollectionAssert.AreEqual(new[] { 0f, 14f, 0f, 0f, 18f }, editor.Commit().DenseValues().ToArray());
    }

    [TestMethod]
    public void EditorChecksArguments()
    {
        VBuffer<int> vector = default;
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => VBufferEditor.Create(ref vector, -1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => VBufferEditor.Create(ref vector, 2, 3));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => VBufferEditor.Create(ref vector, 8, maxValuesCapacity: 4));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => VBufferEditor.Create(ref vector, 2).CommitTruncated(3));
    }

    [TestMethod]
    public void CopyOfAnArrayIsDense()
    {
        VBuffer<int> vector = default;
        VBuffer<int>.Copy([1, 2, 3, 4], 1, ref vector, 2);
        CollectionAssert.AreEqual(new[] { 2, 3 }, vector.GetValues().ToArray());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => VBuffer<int>.Copy([1, 2], 1, ref vector, 2));
    }

    [TestMethod]
    public void TextSaysTheRepresentation()
    {
        Assert.AreEqual("Dense vector of size 3", Dense.ToString());
        Assert.AreEqual("Sparse vector of size 5, 2 explicit values", Sparse.ToString());
    }
}
