using Backbones.Graphs;

namespace Backbones.TorchScript;

/// <summary>One segment of timm's parameter names (<c>layer1</c>, <c>0</c>, <c>conv1</c>) as a module of a class of its own.</summary>
/// <param name="className">The class, without <c>__torch__</c>.</param>
/// <param name="expression">How the root's methods reach the module.</param>
/// <param name="classes">Names of classes that are taken.</param>
internal sealed class ScriptModule(string className, string expression, HashSet<string> classes)
{
    /// <summary>Every module has the attributes that PyTorch looks for, and the root has forward.</summary>
    private readonly HashSet<string> _names = ["training", "_is_full_backward_hook", "forward"];
    private readonly List<(string Name, ScriptTensor Tensor)> _tensors = [];
    private readonly List<(string Name, ScriptModule Module)> _children = [];

    public string ClassName => className;

    public IReadOnlyList<(string Name, ScriptTensor Tensor)> Tensors => _tensors;

    public IReadOnlyList<(string Name, ScriptModule Module)> Children => _children;

    /// <summary>Registers a tensor under a dotted key, or one like it, and gives the expression that reads it.</summary>
    public string Add(string key, ScriptTensor tensor)
    {
        string[] segments = key.Split('.', StringSplitOptions.RemoveEmptyEntries);
        ScriptModule module = this;
        foreach (string segment in segments.SkipLast(1))
            module = module.Child(segment);
        return module.AddHere(segments.LastOrDefault("tensor"), tensor);
    }

    private string AddHere(string name, ScriptTensor tensor)
    {
        name = ScriptText.Unique(name, _names);
        _tensors.Add((name, tensor));
        return ScriptText.Attribute(expression, name);
    }

    private ScriptModule Child(string segment)
    {
        foreach ((string name, ScriptModule module) in _children)
        {
            if (name == segment)
                return module;
        }
        string unique = ScriptText.Unique(segment, _names);
        var child = new ScriptModule(ScriptText.Unique(ScriptText.Identifier(expression == "self" ? segment : $"{className}_{segment}"), classes), ScriptText.Attribute(expression, unique), classes);
        _children.Add((unique, child));
        return child;
    }
}

/// <summary>What becomes a TorchScript archive: a tree of modules that holds the weights, and the source of the root's <c>forward</c>.</summary>
/// <param name="Root">The module that is loaded.</param>
/// <param name="Forward">The method's lines, without indentation.</param>
internal sealed record ScriptProgram(ScriptModule Root, IReadOnlyList<string> Forward);

/// <summary>A float32 tensor that a module holds.</summary>
/// <param name="Shape">The whole shape.</param>
/// <param name="Values">Row-major.</param>
/// <param name="IsParameter">A parameter; else a buffer.</param>
internal sealed record ScriptTensor(Shape Shape, float[] Values, bool IsParameter);
