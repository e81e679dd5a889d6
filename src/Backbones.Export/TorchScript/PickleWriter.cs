using System.Buffers.Binary;
using System.Text;

namespace Backbones.TorchScript;

/// <summary>Writes Python's pickle format, protocol 2: the few opcodes that a module of tensors needs.</summary>
internal sealed class PickleWriter
{
    private readonly MemoryStream _output = new();

    public PickleWriter()
    {
        _output.WriteByte(0x80);
        _output.WriteByte(2);
    }

    public byte[] Finish()
    {
        _output.WriteByte((byte)'.');
        return _output.ToArray();
    }

    /// <summary>A class or function by its name.</summary>
    public PickleWriter Global(string module, string name)
    {
        _output.Write(Encoding.UTF8.GetBytes($"c{module}\n{name}\n"));
        return this;
    }

    public PickleWriter Text(string value)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(value);
        return Int32('X', utf8.Length, utf8);
    }

    public PickleWriter Integer(int value) => Int32('J', value, []);

    public PickleWriter Truth(bool value) => Op(value ? '\x88' : '\x89');

    public PickleWriter None() => Op('N');

    public PickleWriter EmptyTuple() => Op(')');

    /// <summary>Begins a tuple, or the items of a dictionary.</summary>
    public PickleWriter Mark() => Op('(');

    /// <summary>What there is since the last mark, as a tuple.</summary>
    public PickleWriter Tuple() => Op('t');

    public PickleWriter Integers(IEnumerable<int> values)
    {
        Mark();
        foreach (int value in values)
            Integer(value);
        return Tuple();
    }

    public PickleWriter EmptyDictionary() => Op('}');

    /// <summary>What there is since the last mark, as keys and values of the dictionary before it.</summary>
    public PickleWriter SetItems() => Op('u');

    /// <summary>Calls a function with a tuple.</summary>
    public PickleWriter Call() => Op('R');

    /// <summary>An object of a class, from a tuple of arguments.</summary>
    public PickleWriter New() => Op('\x81');

    /// <summary>Sets an object's attributes from a dictionary.</summary>
    public PickleWriter Build() => Op('b');

    /// <summary>A tuple as a reference to something outside the pickle.</summary>
    public PickleWriter Persistent() => Op('Q');

    private PickleWriter Op(char code)
    {
        _output.WriteByte((byte)code);
        return this;
    }

    private PickleWriter Int32(char code, int value, ReadOnlySpan<byte> content)
    {
        Op(code);
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        _output.Write(bytes);
        _output.Write(content);
        return this;
    }
}
