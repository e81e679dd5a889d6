using System.Buffers.Binary;
using System.IO.Hashing;

namespace Backbones.Tests.Imaging.Codecs;

/// <summary>Files changed at random: bytes and bits set, removed, inserted, and ends cut off. The long runs of <c>bench</c> use it, too.</summary>
internal static class Damage
{
    /// <summary>Makes one to three changes.</summary>
    /// <param name="file">The file, which stays as it is.</param>
    /// <param name="random">Decides what is changed.</param>
    /// <param name="repairPng">Make the checksums of a PNG right again in most cases: otherwise nothing behind them would be tested.</param>
    public static byte[] Of(byte[] file, Random random, bool repairPng)
    {
        List<byte> bytes = [.. file];
        for (int changes = random.Next(1, 4); changes > 0 && bytes.Count > 0; changes--)
        {
            // Headers are worth more attempts than their length.
            int at = random.Next(random.Next(2) == 0 ? Math.Min(80, bytes.Count) : bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 60), bytes.Count - at));
                    break;
                case 3:
                    bytes.InsertRange(at, Enumerable.Range(0, random.Next(1, 20)).Select(_ => (byte)random.Next(256)));
                    break;
                case 4:
                    bytes[at] = random.Next(2) == 0 ? (byte)0 : (byte)255;
                    break;
                default:
                    bytes.RemoveRange(at, random.Next(8) == 0 ? bytes.Count - at : 0);
                    break;
            }
        }

        byte[] damaged = [.. bytes];
        if (repairPng && random.Next(4) > 0)
        {
            RepairChecksums(damaged);
        }

        return damaged;
    }

    private static void RepairChecksums(byte[] png)
    {
        for (long at = 8; at + 12 <= png.Length;)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan((int)at));
            if (at + 12 + length > png.Length)
            {
                return;
            }

            BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan((int)(at + 8 + length)), Crc32.HashToUInt32(png.AsSpan((int)at + 4, (int)length + 4)));
            at += 12 + length;
        }
    }
}
