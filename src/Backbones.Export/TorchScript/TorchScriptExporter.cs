using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Engines;
using Backbones.Graphs;
using Backbones.Graphs.Passes;
using Backbones.Weights;

namespace Backbones.TorchScript;

/// <summary>
/// Writes graphs as TorchScript archives, which <c>torch.jit.load</c> opens in Python and C++ (PyTorch 2.1 or later; root mean square
/// normalisations need 2.4). <c>forward</c> takes the graph's inputs <c>[N, shape…]</c> and gives a tensor, or a list of tensors where the graph
/// has several outputs. Any batch size; another image size is refused. Neither device nor number format is fixed: <c>.to</c>, <c>.half</c>
/// and <c>torch.jit.freeze</c> work.
/// </summary>
/// <remarks>
/// Weights are registered under timm's keys, so <c>state_dict</c> is that of the model after PyTorch's <c>fuse_conv_bn_eval</c>: batch normalisations
/// behind convolutions and linear layers are folded into these, which have a bias then. Other parameter arithmetic (resampled position
/// embeddings, standardised weights) is computed and stored as its result under the parameter's key. Weights need no gradient until they are told to.
/// </remarks>
internal static class TorchScriptExporter
{
    /// <summary>Writes a selection to a file whole or not at all, replacing an existing one; the extra file <c>outputs</c> has the selection's names as a JSON array.</summary>
    /// <inheritdoc cref="Export(Graph, IParameterSource, Stream, TorchScriptExportOptions?)"/>
    /// <param name="selected">What was selected.</param>
    /// <param name="parameters">Values of the graph's parameters.</param>
    /// <param name="path">The file.</param>
    /// <param name="options">Name and metadata.</param>
    public static void Export(SelectedFeatures selected, IParameterSource parameters, string path, TorchScriptExportOptions? options = null)
    {
        options ??= new TorchScriptExportOptions();
        string outputs = JsonSerializer.Serialize(selected.Outputs.Select(o => o.Name));
        Export(selected.Graph, parameters, path, options with { Metadata = options.Metadata.ToImmutableDictionary().SetItem("outputs", outputs) });
    }

    /// <summary>Writes a graph to a file whole or not at all, replacing an existing one.</summary>
    /// <inheritdoc cref="Export(Graph, IParameterSource, Stream, TorchScriptExportOptions?)"/>
    /// <param name="graph">The graph; its inputs keep their order.</param>
    /// <param name="parameters">Values of the graph's parameters.</param>
    /// <param name="path">The file.</param>
    /// <param name="options">Name and metadata.</param>
    public static void Export(Graph graph, IParameterSource parameters, string path, TorchScriptExportOptions? options = null)
    {
        TorchScriptArchive archive = Convert(graph, parameters, options ?? new TorchScriptExportOptions());
        AtomicFile.Write(path, archive.Write);
    }

    /// <summary>Writes a graph to a stream from its position, which becomes the file's start; the stream is not closed.</summary>
    /// <param name="graph">The graph; its inputs keep their order.</param>
    /// <param name="parameters">Values of the graph's parameters.</param>
    /// <param name="stream">A writable stream.</param>
    /// <param name="options">Name and metadata.</param>
    /// <exception cref="NotSupportedException">An operator's weight depends on the input.</exception>
    /// <exception cref="ParameterMismatchException">The weights lack what the graph needs.</exception>
    public static void Export(Graph graph, IParameterSource parameters, Stream stream, TorchScriptExportOptions? options = null)
        => Convert(graph, parameters, options ?? new TorchScriptExportOptions()).Write(stream);

    private static TorchScriptArchive Convert(Graph graph, IParameterSource parameters, TorchScriptExportOptions options)
    {
        using InvariantText text = InvariantText.Open();
        (parameters as ParameterStore)?.EnsureHas(graph.Parameters);
        graph = Reparameterize.Run(RemoveIdentities.Run(graph));
        return new TorchScriptArchive(new ScriptBuilder(graph, ParameterArithmetic.Evaluate(graph, parameters), options.Name).Build(), options);
    }
}

/// <summary>Names and descriptions in an exported file.</summary>
internal sealed record TorchScriptExportOptions
{
    /// <summary>Name of the module's class; what no Python name can have becomes <c>_</c>.</summary>
    public string Name { get; init; } = "backbone";

    /// <summary>Each entry becomes an extra file of the archive, which <c>torch.jit.load</c> reads with <c>_extra_files</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = ImmutableDictionary<string, string>.Empty;
}
