using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Writes and reads column types of the standard kinds.</summary>
internal static class DataViewTypeFile
{
    private const byte Vector = 255;
    private const byte Key = 254;

    // A type's number is its place here, so new ones come last.
    private static readonly PrimitiveDataViewType[] _scalars =
    [
        TextDataViewType.Instance, BooleanDataViewType.Instance, NumberDataViewType.SByte, NumberDataViewType.Byte, NumberDataViewType.Int16,
        NumberDataViewType.UInt16, NumberDataViewType.Int32, NumberDataViewType.UInt32, NumberDataViewType.Int64, NumberDataViewType.UInt64,
        NumberDataViewType.Single, NumberDataViewType.Double, DateTimeDataViewType.Instance, DateTimeOffsetDataViewType.Instance,
        TimeSpanDataViewType.Instance, RowIdDataViewType.Instance,
    ];

    public static void Write(BinaryWriter writer, DataViewType type)
    {
        switch (type)
        {
            case VectorDataViewType vector:
                writer.Write(Vector);
                writer.Write(vector.Dimensions.Length);
                foreach (int d in vector.Dimensions)
                    writer.Write(d);
                Write(writer, vector.ItemType);
                break;
            case KeyDataViewType key:
                writer.Write(Key);
                writer.Write((byte)Array.IndexOf(_scalars, ColumnTypeExtensions.NumberTypeFromType(key.RawType)));
                writer.Write(key.Count);
                break;
            default:
                int index = Array.IndexOf(_scalars, type);
                Contracts.Check(index >= 0, $"Columns of type {type} can't be saved.");
                writer.Write((byte)index);
                break;
        }
    }

    public static DataViewType Read(BinaryReader reader)
    {
        byte kind = reader.ReadByte();
        switch (kind)
        {
            case Vector:
                var dimensions = new int[reader.ReadInt32()];
                for (int i = 0; i < dimensions.Length; i++)
                    dimensions[i] = reader.ReadInt32();
                return new VectorDataViewType((PrimitiveDataViewType)Read(reader), dimensions);
            case Key:
                return new KeyDataViewType(Scalar(reader.ReadByte()).RawType, reader.ReadUInt64());
            default:
                return Scalar(kind);
        }
    }

    private static PrimitiveDataViewType Scalar(byte index)
    {
        Contracts.CheckDecode(index < _scalars.Length, $"{index} is no column type.");
        return _scalars[index];
    }
}
