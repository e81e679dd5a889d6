using System.Collections.Immutable;

namespace Backbones.Graphs;

/// <summary>One value of a graph: an operator applied to other nodes. Immutable; a graph is its outputs and what they reach.</summary>
public sealed class Node
{
    internal Node(string name, Operator op, ImmutableArray<Node> inputs)
    {
        Name = name;
        Operator = op;
        Inputs = inputs;
        IsBatched = op is InputOp || inputs.Any(i => i.IsBatched);
        try
        {
            Shape = op.InferShape(inputs);
            // No kernel is made for nothing. Of weights that are nothing, whoever reads them says what they should be.
            if (Shape.Length == 0 && op is not ParameterOp)
                throw new GraphException($"its result {Shape} has no elements.");
        }
        catch (Exception e) when (e is GraphException or ArgumentException or ArithmeticException)
        {
            throw new GraphException($"Node '{name}' ({op.GetType().Name}) on {string.Join(" and ", inputs.Select(i => $"'{i.Name}' {i.Shape}"))}: {e.Message}", e);
        }
    }

    /// <summary>
    /// The node's name: the module path of timm (<c>layer1.0.conv1</c>), the FX name of a function (<c>layer1.0.add</c>),
    /// or the state_dict key of a parameter. A name with <c>#</c> is internal to a leaf module and not listed.
    /// </summary>
    public string Name { get; }

    /// <summary>What is computed.</summary>
    internal Operator Operator { get; }

    /// <summary>The operator's inputs, in its order (activations first, then weights).</summary>
    public ImmutableArray<Node> Inputs { get; }

    /// <summary>The shape of one batch item; the whole shape where <see cref="IsBatched"/> is false.</summary>
    public Shape Shape { get; }

    /// <summary>Whether the value depends on the input (has a batch dimension). Others are parameter arithmetic, computed once at compile time.</summary>
    public bool IsBatched { get; }

    /// <summary>Whether the name is listed: parameters, constants and internals of leaf modules are not, unless torchvision lists the reading of a parameter.</summary>
    public bool IsNamed => (IsBatched || Operator is IdentityOp { IsListed: true }) && !Name.Contains('#');

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Shape}";
}
