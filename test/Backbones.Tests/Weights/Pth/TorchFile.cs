using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Backbones.Tests.Weights.Pth;

/// <summary>A storage of a test checkpoint: <c>torch.FloatStorage</c> and the like.</summary>
internal sealed record TestStorage(string Class, string Key, long Count, byte[] Bytes, object?[]? View = null);

/// <summary>A tensor of a test checkpoint.</summary>
internal sealed record TestTensor(TestStorage Storage, long Offset, long[] Size, long[] Stride, bool IsParameter = false);

/// <summary>A Python name to be called with arguments.</summary>
internal sealed record TestCall(string Module, string Name, params object?[] Arguments);

/// <summary>An object with attributes, made without a call.</summary>
internal sealed record TestObject(string Module, string Name, (object Key, object? Value)[] Attributes);

/// <summary>An OrderedDict with attributes, as a state dict has.</summary>
internal sealed record TestOrderedDict(params (object Key, object? Value)[] Items);

/// <summary>Pickle bytes put in as they are.</summary>
internal sealed record TestRaw(params byte[] Bytes);

/// <summary>Writes checkpoints as torch.save does, in both layouts, and broken ones.</summary>
internal static class TorchFile
{
    private static readonly byte[] Magic = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.'];

    public static TestStorage Storage<T>(string type, string key, params T[] values) where T : unmanaged
        => new(type, key, values.Length, System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public static TestTensor Tensor(TestStorage storage, params long[] size)
    {
        long[] stride = new long[size.Length];
        long next = 1;
        for (int i = size.Length - 1; i >= 0; i--)
        {
            stride[i] = next;
            next *= size[i];
        }
        return new TestTensor(storage, 0, size, stride);
    }

    public static byte[] Zip(object? root, TestStorage[] storages, CompressionLevel level = CompressionLevel.NoCompression, params (string Name, byte[] Bytes)[] more)
    {
        MemoryStream file = new();
        using (ZipArchive zip = new(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add(zip, "archive/data.pkl", Pickle(root), level);
            foreach (TestStorage storage in storages)
            {
                Add(zip, "archive/data/" + storage.Key, storage.Bytes, level);
            }
            Add(zip, "archive/version", "3\n"u8.ToArray(), level);
            foreach ((string name, byte[] bytes) in more)
            {
                Add(zip, name, bytes, level);
            }
        }
        return file.ToArray();
    }

    public static byte[] Stream(object? root, TestStorage[] storages, byte[]? magic = null, long protocol = 1001, bool littleEndian = true)
    {
        MemoryStream file = new();
        file.Write(magic ?? Magic);
        file.Write(Pickle(protocol));
        file.Write(Pickle(new (object, object?)[] { ("protocol_version", 1001L), ("little_endian", littleEndian), ("type_sizes", new (object, object?)[] { ("int", 4L) }) }));
        file.Write(Pickle(root));
        file.Write(Pickle(storages.Select(s => (object?)s.Key).ToList()));
        foreach (TestStorage storage in storages)
        {
            byte[] count = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(count, storage.Count);
            file.Write(count);
            file.Write(storage.Bytes);
        }
        return file.ToArray();
    }

    public static byte[] Pickle(object? value)
    {
        MemoryStream pickle = new();
        pickle.Write([0x80, 2]);
        Write(pickle, value);
        pickle.WriteByte((byte)'.');
        return pickle.ToArray();
    }

    private static void Write(Stream to, object? value)
    {
        switch (value)
        {
            case null: to.WriteByte((byte)'N'); break;
            case bool flag: to.WriteByte(flag ? (byte)0x88 : (byte)0x89); break;
            case long and >= 0 and < 256: to.Write([(byte)'K', (byte)(long)value]); break;
            case long and >= 0 and < 65536: to.Write([(byte)'M', (byte)(long)value, (byte)((long)value >> 8)]); break;
            case long number when number == (int)number: to.Write([(byte)'J', .. BitConverter.GetBytes((int)number)]); break;
            case long number: to.Write([0x8a, 8, .. BitConverter.GetBytes(number)]); break;
            case double number: to.Write([(byte)'G', .. BitConverter.GetBytes(number).Reverse()]); break;
            case string text: to.Write([(byte)'X', .. BitConverter.GetBytes(Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)]); break;
            case TestRaw raw: to.Write(raw.Bytes); break;
            case object?[] tuple: Marked(to, tuple, (byte)'t'); break;
            case List<object?> list:
                to.WriteByte((byte)']');
                Marked(to, [.. list], (byte)'e');
                break;
            case (object Key, object? Value)[] dictionary:
                to.WriteByte((byte)'}');
                Items(to, dictionary);
                break;
            case TestOrderedDict ordered:
                Write(to, new TestCall("collections", "OrderedDict"));
                Items(to, ordered.Items);
                Write(to, new (object, object?)[] { ("_metadata", new TestCall("collections", "OrderedDict")) });
                to.WriteByte((byte)'b');
                break;
            case TestCall call:
                Global(to, call.Module, call.Name);
                Write(to, call.Arguments);
                to.WriteByte((byte)'R');
                break;
            case TestObject instance:
                Global(to, instance.Module, instance.Name);
                to.Write([(byte)')', 0x81]);
                Write(to, instance.Attributes);
                to.WriteByte((byte)'b');
                break;
            case TestStorage storage:
                to.WriteByte((byte)'(');
                Write(to, "storage");
                Global(to, "torch", storage.Class);
                Write(to, storage.Key);
                Write(to, "cpu");
                Write(to, storage.Count);
                if (storage.View is not null)
                {
                    Write(to, storage.View);
                }
                to.Write([(byte)'t', (byte)'Q']);
                break;
            case TestTensor tensor:
                TestCall rebuild = new("torch._utils", "_rebuild_tensor_v2", tensor.Storage, tensor.Offset, tensor.Size.Cast<object?>().ToArray(),
                    tensor.Stride.Cast<object?>().ToArray(), false, new TestCall("collections", "OrderedDict"));
                Write(to, tensor.IsParameter ? new TestCall("torch._utils", "_rebuild_parameter", rebuild, true, new TestCall("collections", "OrderedDict")) : rebuild);
                break;
            default: throw new ArgumentException($"The test writer can't write {value}.");
        }
    }

    private static void Marked(Stream to, object?[] values, byte end)
    {
        to.WriteByte((byte)'(');
        foreach (object? value in values)
        {
            Write(to, value);
        }
        to.WriteByte(end);
    }

    private static void Items(Stream to, (object Key, object? Value)[] items)
        => Marked(to, [.. items.SelectMany(i => new[] { i.Key, i.Value })], (byte)'u');

    private static void Global(Stream to, string module, string name)
        => to.Write([(byte)'c', .. Encoding.UTF8.GetBytes($"{module}\n{name}\n")]);

    private static void Add(ZipArchive zip, string name, byte[] bytes, CompressionLevel level)
    {
        using Stream entry = zip.CreateEntry(name, level).Open();
        entry.Write(bytes);
    }
}
