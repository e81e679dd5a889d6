using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>
/// How the vectors of output channels of a grouped convolution find the input channels of their lanes' groups, in pixels of scratch that hold what a block of vectors needs. Where a group fills the vector,
/// a channel is the same for all lanes. Where whole groups share the vector, the lanes choose among its channels. Where it ends one group and begins the next, they choose among a few channels of
/// either, which <see cref="Mix"/> puts side by side: two broadcasts and a selection for each pixel instead ran at 0.72 of the speed.
/// </summary>
internal sealed unsafe class GroupedChannels<T> where T : struct, IVector<T>
{
    /// <param name="Source">Where its channels are in a pixel of its block.</param>
    /// <param name="Lanes">What the lanes take; -1 where a group fills the vector.</param>
    /// <param name="Channels">Channels of a part.</param>
    /// <param name="Parts">Parts of a group.</param>
    /// <param name="FirstLanes">Lanes of the first of two groups; 0 for vectors of one or of whole groups.</param>
    private readonly record struct Vector(int Source, int Lanes, int Channels, int Parts, int FirstLanes);

    private const int MostVectors = 4;

    private readonly ConvolutionGeometry _geometry;
    private readonly int _blockVectors;
    private readonly Vector[] _vectors;
    private readonly int[] _pixels;
    private readonly AlignedBuffer _lanes;

    /// <param name="geometry">What <see cref="Fit"/> accepts.</param>
    /// <param name="arena">Whose memory the lanes are.</param>
    public GroupedChannels(ConvolutionGeometry geometry, NativeArena arena)
    {
        _geometry = geometry;
        int width = geometry.GroupChannels, outWidth = geometry.GroupOutChannels, outChannels = geometry.OutChannels;
        _vectors = new Vector[(outChannels + T.Count - 1) / T.Count];
        // Blocks end where a group does, if they can: no channel is copied for two of them.
        _blockVectors = Math.Min(_vectors.Length, Enumerable.Range(1, MostVectors).Reverse().FirstOrDefault(v => v * T.Count % outWidth == 0, MostVectors));
        _pixels = new int[(_vectors.Length + _blockVectors - 1) / _blockVectors];
        var lanes = new List<int>();
        for (int v = 0; v < _vectors.Length; v++)
        {
            int block = v / _blockVectors, first = FirstChannelOf(v) - FirstChannel(block), split = (v * T.Count / outWidth + 1) * outWidth - v * T.Count;
            if (v % _blockVectors == 0)
                _pixels[block] = InputPixel(block);
            if (split >= Math.Min(T.Count, outChannels - v * T.Count))
            {
                _vectors[v] = new(first, -1, width, 1, 0);
            }
            else if (T.Count % width == 0)
            {
                _vectors[v] = new(first, 0, width, 1, 0);
                if (lanes.Count == 0)
                    lanes.AddRange(Table(width, lane => lane / width * width));
            }
            else
            {
                int part = Greatest(Greatest(split, T.Count), width);
                _vectors[v] = new(_pixels[block], lanes.Count, part, width / part, split);
                _pixels[block] += width / part * T.Count;
                lanes.AddRange(Table(part, lane => lane < split ? 0 : split));
            }
        }
        LargestPixel = _pixels.Max();
        _lanes = new AlignedBuffer(Math.Max(lanes.Count, T.Count), arena);
        for (int i = 0; i < lanes.Count; i++)
            ((int*)_lanes.Pointer)[i] = lanes[i];

        static IEnumerable<int> Table(int channels, Func<int, int> first) => Enumerable.Range(0, channels).SelectMany(k => Enumerable.Range(0, T.Count).Select(lane => first(lane) + k));
        static int Greatest(int a, int b) => b == 0 ? a : Greatest(b, a % b);
    }

    public int Blocks => _pixels.Length;

    /// <summary>Floats of a pixel of the largest block.</summary>
    public int LargestPixel { get; }

    /// <summary>Whether there is one group, or as many channels go out of each as come in, and no vector has lanes of three of them or more, unless they are whole.</summary>
    public static bool Fit(ConvolutionGeometry geometry)
    {
        int width = geometry.GroupChannels;
        return geometry.Groups == 1 || (geometry.Channels == geometry.OutChannels
            && (T.Count % width == 0 || Enumerable.Range(0, (geometry.Channels + T.Count - 1) / T.Count).All(v => (Math.Min((v + 1) * T.Count, geometry.Channels) - 1) / width - v * T.Count / width <= 1)));
    }

    public int FirstVector(int block) => block * _blockVectors;

    public int EndVector(int block) => Math.Min((block + 1) * _blockVectors, _vectors.Length);

    /// <summary>The first input channel that a block needs.</summary>
    public int FirstChannel(int block) => FirstChannelOf(FirstVector(block));

    /// <summary>Floats of a pixel of a block that are channels of the input, from <see cref="FirstChannel"/> on: whole vectors.</summary>
    public int InputPixel(int block)
    {
        int lastLane = Math.Min(EndVector(block) * T.Count, _geometry.OutChannels) - 1;
        return ((lastLane / _geometry.GroupOutChannels + 1) * _geometry.GroupChannels - FirstChannel(block) + T.Count - 1) / T.Count * T.Count;
    }

    /// <summary>Floats of a pixel of a block: channels of the input, and what <see cref="Mix"/> makes of them.</summary>
    public int Pixel(int block) => _pixels[block];

    /// <summary>Lets runs find a vector's channels.</summary>
    /// <returns>Whether lanes choose, and where the channels are in a pixel.</returns>
    public (bool SeveralGroups, nint Source) Prepare(ref GroupedRun run, int vector)
    {
        Vector v = _vectors[vector];
        run.Channels = v.Channels;
        run.Parts = v.Parts;
        run.Lanes = _lanes.Pointer + Math.Max(v.Lanes, 0);
        return (v.Lanes >= 0, v.Source);
    }

    /// <summary>Puts channels of two groups side by side, for the vectors of a block that have lanes of both.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Mix(int block, float* pixels, int count)
    {
        nint pixel = _pixels[block];
        float* numbers = stackalloc float[T.Count];
        for (int lane = 0; lane < T.Count; lane++)
            numbers[lane] = lane;
        for (int v = FirstVector(block); v < EndVector(block); v++)
        {
            Vector vector = _vectors[v];
            if (vector.FirstLanes == 0)
                continue;
            T split = T.Create(vector.FirstLanes), number = T.Load(numbers);
            float* first = pixels + (FirstChannelOf(v) - FirstChannel(block)), second = first + _geometry.GroupChannels - vector.FirstLanes, target = pixels + vector.Source;
            for (int i = 0; i < count; i++)
            {
                for (int part = 0; part < vector.Parts; part++)
                    T.Store(T.SelectLess(number, split, T.Load(first + part * vector.Channels), T.Load(second + part * vector.Channels)), target + part * T.Count);
                first += pixel;
                second += pixel;
                target += pixel;
            }
        }
    }

    private int FirstChannelOf(int vector) => vector * T.Count / _geometry.GroupOutChannels * _geometry.GroupChannels;
}
