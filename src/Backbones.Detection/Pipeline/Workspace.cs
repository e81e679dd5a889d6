using Backbones.Engines.Managed;
using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>The memory of one run, which later runs use again.</summary>
internal class Workspace(WorkerPool pool)
{
    private readonly List<Grown<float>> _outputs = [];
    private Memory<float>[] _memories = [];

    /// <summary>Gets the times of the parts; null where nobody measures.</summary>
    public PartClock? Clock { get; set; }

    /// <summary>Fills the batch.</summary>
    public ImageBatch Images { get; } = new(pool);

    /// <summary>The batch, <c>[N, 3, H, W]</c>.</summary>
    public Grown<float> Batch { get; } = new();

    /// <summary>Sizes of the images after resizing, before padding.</summary>
    public Size2[] Sizes { get; set; } = [];

    /// <summary>Number of images.</summary>
    public int Count => Sizes.Length;

    /// <summary>For each image what was found, in its resized pixels.</summary>
    public List<BoxList> Results { get; } = [];

    public Suppression Suppression { get; } = new();

    /// <summary>Boxes before suppression.</summary>
    public BoxList Candidates { get; } = new();

    public Grown<ulong> Keys { get; } = new();

    /// <summary>Output of the graph by number, <c>[N, H, W, C]</c>.</summary>
    public float[] Output(int index) => _outputs[index].Array;

    /// <summary>Refuses a batch whose images or maps do not fit an array.</summary>
    /// <exception cref="OverflowException">There are too many images.</exception>
    public static void CheckSize(DetectorPlan plan, int count)
    {
        long largest = plan.Features.Graph.Inputs.Concat(plan.Features.Graph.Outputs).Max(n => n.Shape.Length);
        if (count * largest > Array.MaxLength)
            throw new OverflowException();
    }

    /// <summary>Runs the graph over the batch.</summary>
    public void Run(DetectorPlan plan, int count, int imageLength)
    {
        var outputs = plan.Features.Graph.Outputs;
        while (_outputs.Count < outputs.Length)
            _outputs.Add(new());
        if (_memories.Length != outputs.Length)
            _memories = new Memory<float>[outputs.Length];
        for (int i = 0; i < outputs.Length; i++)
            _memories[i] = _outputs[i].Memory((int)(count * outputs[i].Shape.Length));
        plan.Plan.Run(count, [Batch.Memory(count * imageLength)], _memories);
    }

    public void PrepareResults(int count)
    {
        while (Results.Count < count)
            Results.Add(new());
        foreach (BoxList list in Results)
            list.Clear();
    }

    /// <summary>Numbers of the <paramref name="count"/> highest values, falling; NaN counts as the highest. As keys, in <see cref="Keys"/>.</summary>
    public ReadOnlySpan<ulong> Highest(ReadOnlySpan<float> values, int count)
    {
        Span<ulong> keys = Keys.Span(values.Length);
        for (int i = 0; i < values.Length; i++)
            keys[i] = RankedKeys.Of(values[i], i);
        RankedKeys.SelectFirst(keys, count);
        return keys[..count];
    }
}
