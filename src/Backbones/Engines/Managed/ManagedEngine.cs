using System.Runtime.Intrinsics;
using Backbones.Graphs;
using Backbones.Graphs.Passes;

namespace Backbones.Engines.Managed;

/// <summary>Runs graphs on the CPU with C# vector code alone: 512, 256 or 128 bits, whichever the machine is fastest with.</summary>
public sealed class ManagedEngine : IEngine
{
    /// <inheritdoc/>
    public string Name => "managed";

    /// <inheritdoc/>
    public bool Supports(Precision precision) => precision is Precision.Auto or Precision.Float32 or Precision.Float16Weights;

    /// <inheritdoc/>
    public IPlan Compile(Graph graph, IParameterSource parameters, EngineOptions options)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(options);
        options.CheckPrecision(this);
        int width = Vector512.IsHardwareAccelerated ? Float16.Count : Vector256.IsHardwareAccelerated ? Float8.Count : Float4.Count;
        return Compile(graph, parameters, options, width);
    }

    /// <summary>The graph whose nodes become steps.</summary>
    internal static Graph Prepare(Graph graph) => FuseEpilogues.Run(FoldScales.Run(PoolFirst.Run(Reparameterize.Run(Narrow.Run(RemoveIdentities.Run(graph))))));

    /// <summary>Compiles for vectors of 16, 8 or 4 floats; wider ones than the machine has still compute the same, slowly.</summary>
    internal static IPlan Compile(Graph graph, IParameterSource parameters, EngineOptions options, int width)
    {
        options.CheckThreads();
        WorkerPool pool = WorkerPool.Of(options.Threads == 0 ? Environment.ProcessorCount : options.Threads);
        bool halfWeights = options.Precision == Precision.Float16Weights;
        // While the graph is prepared.
        _ = Task.Run(width switch { 16 => GemmTile<Float16>.Prepare, 8 => GemmTile<Float8>.Prepare, _ => GemmTile<Float4>.Prepare });
        Graph prepared = Prepare(graph);
        var weights = new Dictionary<Node, RowScaled>();
        IReadOnlyDictionary<Node, DenseTensor> constants = ParameterArithmetic.Evaluate(prepared, parameters, weights);
        return width switch
        {
            16 => new PlanBuilder<Float16>(prepared, constants, weights, pool, halfWeights).Build(graph),
            8 => new PlanBuilder<Float8>(prepared, constants, weights, pool, halfWeights).Build(graph),
            4 => new PlanBuilder<Float4>(prepared, constants, weights, pool, halfWeights).Build(graph),
            _ => throw new ArgumentOutOfRangeException(nameof(width), width, "Valid widths are 16, 8 and 4 floats."),
        };
    }
}
