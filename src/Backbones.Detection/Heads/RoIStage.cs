using Backbones.Engines;

namespace Backbones.Detection;

/// <summary>What is done with boxes that are cut from the maps: how they are cut, the head that works on them, and what runs it, both made on first use.</summary>
internal sealed class RoIStage : IDisposable
{
    private readonly string _name;
    private readonly Lazy<RoIHead> _head;
    private readonly Lazy<IPlan> _plan;

    /// <param name="name">What its times are called in measurements.</param>
    /// <param name="pooler">How boxes are cut.</param>
    /// <param name="head">Makes the head.</param>
    /// <param name="compile">Makes what runs it.</param>
    public RoIStage(string name, MultiScaleRoIAlign pooler, Func<RoIHead> head, Func<RoIHead, IPlan> compile)
    {
        (_name, Pooler) = (name, pooler);
        _head = new(head);
        _plan = new(() => compile(Head));
    }

    public MultiScaleRoIAlign Pooler { get; }

    public RoIHead Head => _head.Value;

    /// <summary>Cuts boxes, whose label is the image's number, and runs the head over them.</summary>
    /// <param name="w">The memory of the run.</param>
    /// <param name="plan">The plan that made the maps.</param>
    /// <param name="boxes">One box or more.</param>
    /// <param name="features">What is cut, <c>[H, W, C]</c> for each box.</param>
    /// <param name="outputs">One for each of the head's outputs.</param>
    public void Run(RcnnWorkspace w, DetectorPlan plan, BoxList boxes, Grown<float> features, params Grown<float>[] outputs)
    {
        int rows = Head.Rows;
        w.Cut(plan, boxes, Pooler, rows, features);
        w.Clock?.Lap($"{_name} RoIAlign");
        int items = (boxes.Count + rows - 1) / rows, box = (int)(Head.Graph.Inputs[0].Shape.Length / rows);
        int length = items * rows * box;
        // What fills the last item is computed and not looked at.
        features.Array.AsSpan(boxes.Count * box, length - boxes.Count * box).Clear();
        _plan.Value.Run(items, [features.Array.AsMemory(0, length)], [.. outputs.Select((o, i) => o.Memory(checked((int)(items * Head.Graph.Outputs[i].Shape.Length))))]);
        w.Clock?.Lap($"{_name} head");
    }

    /// <summary>Frees what runs the head.</summary>
    public void Dispose()
    {
        if (_plan.IsValueCreated)
            _plan.Value.Dispose();
    }
}
