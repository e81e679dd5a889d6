using System.Collections.Immutable;
using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Graphs.Passes;
using Backbones.Weights;

namespace Backbones.Onnx;

/// <summary>
/// Writes graphs as ONNX files: opset 17, float32, the batch dimension symbolic (<c>N</c>), every other dimension fixed.
/// Weights keep timm's keys (those of linear layers over tokens are stored transposed, as <c>key#transposed</c>) and values keep the
/// node names; parameter arithmetic (resampled position embeddings, standardised weights) is computed and stored as its result.
/// </summary>
internal static class OnnxExporter
{
    /// <summary>Writes a selection to a file whole or not at all, replacing an existing one; the outputs are named as the selection names them.</summary>
    /// <inheritdoc cref="Export(Graph, IParameterSource, Stream, OnnxExportOptions?)"/>
    /// <param name="selected">What was selected.</param>
    /// <param name="parameters">Values of the graph's parameters.</param>
    /// <param name="path">The file.</param>
    /// <param name="options">Names and metadata.</param>
    public static void Export(SelectedFeatures selected, IParameterSource parameters, string path, OnnxExportOptions? options = null)
    {
        options ??= new OnnxExportOptions();
        Export(selected.Graph, parameters, path, options with { OutputNames = options.OutputNames ?? [.. selected.Outputs.Select(o => o.Name)] });
    }

    /// <summary>Writes a graph to a file whole or not at all, replacing an existing one.</summary>
    /// <inheritdoc cref="Export(Graph, IParameterSource, Stream, OnnxExportOptions?)"/>
    /// <param name="graph">The graph; its inputs keep their names.</param>
    /// <param name="parameters">Values of the graph's parameters.</param>
    /// <param name="path">The file.</param>
    /// <param name="options">Names and metadata.</param>
    public static void Export(Graph graph, IParameterSource parameters, string path, OnnxExportOptions? options = null)
    {
        OnnxFile file = Convert(graph, parameters, options ?? new OnnxExportOptions());
        AtomicFile.Write(path, file.Write);
    }

    /// <summary>Writes a graph to a stream at its position; the stream is not closed.</summary>
    /// <param name="graph">The graph; its inputs keep their names.</param>
    /// <param name="parameters">Values of the graph's parameters.</param>
    /// <param name="stream">A writable stream.</param>
    /// <param name="options">Names and metadata.</param>
    /// <exception cref="ArgumentException">There are not as many names as outputs, two outputs have the same name, or one has an input's.</exception>
    /// <exception cref="NotSupportedException">The file would be over the 2 GB that protobuf can hold.</exception>
    /// <exception cref="ParameterMismatchException">The weights lack what the graph needs.</exception>
    public static void Export(Graph graph, IParameterSource parameters, Stream stream, OnnxExportOptions? options = null)
        => Convert(graph, parameters, options ?? new OnnxExportOptions()).Write(stream);

    private static OnnxFile Convert(Graph graph, IParameterSource parameters, OnnxExportOptions options)
    {
        using InvariantText text = InvariantText.Open();
        IReadOnlyList<string> names = options.OutputNames ?? [.. graph.Outputs.Select(o => o.Name)];
        CheckNames(graph, names);
        (parameters as ParameterStore)?.EnsureHas(graph.Parameters);
        graph = RemoveIdentities.Run(graph);
        // Refused before anything is read.
        OnnxFile.RequireWritable(StoredValues(graph).Sum(n => n.Shape.Length * sizeof(float)), options.Name);
        return new OnnxFile(new OnnxGraphBuilder(graph, ParameterArithmetic.Evaluate(graph, parameters), names).Build(), options);
    }

    /// <summary>The values without batch that end up in the file.</summary>
    private static IEnumerable<Node> StoredValues(Graph graph)
        => graph.Nodes.Where(n => n.IsBatched).SelectMany(n => n.Inputs).Concat(graph.Outputs).Where(n => !n.IsBatched).Distinct();

    private static void CheckNames(Graph graph, IReadOnlyList<string> outputs)
    {
        string[] inputs = [.. graph.Inputs.Select(i => i.Name)];
        if (outputs.Count != graph.Outputs.Length)
            throw new ArgumentException($"The graph has {graph.Outputs.Length} outputs, received {outputs.Count} names ({string.Join(", ", outputs)}).");
        var taken = new HashSet<string>(inputs, StringComparer.Ordinal);
        foreach (string name in outputs)
        {
            if (name.Length == 0 || !taken.Add(name))
                throw new ArgumentException($"The output name '{name}' is empty or used twice; inputs ({string.Join(", ", inputs)}) and outputs ({string.Join(", ", outputs)}) of an ONNX file need names of their own.");
        }
    }
}

/// <summary>Names and descriptions in an exported file.</summary>
internal sealed record OnnxExportOptions
{
    /// <summary>Name of the graph.</summary>
    public string Name { get; init; } = "backbone";

    /// <summary>Names of the outputs; null for those of the selection, or of the graph's output nodes.</summary>
    public IReadOnlyList<string>? OutputNames { get; init; }

    /// <summary>Becomes the file's metadata_props.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = ImmutableDictionary<string, string>.Empty;
}
