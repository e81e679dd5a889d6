using System.Collections.Immutable;
using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.DataView;

[TestClass]
public class DataViewTypeTests
{
    [TestMethod]
    public void ScalarTypesHaveTheirRawType()
    {
        Assert.AreEqual(typeof(float), NumberDataViewType.Single.RawType);
        Assert.AreEqual(typeof(ReadOnlyMemory<char>), TextDataViewType.Instance.RawType);
        Assert.AreEqual(typeof(bool), BooleanDataViewType.Instance.RawType);
        Assert.AreEqual(typeof(DataViewRowId), RowIdDataViewType.Instance.RawType);
        Assert.AreNotEqual<DataViewType>(NumberDataViewType.Int32, NumberDataViewType.UInt32);
    }

    [TestMethod]
    public void TextOfTypes()
    {
        var types = new DataViewType[]
        {
            TextDataViewType.Instance, BooleanDataViewType.Instance, NumberDataViewType.Single, NumberDataViewType.Byte, RowIdDataViewType.Instance,
            DateTimeDataViewType.Instance, DateTimeOffsetDataViewType.Instance, TimeSpanDataViewType.Instance,
            new KeyDataViewType(typeof(uint), 10), new VectorDataViewType(NumberDataViewType.Single, 3), new VectorDataViewType(TextDataViewType.Instance),
            new VectorDataViewType(NumberDataViewType.Double, 3, 0, 2),
        };
        CollectionAssert.AreEqual(new[]
        {
            "String", "Boolean", "Single", "Byte", "DataViewRowId", "DateTime", "DateTimeOffset", "TimeSpan",
            "Key<UInt32, 0-9>", "Vector<Single, 3>", "Vector<String>", "Vector<Double, 3, *, 2>",
        }, types.Select(t => t.ToString()).ToArray());
    }

    [TestMethod]
    public void VectorTypesAreEqualByItemAndDimensions()
    {
        var type = new VectorDataViewType(NumberDataViewType.Single, 2, 3);
        Assert.AreEqual(type, new VectorDataViewType(NumberDataViewType.Single, ImmutableArray.Create(2, 3)));
        Assert.AreEqual(type.GetHashCode(), new VectorDataViewType(NumberDataViewType.Single, 2, 3).GetHashCode());
        Assert.AreNotEqual(type, new VectorDataViewType(NumberDataViewType.Single, 6));
        Assert.AreNotEqual(type, new VectorDataViewType(NumberDataViewType.Single, 3, 2));
        Assert.AreNotEqual(type, new VectorDataViewType(NumberDataViewType.Double, 2, 3));
        Assert.AreEqual(6, type.Size);
        Assert.AreEqual(typeof(VBuffer<float>), type.RawType);
    }

    [TestMethod]
    public void VectorSizeIsUnknownWhereADimensionIs()
    {
        Assert.IsTrue(new VectorDataViewType(NumberDataViewType.Single, 4).IsKnownSize);
        Assert.IsFalse(new VectorDataViewType(NumberDataViewType.Single).IsKnownSize);
        Assert.IsFalse(new VectorDataViewType(NumberDataViewType.Single, 2, 0).IsKnownSize);
    }

    [TestMethod]
    public void VectorTypesCheckArguments()
    {
        Assert.ThrowsExactly<ArgumentNullException>(() => new VectorDataViewType(null!, 2));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new VectorDataViewType(NumberDataViewType.Single, -1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new VectorDataViewType(NumberDataViewType.Single, 2, -1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new VectorDataViewType(NumberDataViewType.Single, Array.Empty<int>()));
        Assert.ThrowsExactly<OverflowException>(() => new VectorDataViewType(NumberDataViewType.Single, 1 << 16, 1 << 16));
    }

    [TestMethod]
    public void KeyTypesAreEqualByRawTypeAndCount()
    {
        var key = new KeyDataViewType(typeof(uint), 10);
        Assert.AreEqual(key, new KeyDataViewType(typeof(uint), 10UL));
        Assert.AreNotEqual(key, new KeyDataViewType(typeof(uint), 11));
        Assert.AreNotEqual(key, new KeyDataViewType(typeof(byte), 10));
        Assert.AreNotEqual<DataViewType>(key, NumberDataViewType.UInt32);
    }

    [TestMethod]
    public void KeyTypesCheckArguments()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new KeyDataViewType(typeof(int), 10));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new KeyDataViewType(typeof(uint), 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new KeyDataViewType(typeof(byte), 256));
        Assert.AreEqual(255UL, new KeyDataViewType(typeof(byte), 255).Count);
        Assert.IsTrue(KeyDataViewType.IsValidDataType(typeof(ushort)));
        Assert.IsFalse(KeyDataViewType.IsValidDataType(typeof(float)));
    }

    [TestMethod]
    public void DerivedRowIdsAreThoseOfMurmurHash()
    {
        var id = new DataViewRowId(1, 2);
        Assert.AreEqual("00000000000000020000000000000001", id.ToString());
        Assert.IsTrue(new DataViewRowId(5, 1).CompareTo(new DataViewRowId(1, 2)) < 0);
        Assert.IsTrue(new DataViewRowId(5, 2).CompareTo(new DataViewRowId(1, 2)) > 0);
        Assert.AreEqual(id, new DataViewRowId(1, 2));
        Assert.AreEqual("000000079e99deb434e09d0b1102190b", id.Fork().ToString());
        Assert.AreEqual("000000079e99deb4000000007adce733", id.Next().ToString());
        Assert.AreEqual("d6c370eb9bb089c0cf76cc3e67f97a6c", id.Combine(new DataViewRowId(3, 4)).ToString());
    }
}
