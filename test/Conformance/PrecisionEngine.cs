using Backbones.Engines;
using Backbones.Graphs;

namespace Backbones.Conformance;

/// <summary>An engine that computes in one number format, whatever is asked for.</summary>
internal sealed class PrecisionEngine(IEngine engine, Precision precision) : IEngine
{
    public string Name => engine.Name;

    public bool IsHalf => precision is Precision.Float16 or Precision.BFloat16;

    public bool Supports(Precision other) => other == precision && engine.Supports(precision);

    public IPlan Compile(Graph graph, IParameterSource parameters, EngineOptions options) => engine.Compile(graph, parameters, options with { Precision = precision });
}
