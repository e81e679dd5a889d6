using Backbones.Engines;
using Backbones.Graphs;

namespace Backbones.Detection;

/// <summary>A graph compiled for one image size.</summary>
/// <param name="Size">The size.</param>
/// <param name="Plan">What runs it.</param>
internal record SizedPlan(Size2 Size, IPlan Plan)
{
    /// <summary>Runs that use it now.</summary>
    public int Users { get; set; }

    /// <summary>Whether it is to be freed by the last run that uses it.</summary>
    public bool IsRemoved { get; set; }
}

/// <summary>A detector's, for one padded size, and what follows from the size.</summary>
/// <param name="Size">The padded size.</param>
/// <param name="Features">The graph.</param>
/// <param name="Plan">What runs it.</param>
/// <param name="Anchors">The anchors of each level.</param>
internal sealed record DetectorPlan(Size2 Size, FeatureGraph Features, IPlan Plan, AnchorGrid[] Anchors) : SizedPlan(Size, Plan);

/// <summary>The plans of the last few image sizes. Thread safe: a plan that gives way to others is freed when no run uses it any more.</summary>
/// <param name="owner">What is disposed, as messages call it.</param>
/// <param name="capacity">Most of them.</param>
/// <param name="make">Compiles for a size.</param>
internal sealed class SizedPlans<TPlan>(Type owner, int capacity, Func<Size2, TPlan> make) : IDisposable where TPlan : SizedPlan
{
    private readonly Lock _gate = new();
    // The one used last at the end.
    private readonly List<TPlan> _plans = [];
    private bool _disposed;

    /// <summary>The plan for a size, to be given back; compiled if it is not there. Others wait for it meanwhile: compiling uses all cores.</summary>
    public TPlan Rent(Size2 size)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, owner);
            int at = _plans.FindIndex(p => p.Size == size);
            TPlan plan;
            if (at >= 0)
            {
                plan = _plans[at];
                _plans.RemoveAt(at);
            }
            else
            {
                // Room first: plans are large.
                if (_plans.Count >= capacity)
                    Remove(0);
                plan = make(size);
            }
            _plans.Add(plan);
            plan.Users++;
            return plan;
        }
    }

    /// <summary>Ends a use.</summary>
    public void Return(TPlan plan)
    {
        lock (_gate)
        {
            if (--plan.Users == 0 && plan.IsRemoved)
                plan.Plan.Dispose();
        }
    }

    /// <summary>Frees all plans, after the runs under way.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            while (_plans.Count > 0)
                Remove(0);
        }
    }

    private void Remove(int at)
    {
        TPlan plan = _plans[at];
        _plans.RemoveAt(at);
        plan.IsRemoved = true;
        if (plan.Users == 0)
            plan.Plan.Dispose();
    }
}
