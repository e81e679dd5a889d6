namespace Backbones.Imaging.Resampling;

/// <summary>The loops written down plainly: for processors without vectors, and what the others are measured and tested against.</summary>
internal readonly unsafe struct PlainResampleKernel : IResampleKernel
{
    private const int Half = 1 << (ResampleTable.WeightBits - 1);

    public static void Horizontal(byte** sources, byte** targets, int* starts, int* weights, int taps, int count)
    {
        for (int row = 0; row < IResampleKernel.RowsAtOnce; row++)
        {
            for (int x = 0; x < count; x++)
            {
                for (int channel = 0; channel < 4; channel++)
                {
                    byte* source = sources[row] + 4 * starts[x] + channel;
                    int sum = Half;
                    for (int t = 0; t < taps; t++)
                    {
                        sum += source[4 * t] * weights[x * taps + t];
                    }

                    targets[row][4 * x + channel] = Clip(sum);
                }
            }
        }
    }

    public static void Vertical(byte* row, byte* ring, byte* ringEnd, int stride, int* weights, int taps, byte* target)
    {
        for (int x = 0; x < stride; x++)
        {
            int sum = Half;
            byte* source = row;
            for (int t = 0; t < taps; t++)
            {
                sum += source[x] * weights[t];
                source += stride;
                if (source == ringEnd)
                {
                    source = ring;
                }
            }
            target[x] = Clip(sum);
        }
    }

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> ResampleTable.WeightBits, 0, 255);
}
