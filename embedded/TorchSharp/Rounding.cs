namespace TorchSharp;

/// <summary>Rounds float32 values to what a half type can hold.</summary>
internal static class Rounding
{
    /// <summary>Rounds in place and gives the array back.</summary>
    public static float[] To(torch.ScalarType type, float[] values)
    {
        for (int i = 0; type != torch.ScalarType.Float32 && i < values.Length; i++)
            values[i] = type switch
            {
                torch.ScalarType.Float16 => (float)(Half)values[i],
                torch.ScalarType.BFloat16 => ToBFloat16(values[i]),
                _ => values[i],
            };
        return values;
    }

    /// <summary>To nearest, ties to even.</summary>
    private static float ToBFloat16(float value)
    {
        if (!float.IsFinite(value))
            return value;
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
    }
}
