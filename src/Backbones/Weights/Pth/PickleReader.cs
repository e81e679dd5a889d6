using System.Numerics;

namespace Backbones.Weights.Pth;

/// <summary>Reads the pickles that PyTorch writes for weights, and nothing else: the opcodes of protocols 2 to 5 that build numbers, texts, bytes,
/// lists, tuples, sets and dictionaries, plus the names in <see cref="PickleGlobals"/>. Any other opcode or name is an error.</summary>
internal sealed class PickleReader
{
    private readonly PickleInput _input;
    private readonly PickleGlobals _globals;
    private readonly List<object?> _stack = [];
    private readonly Stack<int> _marks = new();
    private readonly Dictionary<uint, object?> _memo = [];
    private readonly Action<PickleStorage>? _onStorage;
    private int _highest;

    private PickleReader(PickleInput input, bool isScript, Action<PickleStorage>? onStorage)
    {
        _input = input;
        _globals = new PickleGlobals(input, isScript);
        _onStorage = onStorage;
    }

    /// <summary>Reads one pickle, up to its end mark.</summary>
    /// <param name="input">Where it starts.</param>
    /// <param name="isScript">The pickle is that of a TorchScript archive: classes of the archive are read as their attributes.</param>
    /// <param name="onStorage">Is told every storage that the pickle mentions.</param>
    /// <returns>null, bool, long, BigInteger, double, text, bytes, a list or set (<c>List</c>), a tuple (array), <see cref="PickleDict"/>, <see cref="PickleTensor"/>,
    /// <see cref="PickleStorage"/> or something that only a larger object needs.</returns>
    /// <exception cref="WeightsFormatException">The pickle is malformed or has something else than weights.</exception>
    public static object? Read(PickleInput input, bool isScript = false, Action<PickleStorage>? onStorage = null) => new PickleReader(input, isScript, onStorage).Run();

    private object? Run()
    {
        while (true)
        {
            byte opcode = _input.Byte();
            switch ((char)opcode)
            {
                case '\x80': _input.Byte(); break; // protocol: the opcodes tell
                case '\x95': _input.UInt64(); break; // length of what follows, for readers that fetch in blocks
                case '.': return Pop();
                case '(': Mark(); break;
                case '0': Pop(); break;
                case '1': TakeToMark(); break;

                case 'N': Push(null); break;
                case '\x88': Push(true); break;
                case '\x89': Push(false); break;
                case 'J': Push((long)_input.Int32()); break;
                case 'K': Push((long)_input.Byte()); break;
                case 'M': Push((long)_input.UInt16()); break;
                case '\x8a': Push(Integer(_input.Bytes(_input.Byte()))); break;
                case 'G': Push(_input.Double()); break;
                case 'X': Push(_input.Utf8(_input.UInt32())); break;
                case '\x8c': Push(_input.Utf8(_input.Byte())); break;
                case '\x8d': Push(_input.Utf8(_input.UInt64())); break;
                case 'U': Push(_input.Latin1(_input.Byte())); break;
                case 'T': Push(_input.Latin1(_input.UInt32())); break;
                case 'C': Push(_input.Bytes(_input.Byte())); break;
                case 'B': Push(_input.Bytes(_input.UInt32())); break;
                case '\x8e' or '\x96': Push(_input.Bytes(_input.UInt64())); break;

                case ')': Push(Array.Empty<object?>()); break;
                case '\x85': Push(Take(1)); break;
                case '\x86': Push(Take(2)); break;
                case '\x87': Push(Take(3)); break;
                case 't': Push(TakeToMark()); break;
                case ']' or '\x8f': Push(new List<object?>()); break;
                case 'a': Append(Take(1)); break;
                case 'e' or '\x90': Append(TakeToMark()); break;
                case '\x91': Push(TakeToMark().ToList()); break;
                case '}': Push(new PickleDict()); break;
                case 's': SetItems(Take(2)); break;
                case 'u': SetItems(TakeToMark()); break;

                case 'q': Store(_input.Byte()); break;
                case 'r': Store(_input.UInt32()); break;
                case '\x94': Store((uint)_memo.Count); break;
                case 'h': Push(Recall(_input.Byte())); break;
                case 'j': Push(Recall(_input.UInt32())); break;

                case 'c': Push(_globals.Find(_input.Line(), _input.Line())); break;
                case '\x93': FindGlobal(); break;
                case 'Q': PushStorage(_globals.Storage(Pop())); break;
                case 'R' or '\x81': Call(); break; // a call, an object made without one
                case 'b': Build(); break;

                default:
                    throw _input.Error($"the pickle has the opcode 0x{opcode:x2} ({opcode}), which PyTorch does not use for weights.");
            }
        }
    }

    /// <summary>Charges the object (about what the smallest kinds take; the large ones were charged before) and the stack where it grows.</summary>
    private void Push(object? value)
    {
        _stack.Add(value);
        _input.Budget.Object(_stack.Count > _highest ? 64 : 40);
        _highest = Math.Max(_highest, _stack.Count);
    }

    private void Mark()
    {
        _input.Budget.Object(12);
        _marks.Push(_stack.Count);
    }

    private object? Peek() => _stack.Count > Floor ? _stack[^1] : throw Underflow();

    private object? Pop()
    {
        object? value = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private object?[] Take(int count) => _stack.Count - count >= Floor ? TakeFrom(_stack.Count - count) : throw Underflow();

    private object?[] TakeToMark() => _marks.TryPop(out int mark) ? TakeFrom(mark) : throw Underflow();

    private object?[] TakeFrom(int start)
    {
        int count = _stack.Count - start;
        _input.Budget.Object(8L * count);
        object?[] values = new object?[count];
        _stack.CopyTo(start, values, 0, count);
        _stack.RemoveRange(start, count);
        return values;
    }

    /// <summary>Values below the last mark are out of reach.</summary>
    private int Floor => _marks.TryPeek(out int mark) ? mark : 0;

    private void Store(uint index)
    {
        _input.Budget.Object(56);
        _memo[index] = Peek();
    }

    private object? Recall(uint index)
        => _memo.TryGetValue(index, out object? value) ? value : throw _input.Error($"the pickle recalls entry {index}, which it never stored.");

    private static object Integer(byte[] littleEndian)
    {
        BigInteger value = new(littleEndian);
        return value >= long.MinValue && value <= long.MaxValue ? (object)(long)value : value;
    }

    private void Append(object?[] values)
    {
        if (Peek() is not List<object?> list)
            throw _input.Error("the pickle appends to something that is no list.");
        _input.Budget.Object(16L * values.Length);
        list.AddRange(values);
    }

    private void SetItems(object?[] keysAndValues)
    {
        if (Peek() is not PickleDict dictionary || keysAndValues.Length % 2 != 0)
            throw _input.Error("the pickle sets items of something that is no dictionary.");
        for (int i = 0; i < keysAndValues.Length; i += 2)
            _globals.Set(dictionary, keysAndValues[i], keysAndValues[i + 1]);
    }

    private void FindGlobal()
    {
        object?[] names = Take(2);
        Push(names is [string module, string name] ? _globals.Find(module, name) : throw _input.Error("the pickle asks for a name that is no text."));
    }

    private void PushStorage(PickleStorage storage)
    {
        _onStorage?.Invoke(storage);
        Push(storage);
    }

    private void Call()
    {
        object? arguments = Pop();
        object? callable = Pop();
        Push(_globals.Call(callable, arguments as object?[] ?? throw _input.Error("the pickle calls with something that is no tuple.")));
    }

    private void Build()
    {
        object? state = Pop();
        _globals.Build(Peek(), state);
    }

    private WeightsFormatException Underflow() => _input.Error("the pickle takes values that it did not give.");
}
