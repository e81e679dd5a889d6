using System.Numerics;

namespace Backbones.Weights.Pth;

/// <summary>Reads the pickles that PyTorch writes for weights, and nothing else: the opcodes of protocol 2 that build numbers, texts,
/// lists, tuples and dictionaries, plus the names in <see cref="PickleGlobals"/>. Any other opcode or name is an error.</summary>
internal sealed class PickleReader
{
    private readonly PickleInput _input;
    private readonly List<object?> _stack = [];
    private readonly Stack<int> _marks = new();
    private readonly Dictionary<uint, object?> _memo = [];
    private readonly Action<PickleStorage>? _onStorage;

    private PickleReader(PickleInput input, Action<PickleStorage>? onStorage)
    {
        _input = input;
        _onStorage = onStorage;
    }

    /// <summary>Reads one pickle, up to its end mark.</summary>
    /// <param name="input">Where it starts.</param>
    /// <param name="onStorage">Is told every storage that the pickle mentions.</param>
    /// <returns>null, bool, long, BigInteger, double, text, a list (<c>List</c>), a tuple (array), <see cref="PickleDict"/>, <see cref="PickleTensor"/> or <see cref="PickleStorage"/>.</returns>
    /// <exception cref="WeightsFormatException">The pickle is malformed or has something else than weights.</exception>
    public static object? Read(PickleInput input, Action<PickleStorage>? onStorage = null) => new PickleReader(input, onStorage).Run();

    private object? Run()
    {
        while (true)
        {
            byte opcode = _input.Byte();
            switch ((char)opcode)
            {
                case '\x80': _input.Byte(); break; // protocol: the opcodes tell
                case '.': return Pop();
                case '(': _marks.Push(_stack.Count); break;
                case '0': Pop(); break;

                case 'N': Push(null); break;
                case '\x88': Push(true); break;
                case '\x89': Push(false); break;
                case 'J': Push((long)_input.Int32()); break;
                case 'K': Push((long)_input.Byte()); break;
                case 'M': Push((long)_input.UInt16()); break;
                case '\x8a': Push(Integer(_input.Bytes(_input.Byte()))); break;
                case 'G': Push(_input.Double()); break;
                case 'X': Push(_input.Utf8(_input.UInt32())); break;
                case 'U': Push(_input.Latin1(_input.Byte())); break;
                case 'T': Push(_input.Latin1(_input.UInt32())); break;

                case ')': Push(Array.Empty<object?>()); break;
                case '\x85': Push(Take(1)); break;
                case '\x86': Push(Take(2)); break;
                case '\x87': Push(Take(3)); break;
                case 't': Push(TakeToMark()); break;
                case ']': Push(new List<object?>()); break;
                case 'a': Append(Take(1)); break;
                case 'e': Append(TakeToMark()); break;
                case '}': Push(new PickleDict()); break;
                case 's': SetItems(Take(2)); break;
                case 'u': SetItems(TakeToMark()); break;

                case 'q': _memo[_input.Byte()] = Peek(); break;
                case 'r': _memo[_input.UInt32()] = Peek(); break;
                case 'h': Push(Recall(_input.Byte())); break;
                case 'j': Push(Recall(_input.UInt32())); break;

                case 'c': Push(PickleGlobals.Find(_input.Line(), _input.Line(), _input)); break;
                case 'Q': PushStorage(PickleGlobals.Storage(Pop(), _input)); break;
                case 'R' or '\x81': Call(); break; // a call, an object made without one
                case 'b': Build(); break;

                default:
                    throw _input.Error($"the pickle has the opcode 0x{opcode:x2}, which PyTorch does not use for weights.");
            }
        }
    }

    private void Push(object? value) => _stack.Add(value);

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
        object?[] values = [.. _stack[start..]];
        _stack.RemoveRange(start, values.Length);
        return values;
    }

    /// <summary>Values below the last mark are out of reach.</summary>
    private int Floor => _marks.TryPeek(out int mark) ? mark : 0;

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
        {
            throw _input.Error("the pickle appends to something that is no list.");
        }
        list.AddRange(values);
    }

    private void SetItems(object?[] keysAndValues)
    {
        if (Peek() is not PickleDict dictionary || keysAndValues.Length % 2 != 0)
        {
            throw _input.Error("the pickle sets items of something that is no dictionary.");
        }
        for (int i = 0; i < keysAndValues.Length; i += 2)
        {
            dictionary.Set(keysAndValues[i], keysAndValues[i + 1]);
        }
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
        Push(PickleGlobals.Call(callable, arguments as object?[] ?? throw _input.Error("the pickle calls with something that is no tuple."), _input));
    }

    /// <summary>Attributes, of a Namespace (training arguments) or a state dict (versions of modules), are of no use to weights.</summary>
    private void Build()
    {
        if (Pop() is not PickleDict || Peek() is not PickleDict)
        {
            throw _input.Error("the pickle gives attributes to something that is neither a dictionary nor a namespace.");
        }
    }

    private WeightsFormatException Underflow() => _input.Error("the pickle takes values that it did not give.");
}
