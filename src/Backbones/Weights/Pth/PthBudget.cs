namespace Backbones.Weights.Pth;

/// <summary>
/// What one checkpoint may cost in all, so that no file takes more than 4 × its length + 64 MB of memory, whatever it says: objects are charged with
/// about what they take, also those that are dropped again; the bytes of tensors with their length.
/// </summary>
internal sealed class PthBudget(string source, long fileLength)
{
    /// <summary>A state dict takes about 2 KB a tensor: this is enough for 16,000 tensors of next to no data.</summary>
    private const long FreeObjects = 32 << 20;

    private const long FreeData = 1 << 20;

    /// <summary>Tensors as they are stored, unpacked and put in order: three times the file's length.</summary>
    private const int DataPerByte = 3;

    private long _objects = FreeObjects + fileLength;
    private long _data = FreeData + DataPerByte * fileLength;

    /// <summary>Charges an object, or several.</summary>
    public void Object(long bytes)
    {
        if ((_objects -= bytes) < 0)
            throw new WeightsFormatException(source, $"the objects of this checkpoint take more memory than {FreeObjects} bytes and the file's length of {fileLength}.");
    }

    /// <summary>Charges a tensor's bytes.</summary>
    public void Data(Int128 bytes)
    {
        if (bytes > _data)
            throw new WeightsFormatException(source, $"the tensors of this checkpoint take more than {DataPerByte} times the file's length of {fileLength} bytes.");
        _data -= (long)bytes;
    }
}
