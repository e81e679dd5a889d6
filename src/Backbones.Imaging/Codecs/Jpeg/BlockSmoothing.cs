namespace Backbones.Imaging.Codecs.Jpeg;

/// <summary>
/// What libjpeg-turbo 2.1.5 makes of a progressive picture whose last scans never came: coefficients that no scan has given yet are estimated
/// from the DC values of 5 x 5 blocks, so that the picture is smooth instead of blocky. Each estimate is a weighted sum of those values.
/// </summary>
/// <remarks>
/// Later versions (3.0.1 on) choose other neighbours at the edges of components that are two blocks wide and of those with several block rows
/// in an MCU; see docs/jpeg.md.
/// </remarks>
internal sealed unsafe class BlockSmoothing
{
    private const int Window = 5;

    // Of the estimates, these are used where some AC coefficients are known, ...
    private static readonly Estimate[] s_refining =
    [
        new(1, Horizontal: true, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -7, 50, 0, -50, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        new(2, Horizontal: false, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -7, 50, 0, -50, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        new(3, Horizontal: false, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 13, -24, 13, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        new(4, Horizontal: true, [0, -1, 0, 1, 0, -1, 10, 0, -10, 1, 0, 0, 0, 0, 0, 1, -10, 0, 10, -1, 0, 1, 0, -1, 0]),
        new(5, Horizontal: true, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 13, -24, 13, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ];

    // ... and these where only DC values are, the DC value itself among them.
    private static readonly Estimate[] s_blurring =
    [
        new(1, Horizontal: true, [-1, -1, 0, 1, 1, -3, 13, 0, -13, 3, -3, 38, 0, -38, 3, -3, 13, 0, -13, 3, -1, -1, 0, 1, 1]),
        new(2, Horizontal: false, [-1, -1, 0, 1, 1, -3, 13, 0, -13, 3, -3, 38, 0, -38, 3, -3, 13, 0, -13, 3, -1, -1, 0, 1, 1]),
        new(3, Horizontal: false, [0, 0, 0, 0, 0, 0, 2, -5, 2, 0, 1, 7, -14, 7, 1, 0, 2, -5, 2, 0, 0, 0, 0, 0, 0]),
        new(4, Horizontal: true, [-1, 0, 0, 0, 1, 0, 9, 0, -9, 0, 0, 0, 0, 0, 0, 0, -9, 0, 9, 0, 1, 0, 0, 0, -1]),
        new(5, Horizontal: true, [0, 0, 0, 0, 0, 0, 2, -5, 2, 0, 1, 7, -14, 7, 1, 0, 2, -5, 2, 0, 0, 0, 0, 0, 0]),
        new(6, Horizontal: true, [0, 0, 0, 0, 0, 0, 1, 0, -1, 0, 0, 2, 0, -2, 0, 0, 1, 0, -1, 0, 0, 0, 0, 0, 0]),
        new(7, Horizontal: true, [0, 0, 0, 0, 0, 0, 1, -3, 1, 0, 0, 0, 0, 0, 0, 0, -1, 3, -1, 0, 0, 0, 0, 0, 0]),
        new(8, Horizontal: false, [0, 0, 0, 0, 0, 0, 1, -3, 1, 0, 0, 0, 0, 0, 0, 0, -1, 3, -1, 0, 0, 0, 0, 0, 0]),
        new(9, Horizontal: false, [0, 0, 0, 0, 0, 0, 1, 0, -1, 0, 0, 2, 0, -2, 0, 0, 1, 0, -1, 0, 0, 0, 0, 0, 0]),
        new(0, Horizontal: true, [-2, -6, -8, -6, -2, -6, 6, 42, 6, -6, -8, 42, 152, 42, -8, -6, 6, 42, 6, -6, -2, -6, -8, -6, -2]),
    ];

    private readonly int _lastGoodRow;
    private readonly bool _oneScan;

    private BlockSmoothing(int lastGoodRow, bool oneScan) => (_lastGoodRow, _oneScan) = (lastGoodRow, oneScan);

    /// <summary>Smoothing for a picture all of whose scans were read; null where it needs none, or where libjpeg does none.</summary>
    /// <param name="frame">The frame, with its components' coefficients.</param>
    /// <param name="lastGoodRow">The row of MCUs with the last one that the last scan has data for; below it, what was known before that scan counts.</param>
    /// <param name="scans">How many scans there were.</param>
    public static BlockSmoothing? For(JpegFrame frame, int lastGoodRow, int scans)
    {
        bool possible = frame.Progressive && Array.TrueForAll(frame.Components, c => c.Quantization is { } divisors && c.Accuracy.Now[0] >= 0 && !HasZero(divisors));
        bool useful = Array.Exists(frame.Components, c => c.Accuracy.Now[1..].ContainsAnyExcept(0));
        return possible && useful ? new BlockSmoothing(lastGoodRow, scans == 1) : null;

        static bool HasZero(short[] divisors)
        {
            for (int i = 0; i < CoefficientAccuracy.Count; i++)
            {
                if (divisors[ZigZag.NaturalOrder[i]] == 0)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Makes a smoothed copy of a block.</summary>
    /// <param name="component">Whose block.</param>
    /// <param name="row">Its row of blocks.</param>
    /// <param name="column">Its place in the row.</param>
    /// <param name="smoothed">Receives 64 coefficients.</param>
    public void Smooth(JpegComponent component, int row, int column, Span<short> smoothed)
    {
        component.Coefficients.AsSpan(64 * ((row * component.PaddedBlocksPerRow) + column), 64).CopyTo(smoothed);
        int* window = stackalloc int[Window * Window];
        FillWindow(component, row, column, window);

        ReadOnlySpan<int> accuracy = row / component.DeclaredVertical <= _lastGoodRow ? component.Accuracy.Now : _oneScan ? [0, -1, -1, -1, -1, -1, -1, -1, -1, -1] : component.Accuracy.Before;
        bool onlyDc = !accuracy[1..].ContainsAnyExcept(-1);
        long dcDivisor = (ushort)component.Quantization![0];
        foreach (Estimate estimate in onlyDc ? s_blurring : s_refining)
        {
            int place = ZigZag.NaturalOrder[estimate.Index];
            bool isDc = estimate.Index == 0;
            if (isDc || (accuracy[estimate.Index] != 0 && smoothed[place] == 0))
            {
                long value = Rounded(dcDivisor * estimate.Sum(window), (ushort)component.Quantization[place]);

                // A value that has the bits that were sent would have been told of.
                int unknownBits = isDc ? -1 : accuracy[estimate.Index];
                int largest = unknownBits > 0 ? (1 << unknownBits) - 1 : int.MaxValue;
                smoothed[place] = (short)Math.Clamp(value, -largest, largest);
            }
        }
    }

    /// <summary>Divides by 256 divisors, halves away from zero.</summary>
    private static long Rounded(long sum, long divisor)
    {
        long magnitude = ((divisor << 7) + Math.Abs(sum)) / (divisor << 8);
        return sum < 0 ? -magnitude : magnitude;
    }

    /// <summary>Takes the DC values around a block; where there is no block it stands for the nearest one.</summary>
    private static void FillWindow(JpegComponent component, int row, int column, int* window)
    {
        int perMcu = component.DeclaredVertical, lastMcuRow = (component.BlockRows - 1) / perMcu;
        int mcuRow = row / perMcu, inMcu = row % perMcu;
        int blockRows = mcuRow < lastMcuRow ? perMcu : component.BlockRows - (mcuRow * perMcu);
        int above = row > 0 ? row - 1 : row;
        int below = inMcu < blockRows - 1 || mcuRow < lastMcuRow ? row + 1 : row;

        // The second row away isn't taken everywhere where it is there: libjpeg asks for its MCU's distance.
        int farAbove = inMcu > 1 || mcuRow > 1 ? row - 2 : above;
        int farBelow = inMcu < blockRows - 2 || mcuRow + 1 < lastMcuRow ? row + 2 : below;
        FillRow(component, farAbove, column, window);
        FillRow(component, above, column, window + Window);
        FillRow(component, row, column, window + (2 * Window));
        FillRow(component, below, column, window + (3 * Window));
        FillRow(component, farBelow, column, window + (4 * Window));
    }

    private static void FillRow(JpegComponent component, int row, int column, int* window)
    {
        ReadOnlySpan<short> blocks = component.Coefficients.AsSpan(64 * row * component.PaddedBlocksPerRow, 64 * component.BlocksPerRow);
        int last = component.BlocksPerRow - 1;
        for (int i = 0; i < Window; i++)
        {
            int x = column + i - (Window / 2);

            // Right of two blocks libjpeg takes the first of them again.
            int taken = x < 0 || (x > 1 && last == 1) ? 0 : Math.Min(x, last);
            window[i] = blocks[64 * taken];
        }
    }

    /// <summary>How a coefficient is estimated.</summary>
    /// <param name="Index">Which one, in coded order.</param>
    /// <param name="Horizontal">Whether the weights lie as the blocks do; else they lie transposed.</param>
    /// <param name="Weights">Weights in 256ths, 5 rows of 5.</param>
    private sealed record Estimate(int Index, bool Horizontal, int[] Weights)
    {
        /// <summary>The weighted sum of DC values.</summary>
        public int Sum(int* window)
        {
            int sum = 0;
            for (int y = 0; y < Window; y++)
            {
                for (int x = 0; x < Window; x++)
                {
                    sum += Weights[(Window * y) + x] * window[Horizontal ? (Window * y) + x : (Window * x) + y];
                }
            }

            return sum;
        }
    }
}
