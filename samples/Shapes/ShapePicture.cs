namespace Samples.Shapes;

/// <summary>A shape in a picture: its class, and the box around its pixels (x1 y1 x2 y2; the last pixels are x2 - 1 and y2 - 1).</summary>
public sealed record KnownShape(int Label, int X1, int Y1, int X2, int Y2);

/// <summary>A square picture of one to three coloured shapes on a shaded, noisy ground, and what is to be found in it. The same seed gives the same picture.</summary>
/// <param name="Pixels">Red, green and blue, row by row.</param>
/// <param name="Classes">The class of each pixel: 0 is the ground.</param>
/// <param name="Shapes">The shapes. None is more than touched by the box of another.</param>
public sealed record ShapePicture(byte[] Pixels, byte[] Classes, IReadOnlyList<KnownShape> Shapes)
{
    /// <summary>Width and height.</summary>
    public const int Size = 160;

    private const int MinSide = 28, MaxSide = 80, Circle = 1, Square = 2;

    /// <summary>Names of the classes, the ground first.</summary>
    public static IReadOnlyList<string> ClassNames { get; } = ["ground", "circle", "square", "triangle"];

    /// <summary>Makes a picture.</summary>
    public static ShapePicture Draw(int seed)
    {
        var random = new Random(seed);
        byte[] pixels = Ground(random), classes = new byte[Size * Size];
        var shapes = new List<KnownShape>();
        for (int tries = 0, wanted = random.Next(1, 4); shapes.Count < wanted && tries < 50; tries++)
        {
            int side = random.Next(MinSide, MaxSide), label = random.Next(1, ClassNames.Count), left = random.Next(Size - side), top = random.Next(Size - side);
            if (shapes.All(s => left >= s.X2 + 2 || left + side <= s.X1 - 2 || top >= s.Y2 + 2 || top + side <= s.Y1 - 2))
                shapes.Add(Add(random, pixels, classes, label, left, top, side));
        }
        return new(pixels, classes, shapes);
    }

    private static byte[] Ground(Random random)
    {
        var pixels = new byte[3 * Size * Size];
        int[] corner = [random.Next(60, 180), random.Next(60, 180), random.Next(60, 180)];
        (double across, double down) = (random.NextDouble() * 0.6 - 0.3, random.NextDouble() * 0.6 - 0.3);
        for (int i = 0; i < pixels.Length; i++)
        {
            int pixel = i / 3;
            pixels[i] = (byte)Math.Clamp(corner[i % 3] + across * (pixel % Size) + down * (pixel / Size) + random.Next(-18, 19), 0, 255);
        }
        return pixels;
    }

    private static KnownShape Add(Random random, byte[] pixels, byte[] classes, int label, int left, int top, int side)
    {
        // Two channels far from each other: no shape is as grey as the ground.
        byte[] colour = [(byte)random.Next(200, 256), (byte)random.Next(0, 60), (byte)random.Next(0, 256)];
        random.Shuffle(colour);
        (int x1, int y1, int x2, int y2) = (Size, Size, 0, 0);
        for (int y = 0; y < side; y++)
        {
            for (int x = 0; x < side; x++)
            {
                if (!Covers(label, (x + 0.5) / side * 2 - 1, (y + 0.5) / side * 2 - 1))
                    continue;
                int pixel = (top + y) * Size + left + x;
                classes[pixel] = (byte)label;
                for (int c = 0; c < 3; c++)
                    pixels[3 * pixel + c] = (byte)Math.Clamp(colour[c] + random.Next(-12, 13), 0, 255);
                (x1, y1, x2, y2) = (Math.Min(x1, left + x), Math.Min(y1, top + y), Math.Max(x2, left + x + 1), Math.Max(y2, top + y + 1));
            }
        }
        return new(label, x1, y1, x2, y2);
    }

    /// <summary>Whether a shape covers a point of the square from -1 to 1.</summary>
    private static bool Covers(int label, double x, double y) => label switch
    {
        Circle => x * x + y * y <= 1,
        Square => true,
        _ => Math.Abs(x) <= (y + 1) / 2,
    };
}
