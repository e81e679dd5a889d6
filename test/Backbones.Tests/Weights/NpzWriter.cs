using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using Backbones.Graphs;

namespace Backbones.Tests.Weights;

/// <summary>Writes .npz files as <c>numpy.savez</c> and <c>savez_compressed</c> do.</summary>
internal static class NpzWriter
{
    public static byte[] Write(IEnumerable<(string Name, byte[] Npy)> arrays, bool compressed = false)
    {
        MemoryStream file = new();
        using (ZipArchive zip = new(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] npy) in arrays)
            {
                using Stream entry = zip.CreateEntry(name + ".npy", compressed ? CompressionLevel.Fastest : CompressionLevel.NoCompression).Open();
                entry.Write(npy);
            }
        }
        return file.ToArray();
    }

    public static byte[] Array(Shape shape, ReadOnlySpan<float> values) => Array("<f4", false, shape, MemoryMarshal.AsBytes(values));

    public static byte[] Array(string type, bool isColumnMajor, Shape shape, ReadOnlySpan<byte> data)
        => Raw($"{{'descr': '{type}', 'fortran_order': {(isColumnMajor ? "True" : "False")}, 'shape': ({string.Join(", ", shape.Dimensions.ToArray())}{(shape.Rank == 1 ? "," : "")}), }}", data);

    public static byte[] Raw(string header, ReadOnlySpan<byte> data, byte version = 1)
    {
        string padded = header.PadRight((header.Length + 1 + 10 + 63) / 64 * 64 - 11) + "\n";
        byte[] length = version == 1 ? BitConverter.GetBytes((ushort)padded.Length) : BitConverter.GetBytes(padded.Length);
        return [0x93, .. "NUMPY"u8, version, 0, .. length, .. Encoding.UTF8.GetBytes(padded), .. data];
    }
}
