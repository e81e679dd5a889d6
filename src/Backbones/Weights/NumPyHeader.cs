using System.Globalization;
using System.Text;

namespace Backbones.Weights;

/// <summary>What stands before the elements in NumPy's .npy format, version 1.0.</summary>
/// <remarks>Source: numpy, <c>numpy.lib.format</c>.</remarks>
internal static class NumPyHeader
{
    /// <summary>Little-endian float32.</summary>
    public const string Float32 = "<f4";

    /// <summary>The header of a row-major array.</summary>
    public static byte[] Of(string dtype, params IReadOnlyList<int> shape)
    {
        string dimensions = string.Join(", ", shape.Select(d => d.ToString(CultureInfo.InvariantCulture)));
        string text = $"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({dimensions}{(shape.Count == 1 ? "," : "")}), }}";
        const int Fixed = 10;
        int length = (Fixed + text.Length + 1 + 63) / 64 * 64 - Fixed;
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)length, (byte)(length >> 8), .. Encoding.ASCII.GetBytes(text.PadRight(length - 1) + "\n")];
    }
}
