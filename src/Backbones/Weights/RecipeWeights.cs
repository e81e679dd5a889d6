using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text;
using Backbones.Graphs;

namespace Backbones.Weights;

/// <summary>Deterministic weights and inputs made from names and shapes alone, the same bits on every machine: for tests,
/// benchmarks and demonstrations, never a substitute for trained weights.</summary>
/// <remarks>Element i of an entry is 24 bits t of SplitMix64's mix of FNV-1a(name) + i; v = t·2^-24 in [0, 1) or w = (t - 2^23)·2^-23
/// in [-1, 1); the entry's name and rank choose the affine function of v or w. All in float32, each operation rounded once.</remarks>
internal static class RecipeWeights
{
    private const ulong Gamma = 0x9E3779B97F4A7C15, Mix1 = 0xBF58476D1CE4E5B9, Mix2 = 0x94D049BB133111EB;

    /// <summary>Elements per parallel piece; smaller tensors are filled by the calling thread.</summary>
    private const int Piece = 1 << 18;

    private static readonly HashSet<string> AsTheModelMakesIt = ["attention_bias_idxs", "relative_position_index", "weights", "input_min", "input_max", "output_min", "output_max"];
    private static readonly HashSet<string> SmallScale = ["gamma", "gamma1", "gamma2", "gamma3", "gamma_1", "gamma_2", "gamma_xca", "ls1", "ls2", "skipinit_gain"];
    private static readonly HashSet<string> UnitScale = ["alpha", "gain", "scale", "v", "temperature", "gating_param"];

    /// <summary>The tensors of a model, made on demand: nothing is held in memory.</summary>
    /// <param name="specs">The model's parameters. Those that the recipe leaves as the model makes them (index tables and
    /// the like) are left out.</param>
    /// <param name="convGain">Gain of convolution weights; a property of the model.</param>
    public static IEnumerable<ParameterTensor> Tensors(IEnumerable<ParameterSpec> specs, double convGain)
        => specs.Where(IsMade).Select(s => (ParameterTensor)new RecipeTensor(s, convGain));

    /// <summary>Whether the recipe makes this entry, or leaves it as the model makes it.</summary>
    public static bool IsMade(ParameterSpec spec)
        => ParameterStore.IsBatchCounter(spec.Name) || (spec.ElementType == ElementType.Float32 && !AsTheModelMakesIt.Contains(LastPart(spec.Name)));

    /// <summary>Fills one entry.</summary>
    /// <param name="spec">Name and shape.</param>
    /// <param name="convGain">Gain of convolution weights.</param>
    /// <param name="destination">As many elements as the shape has.</param>
    public static void Fill(ParameterSpec spec, double convGain, Span<float> destination)
    {
        if (ParameterStore.IsBatchCounter(spec.Name))
        {
            destination.Clear();
            return;
        }
        (float offset, float scale, bool signed) = Rule(LastPart(spec.Name), spec.Shape, convGain);
        Fill(Fnv1a(spec.TiedTo ?? spec.Name), offset, scale, signed, destination);
    }

    /// <summary>The recipe's input tensor: uniform values in [-1, 1).</summary>
    /// <param name="destination">The flat tensor <c>[N, C, H, W]</c>.</param>
    public static void FillInput(Span<float> destination) => Fill(Fnv1a("input"), 0f, 1f, signed: true, destination);

    /// <summary>CRC-32 over the little-endian bytes of all entries that the recipe makes, in the given order.</summary>
    /// <param name="specs">The state dict's entries.</param>
    /// <param name="convGain">Gain of convolution weights.</param>
    public static uint Checksum(IEnumerable<ParameterSpec> specs, double convGain)
    {
        var crc = new Crc32();
        foreach (ParameterTensor tensor in Tensors(specs, convGain))
        {
            using TensorView view = tensor.Open();
            crc.Append(view.Bytes);
        }
        return crc.GetCurrentHashAsUInt32();
    }

    /// <summary>An entry is <c>offset + scale·w</c> (signed) or <c>offset + scale·v</c>.</summary>
    private static (float Offset, float Scale, bool Signed) Rule(string last, Shape shape, double convGain)
    {
        (float, float, bool) nearOne = (0.75f, 0.5f, false);
        if (last is "running_mean") { return (0f, 0.1f, true); }
        if (last is "running_var") { return nearOne; }
        if (SmallScale.Contains(last)) { return (0.05f, 0.2f, false); }
        if (UnitScale.Contains(last)) { return nearOne; }
        if (last is "weight" || last.StartsWith("weight_", StringComparison.Ordinal))
        {
            return shape.Rank switch
            {
                >= 3 => (0f, Spread(convGain, shape), true),
                2 => (0f, Spread(1, shape), true),
                _ => nearOne,
            };
        }
        bool isBias = last is "beta" or "tau" || (shape.Rank == 1 && last.Contains("bias", StringComparison.Ordinal));
        return (0f, isBias ? 0.1f : 0.2f, true);
    }

    private static float Spread(double gain, Shape shape)
    {
        double fanIn = 1;
        foreach (int dimension in shape.Dimensions[1..])
        {
            fanIn *= dimension;
        }
        return (float)Math.Sqrt(3.0 * gain / fanIn);
    }

    private static unsafe void Fill(ulong seed, float offset, float scale, bool signed, Span<float> destination)
    {
        if (destination.Length <= Piece)
        {
            FillPiece(seed, offset, scale, signed, destination);
            return;
        }
        fixed (float* start = destination)
        {
            (nint address, int length) = ((nint)start, destination.Length);
            Parallel.For(0, (length + Piece - 1) / Piece, piece =>
            {
                int first = piece * Piece;
                FillPiece(seed + (ulong)first, offset, scale, signed, new Span<float>((float*)address + first, Math.Min(Piece, length - first)));
            });
        }
    }

    private static void FillPiece(ulong seed, float offset, float scale, bool signed, Span<float> destination)
    {
        int zero = signed ? 1 << 23 : 0;
        float unit = signed ? 1f / (1 << 23) : 1f / (1 << 24);

        // Both lanes of 8 counters give 16 floats. Adding an offset of 0 changes no bit: w·scale is never -0.
        int i = 0;
        Vector512<ulong> low = Vector512.Create(seed) + Vector512<ulong>.Indices, high = low + Vector512.Create(8UL), step = Vector512.Create(16UL);
        for (; i + 16 <= destination.Length; i += 16)
        {
            Vector512<int> t = Vector512.Narrow(Bits(low), Bits(high)).AsInt32();
            Vector512<float> u = Vector512.ConvertToSingle(t - Vector512.Create(zero)) * unit;
            (Vector512.Create(offset) + (u * scale)).CopyTo(destination[i..]);
            low += step;
            high += step;
        }
        for (; i < destination.Length; i++)
        {
            float u = ((int)Bits(seed + (ulong)i) - zero) * unit;
            float scaled = u * scale;
            destination[i] = offset + scaled;
        }
    }

    private static Vector512<ulong> Bits(Vector512<ulong> s)
    {
        s += Vector512.Create(Gamma);
        s = (s ^ (s >>> 30)) * Vector512.Create(Mix1);
        s = (s ^ (s >>> 27)) * Vector512.Create(Mix2);
        return (s ^ (s >>> 31)) >>> 40;
    }

    private static uint Bits(ulong s) => (uint)(Mix(s) >>> 40);

    /// <summary>SplitMix64's mix of <paramref name="s"/>, which also chooses the sampled positions of reference outputs.</summary>
    internal static ulong Mix(ulong s)
    {
        s += Gamma;
        s = (s ^ (s >>> 30)) * Mix1;
        s = (s ^ (s >>> 27)) * Mix2;
        return s ^ (s >>> 31);
    }

    /// <summary>64-bit FNV-1a of the UTF-8 bytes.</summary>
    internal static ulong Fnv1a(string name)
    {
        ulong hash = 0xcbf29ce484222325;
        foreach (byte value in Encoding.UTF8.GetBytes(name))
        {
            hash = (hash ^ value) * 0x100000001b3;
        }
        return hash;
    }

    private static string LastPart(string name) => name[(name.LastIndexOf('.') + 1)..];

    /// <summary>Made anew each time it is read, which takes about as long as copying it would.</summary>
    private sealed class RecipeTensor(ParameterSpec spec, double convGain)
        : ParameterTensor(spec.Name, ParameterStore.IsBatchCounter(spec.Name) ? DType.Int64 : DType.Float32, spec.Shape)
    {
        public override TensorView Open()
        {
            if (DType == DType.Int64)
            {
                return new TensorView(new byte[Length * DType.Size()]);
            }
            byte[] bytes = GC.AllocateUninitializedArray<byte>(Length * DType.Size());
            Fill(spec, convGain, MemoryMarshal.Cast<byte, float>(bytes.AsSpan()));
            return new TensorView(bytes);
        }

        public override void CopyTo(Span<float> destination)
        {
            RequireLength(destination.Length);
            Fill(spec, convGain, destination);
        }
    }
}
