using Backbones.Graphs;

namespace Backbones.Engines.Torch;

/// <summary>A state_dict entry (or a constant of the graph) and the module that holds it. Moving a module to a device replaces its tensors, so they are looked up at each use.</summary>
internal sealed class ModuleEntry
{
    private readonly torch.nn.Module _scope;
    private readonly string _key;
    private readonly bool _isParameter;

    private ModuleEntry(torch.nn.Module scope, string key, bool isParameter)
    {
        _scope = scope;
        _key = key;
        _isParameter = isParameter;
    }

    public Tensor Value => _isParameter ? _scope.get_parameter(_key)! : _scope.get_buffer(_key)!;

    /// <summary>Registers a state_dict entry under timm's name.</summary>
    public static ModuleEntry Register(torch.nn.Module root, ParameterSpec spec, IParameterSource parameters)
    {
        int dot = spec.Name.LastIndexOf('.');
        torch.nn.Module scope = ModuleScope.Below(root, dot < 0 ? "" : spec.Name[..dot]);
        string key = spec.Name[(dot + 1)..];
        bool isParameter = spec.Kind == ParameterKind.Parameter;
        if (spec.ElementType == ElementType.Int64)
            scope.register_buffer(key, torch.zeros(Dimensions(spec.Shape), ScalarType.Int64));
        else if (isParameter)
            scope.register_parameter(key, new TorchSharp.Modules.Parameter(Copy(parameters.Read(spec), spec.Shape)));
        else
            scope.register_buffer(key, Copy(parameters.Read(spec), spec.Shape));
        return new ModuleEntry(scope, key, isParameter);
    }

    /// <summary>Registers a constant of the graph: it moves with the module and is in no state_dict.</summary>
    public static ModuleEntry Register(torch.nn.Module root, string key, ConstantOp constant)
    {
        root.register_buffer(key, Copy(constant.Values.AsMemory(), constant.ItemShape), persistent: false);
        return new ModuleEntry(root, key, isParameter: false);
    }

    private static Tensor Copy(ReadOnlyMemory<float> values, Shape shape)
    {
        using Tensor flat = HostTensor.Over(values);
        using Tensor shaped = flat.reshape(Dimensions(shape));
        return shaped.clone();
    }

    private static long[] Dimensions(Shape shape) => [.. shape.Dimensions.ToArray().Select(d => (long)d)];
}
