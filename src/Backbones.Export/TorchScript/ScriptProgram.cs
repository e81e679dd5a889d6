using Backbones.Graphs;

namespace Backbones.TorchScript;

/// <summary>What becomes a TorchScript archive: a tree of modules that holds the weights, and the source of the root's <c>forward</c>.</summary>
/// <param name="Root">The module that is loaded.</param>
/// <param name="Forward">The method's lines, without indentation.</param>
internal sealed record ScriptProgram(ScriptModule Root, IReadOnlyList<string> Forward);

/// <summary>A float32 tensor that a module holds.</summary>
/// <param name="Shape">The whole shape.</param>
/// <param name="Values">Row-major.</param>
/// <param name="IsParameter">A parameter; else a buffer.</param>
internal sealed record ScriptTensor(Shape Shape, float[] Values, bool IsParameter);
