using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;

namespace Backbones.Tests.TorchScript;

/// <summary>A second reading of TorchScript archives, from the bytes: what the tests check files with.</summary>
internal sealed class ScriptFile
{
    private readonly Dictionary<string, byte[]> _entries = [];

    public ScriptFile(byte[] file)
    {
        // Reading an entry to its end checks its CRC.
        using var zip = new ZipArchive(new MemoryStream(file));
        foreach (ZipArchiveEntry entry in zip.Entries)
        {
            Assert.AreEqual(entry.Length, entry.CompressedLength, $"{entry.FullName} is compressed");
            using Stream content = entry.Open();
            var bytes = new byte[entry.Length];
            content.ReadExactly(bytes);
            _entries.Add(entry.FullName, bytes);
        }
        Folder = zip.Entries[0].FullName.Split('/')[0];
        Assert.IsTrue(zip.Entries.All(e => e.FullName.StartsWith($"{Folder}/", StringComparison.Ordinal)), "one folder");
        foreach (int start in ContentStarts(file))
            Assert.AreEqual(0, start % 64, "the place of an entry's bytes");
        CollectionAssert.AreEqual(new byte[] { 0x80, 2, (byte)')', (byte)'.' }, this["constants.pkl"]);
        Source = Encoding.UTF8.GetString(this["code/__torch__.py"]);
        Root = (Module)new Pickle(this["data.pkl"], ReadStorage).Read()!;
        Visit(Root, "");

        void Visit(Module module, string prefix)
        {
            Modules.Add(module);
            foreach ((string name, object? value) in module.Attributes)
            {
                if (value is Tensor tensor)
                    Tensors.Add(prefix + name, tensor);
                else if (value is Module child)
                    Visit(child, $"{prefix}{name}.");
            }
        }
    }

    public string Folder { get; }

    public string Source { get; }

    public Module Root { get; }

    public List<Module> Modules { get; } = [];

    /// <summary>What Python's <c>state_dict</c> has.</summary>
    public Dictionary<string, Tensor> Tensors { get; } = [];

    public byte[] this[string name] => _entries[$"{Folder}/{name}"];

    public IEnumerable<string> ExtraFiles => _entries.Keys.Where(k => k.StartsWith($"{Folder}/extra/", StringComparison.Ordinal)).Select(k => k[$"{Folder}/extra/".Length..]);

    /// <summary>The lines of a class.</summary>
    public string[] ClassOf(Module module)
    {
        string[] lines = Source.Split('\n');
        int start = Array.IndexOf(lines, $"class {module.ClassName}(Module):");
        Assert.IsGreaterThanOrEqualTo(0, start, $"no class {module.ClassName}");
        return [.. lines.Skip(start + 1).TakeWhile(l => l.StartsWith("  ", StringComparison.Ordinal))];
    }

    public sealed record Module(string ClassName, Dictionary<string, object?> Attributes);

    public sealed record Tensor(int[] Shape, int[] Strides, float[] Values);

    private float[] ReadStorage(string key, int count)
    {
        byte[] bytes = this[$"data/{key}"];
        Assert.HasCount(count * sizeof(float), bytes, $"data/{key}");
        return [.. MemoryMarshal.Cast<byte, float>(bytes)];
    }

    private static IEnumerable<int> ContentStarts(byte[] file)
    {
        for (int at = 0; BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at)) == 0x04034b50;)
        {
            int start = at + 30 + BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(at + 26)) + BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(at + 28));
            yield return start;
            at = start + BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 18));
        }
    }

    /// <summary>The opcodes of protocol 2 that a module of tensors needs.</summary>
    private sealed class Pickle(byte[] data, Func<string, int, float[]> storage)
    {
        private static readonly object s_mark = new();
        private readonly Stack<object?> _stack = new();
        private int _at;

        private sealed record Global(string Module, string Name);

        public object? Read()
        {
            Assert.AreEqual((0x80, 2), ((int)data[0], (int)data[1]), "protocol");
            for (_at = 2; ;)
            {
                char code = (char)data[_at++];
                if (code == '.')
                    break;
                Run(code);
            }
            Assert.HasCount(_at, data);
            return _stack.Single();
        }

        private void Run(char code)
        {
            switch (code)
            {
                case 'c': _stack.Push(new Global(Line(), Line())); break;
                case ')': _stack.Push(Array.Empty<object?>()); break;
                case '}': _stack.Push(new Dictionary<string, object?>()); break;
                case '(': _stack.Push(s_mark); break;
                case 'N': _stack.Push(null); break;
                case '\x88': _stack.Push(true); break;
                case '\x89': _stack.Push(false); break;
                case 'J': _stack.Push(BinaryPrimitives.ReadInt32LittleEndian(Take(4))); break;
                case 'X': _stack.Push(Encoding.UTF8.GetString(Take(BinaryPrimitives.ReadInt32LittleEndian(Take(4))))); break;
                case 't': _stack.Push(SinceMark()); break;
                case 'u':
                    object?[] items = SinceMark();
                    for (int i = 0; i < items.Length; i += 2)
                        ((Dictionary<string, object?>)_stack.Peek()!).Add((string)items[i]!, items[i + 1]);
                    break;
                case '\x81':
                    _stack.Pop();
                    var type = (Global)_stack.Pop()!;
                    Assert.AreEqual("__torch__", type.Module);
                    _stack.Push(new Module(type.Name, []));
                    break;
                case 'b':
                    var state = (Dictionary<string, object?>)_stack.Pop()!;
                    var module = (Module)_stack.Pop()!;
                    _stack.Push(module with { Attributes = state });
                    break;
                case 'Q':
                    var id = (object?[])_stack.Pop()!;
                    Assert.AreEqual("storage", id[0]);
                    Assert.AreEqual(new Global("torch", "FloatStorage"), id[1]);
                    Assert.AreEqual("cpu", id[3]);
                    _stack.Push(storage((string)id[2]!, (int)id[4]!));
                    break;
                case 'R':
                    var arguments = (object?[])_stack.Pop()!;
                    _stack.Push(((Global)_stack.Pop()!).Name switch
                    {
                        "OrderedDict" => new Dictionary<string, object?>(),
                        "_rebuild_tensor_v2" => new Tensor([.. ((object?[])arguments[2]!).Cast<int>()], [.. ((object?[])arguments[3]!).Cast<int>()], (float[])arguments[0]!),
                        string name => throw new InvalidDataException($"calls {name}"),
                    });
                    break;
                default: throw new InvalidDataException($"opcode {(int)code}");
            }
        }

        private object?[] SinceMark()
        {
            var items = new List<object?>();
            while (_stack.Pop() is var item && item != s_mark)
                items.Insert(0, item);
            return [.. items];
        }

        private ReadOnlySpan<byte> Take(int count) => data.AsSpan((_at += count) - count, count);

        private string Line() => Encoding.UTF8.GetString(Take(Array.IndexOf(data, (byte)'\n', _at) + 1 - _at)).TrimEnd('\n');
    }
}
