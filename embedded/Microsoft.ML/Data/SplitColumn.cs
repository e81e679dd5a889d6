using System.Runtime.InteropServices;
using System.Text;
using Microsoft.ML.Internal.Utilities;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>
/// Adds the column by whose range rows are split: a random number, or something that is the same for equal values of a sampling key:
/// a key itself, a number scaled to 0 to 1, or the hash of anything else.
/// </summary>
internal static class SplitColumn
{
    private const uint DefaultHashSeed = 314489979;
    private const int HashBits = 30;

    /// <summary>Adds the column to the data and gives its name.</summary>
    public static string Add(IHostEnvironment env, ref IDataView data, string samplingKeyColumn, int? seed)
    {
        string name = data.Schema.GetTempColumnName("SplitColumn");
        seed ??= (env as IHostEnvironmentInternal)?.Seed;
        if (samplingKeyColumn is null)
        {
            data = new RandomNumberView(env, data, name, (uint?)seed);
            return name;
        }
        var key = data.Schema.GetColumnOrNull(samplingKeyColumn) ?? throw env.ExceptSchemaMismatch(nameof(samplingKeyColumn), "SamplingKeyColumn", samplingKeyColumn);
        data = new RowToRowMapperTransform(env, data, CreateMapper(env, data, key, name, (uint?)seed ?? DefaultHashSeed));
        return name;
    }

    private static IRowMapper CreateMapper(IHostEnvironment env, IDataView data, DataViewSchema.Column key, string name, uint seed)
    {
        if (key.Type is KeyDataViewType)
        {
            return Type.GetTypeCode(key.Type.RawType) switch
            {
                TypeCode.Byte => Copy<byte>(key, name),
                TypeCode.UInt16 => Copy<ushort>(key, name),
                TypeCode.UInt32 => Copy<uint>(key, name),
                _ => Copy<ulong>(key, name),
            };
        }
        if (key.Type == NumberDataViewType.Single)
        {
            var (min, scale) = Scale<float>(data, key, value => value);
            return new ColumnFunction<float, float>(key, new(name, NumberDataViewType.Single), value => (float)((value - min) * scale));
        }
        if (key.Type == NumberDataViewType.Double)
        {
            var (min, scale) = Scale<double>(data, key, value => value);
            return new ColumnFunction<double, double>(key, new(name, NumberDataViewType.Double), value => (value - min) * scale);
        }

        if (key.Type is TextDataViewType)
            return Hash<ReadOnlyMemory<char>>(key, name, text => text.IsEmpty ? 0 : HashToKey(Encoding.UTF8.GetBytes(text.Span.Trim(' ').ToArray()), seed));
        return Type.GetTypeCode(key.Type.RawType) switch
        {
            TypeCode.Boolean => Hash<bool>(key, name, value => HashToKey(value ? 1 : 0, seed)),
            TypeCode.SByte => Hash<sbyte>(key, name, value => HashToKey((int)value, seed)),
            TypeCode.Byte => Hash<byte>(key, name, value => HashToKey((int)value, seed)),
            TypeCode.Int16 => Hash<short>(key, name, value => HashToKey((int)value, seed)),
            TypeCode.UInt16 => Hash<ushort>(key, name, value => HashToKey((int)value, seed)),
            TypeCode.Int32 => Hash<int>(key, name, value => HashToKey(value, seed)),
            TypeCode.UInt32 => Hash<uint>(key, name, value => HashToKey(value, seed)),
            TypeCode.Int64 => Hash<long>(key, name, value => HashToKey(value, seed)),
            TypeCode.UInt64 => Hash<ulong>(key, name, value => HashToKey(value, seed)),
            TypeCode.DateTime => Hash<DateTime>(key, name, value => HashToKey(value.Ticks, seed)),
            _ when key.Type is TimeSpanDataViewType => Hash<TimeSpan>(key, name, value => HashToKey(value.Ticks, seed)),
            _ when key.Type is DateTimeOffsetDataViewType => Hash<DateTimeOffset>(key, name, value => HashToKey(value.UtcTicks, seed)),
            _ => throw env.ExceptSchemaMismatch("samplingKeyColumn", "SamplingKeyColumn", key.Name, "a key, text, a number or a date", key.Type.ToString()),
        };
    }

    private static ColumnFunction<T, T> Copy<T>(DataViewSchema.Column key, string name) => new(key, new(name, key.Type), value => value);

    private static ColumnFunction<T, uint> Hash<T>(DataViewSchema.Column key, string name, Func<T, uint> hash)
        => new(key, new(name, new KeyDataViewType(typeof(uint), 1 << HashBits)), hash);

    private static (double Min, double Scale) Scale<T>(IDataView data, DataViewSchema.Column key, Func<T, double> toDouble)
    {
        double min = double.PositiveInfinity, max = double.NegativeInfinity;
        foreach (var value in data.GetColumn<T>(key))
        {
            double number = toDouble(value);
            if (double.IsNaN(number))
                continue;
            min = Math.Min(min, number);
            max = Math.Max(max, number);
        }
        return max > min ? (min, 1 / (max - min)) : (0, 0);
    }

    private static uint HashToKey<T>(T value, uint seed) where T : unmanaged
        => HashToKey(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)), seed);

    private static uint HashToKey(ReadOnlySpan<byte> bytes, uint seed) => (MurmurHash3.Hash(bytes, seed) & ((1u << HashBits) - 1)) + 1;
}
