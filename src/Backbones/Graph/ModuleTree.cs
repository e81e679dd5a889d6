using System.Collections.Immutable;

namespace Backbones.Graphs;

/// <summary>The modules of a model in the order of their registration, which is the order of a state_dict: a module's parameters, its buffers, then its children.</summary>
internal sealed class ModuleTree
{
    private readonly Module _root = new();

    /// <summary>Notes a module where it is first mentioned.</summary>
    public void Declare(string path) => Find(path);

    public void Add(ParameterSpec spec)
    {
        int dot = spec.Name.LastIndexOf('.');
        Module module = Find(dot < 0 ? "" : spec.Name[..dot]);
        (spec.Kind == ParameterKind.Parameter ? module.Parameters : module.Buffers).Add(spec);
    }

    public ImmutableArray<ParameterSpec> ToSpecs()
    {
        var specs = ImmutableArray.CreateBuilder<ParameterSpec>();
        Visit(_root);
        return specs.ToImmutable();

        void Visit(Module module)
        {
            specs.AddRange(module.Parameters);
            specs.AddRange(module.Buffers);
            foreach (Module child in module.Children)
                Visit(child);
        }
    }

    private Module Find(string path)
    {
        Module module = _root;
        foreach (string part in path.Split('.', StringSplitOptions.RemoveEmptyEntries))
            module = module.Child(part);
        return module;
    }

    private sealed class Module
    {
        private readonly Dictionary<string, Module> _byName = [];

        public List<ParameterSpec> Parameters { get; } = [];

        public List<ParameterSpec> Buffers { get; } = [];

        public List<Module> Children { get; } = [];

        public Module Child(string name)
        {
            if (!_byName.TryGetValue(name, out Module? child))
            {
                _byName[name] = child = new Module();
                Children.Add(child);
            }
            return child;
        }
    }
}
