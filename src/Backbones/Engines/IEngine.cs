using Backbones.Graphs;

namespace Backbones.Engines;

/// <summary>Runs graphs. Engines know nothing of families.</summary>
public interface IEngine
{
    /// <summary>Short name, as in <c>--engine managed</c>.</summary>
    string Name { get; }

    /// <summary>Whether it computes in a number format; float32 and nothing else unless an engine says otherwise.</summary>
    bool Supports(Precision precision) => precision is Precision.Auto or Precision.Float32;

    /// <summary>Prepares a graph: parameter arithmetic is computed, weights are laid out, memory is planned.</summary>
    /// <param name="graph">The graph; its outputs are what a run returns.</param>
    /// <param name="parameters">Values of the graph's parameters; read during this call only.</param>
    /// <param name="options">Threads and precision.</param>
    /// <exception cref="KeyNotFoundException">A parameter is missing.</exception>
    /// <exception cref="NotSupportedException">The engine does not compute in the number format asked for.</exception>
    IPlan Compile(Graph graph, IParameterSource parameters, EngineOptions options);
}

/// <summary>A compiled graph. Thread safe; runs any batch size.</summary>
public interface IPlan : IDisposable
{
    /// <summary>The graph as it was given to <see cref="IEngine.Compile"/>: its inputs' and outputs' shapes are the plan's.</summary>
    Graph Graph { get; }

    /// <summary>Runs one batch.</summary>
    /// <param name="batch">Number of items, 1 or more.</param>
    /// <param name="inputs">One row-major float32 tensor <c>[batch, …]</c> for each graph input.</param>
    /// <param name="outputs">One buffer of <c>batch · Shape.Length</c> elements for each graph output, filled row-major.</param>
    /// <param name="cancellation">Checked between nodes.</param>
    /// <exception cref="ArgumentException">A buffer has the wrong length or number.</exception>
    /// <exception cref="ObjectDisposedException">The plan was disposed.</exception>
    void Run(int batch, ReadOnlySpan<ReadOnlyMemory<float>> inputs, ReadOnlySpan<Memory<float>> outputs, CancellationToken cancellation = default);
}

/// <summary>A plan that knows its memory.</summary>
internal interface IMeasuredPlan
{
    /// <summary>Bytes of the weights as they are laid out, and of everything that one run of <paramref name="batch"/> items needs.</summary>
    long MemoryBytes(int batch);
}

/// <summary>How a plan uses the machine.</summary>
public sealed record EngineOptions
{
    /// <summary>Worker threads of one run; 0 means all cores.</summary>
    public int Threads { get; init; }

    /// <summary>Number format to compute in.</summary>
    public Precision Precision { get; init; }

    /// <summary>The default: all cores.</summary>
    public static EngineOptions Default { get; } = new();

    /// <summary>Refuses a number of threads that no machine has use for.</summary>
    internal void CheckThreads()
    {
        const int most = 1024;
        if (Threads is < 0 or > most)
            throw new ArgumentOutOfRangeException("options", Threads, $"{nameof(Threads)} is {Threads}; valid values are 0 (all cores) to {most}.");
    }

    /// <summary>Refuses a number format that the engine does not compute in.</summary>
    internal void CheckPrecision(IEngine engine)
    {
        if (!engine.Supports(Precision))
            throw new NotSupportedException($"The {engine.Name} engine does not compute in {Precision}; it does in {string.Join(", ", Enum.GetValues<Precision>().Where(engine.Supports))}.");
    }
}

internal static class PlanArguments
{
    /// <summary>Checks the buffers of a run against the graph.</summary>
    /// <exception cref="ArgumentException">One does not fit; the message has its name, the length received and the length needed.</exception>
    public static void Check(Graph graph, int batch, ReadOnlySpan<ReadOnlyMemory<float>> inputs, ReadOnlySpan<Memory<float>> outputs)
    {
        if (batch < 1)
            throw new ArgumentOutOfRangeException(nameof(batch), batch, "A batch is one image or more.");
        if (inputs.Length != graph.Inputs.Length)
            throw new ArgumentException($"The graph has {graph.Inputs.Length} inputs, received {inputs.Length}.", nameof(inputs));
        if (outputs.Length != graph.Outputs.Length)
            throw new ArgumentException($"The graph has {graph.Outputs.Length} outputs, received {outputs.Length}.", nameof(outputs));
        for (int i = 0; i < inputs.Length; i++)
            Check(graph.Inputs[i], batch, inputs[i].Length, nameof(inputs));
        for (int i = 0; i < outputs.Length; i++)
            Check(graph.Outputs[i], batch, outputs[i].Length, nameof(outputs));
    }

    private static void Check(Node node, int batch, int length, string parameter)
    {
        long needed = checked(node.Shape.Length * batch);
        if (length != needed)
            throw new ArgumentException($"'{node.Name}' {node.Shape} with batch {batch} needs {needed} values, received {length}.", parameter);
    }
}

/// <summary>The number format that an engine computes in. Inputs and outputs are float32 in any case.</summary>
public enum Precision
{
    /// <summary>What suits the device; float32 on a CPU.</summary>
    Auto,

    /// <summary>32-bit floating point: timm's numbers.</summary>
    Float32,

    /// <summary>16-bit floating point, for engines that have it.</summary>
    Float16,

    /// <summary>16-bit floating point with float32's range, for engines that have it.</summary>
    BFloat16,

    /// <summary>Computed in 32-bit floating point with weights that are kept as 16-bit ones and widened as they are read: half the memory, and less of it to read. For the managed engine.</summary>
    Float16Weights,
}
