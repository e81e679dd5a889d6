using System.Reflection;

namespace Microsoft.ML.Runtime;

/// <summary>The classes that can be created by name when a model is loaded.</summary>
public sealed class ComponentCatalog
{
    private readonly Lock _lock = new();
    private readonly HashSet<string> _assemblies = [];
    private readonly Dictionary<(string Name, Type Signature), LoadableClass> _classes = [];
    private readonly Dictionary<(Type Attribute, string ContractName), Type> _extensions = [];

    internal ComponentCatalog()
    {
    }

    /// <summary>Adds the loadable classes of an assembly, once. Loading a model does this for the assemblies that it names.</summary>
    /// <param name="assembly">The assembly.</param>
    /// <param name="throwOnError">Whether a class that can't be created, or a name that is already taken, is an error or left out.</param>
    public void RegisterAssembly(Assembly assembly, bool throwOnError = true)
    {
        lock (_lock)
        {
            if (!_assemblies.Add(assembly.FullName))
                return;
            foreach (LoadableClassAttributeBase attribute in assembly.GetCustomAttributes(typeof(LoadableClassAttributeBase)))
            {
                var loadable = LoadableClass.Find(attribute);
                if (loadable is not null)
                    Add(attribute, loadable, throwOnError);
                else if (throwOnError)
                    throw Contracts.Except($"Can't instantiate loadable class '{attribute.InstanceType.Name}' with name '{attribute.LoadNames[0]}'");
            }
            RegisterExtensions(assembly, throwOnError);
        }
    }

    internal object TryCreateInstance(IHostEnvironment env, string name, Type signature, object[] args)
    {
        LoadableClass loadable;
        lock (_lock)
            _classes.TryGetValue((Key(name), signature), out loadable);
        return loadable?.Create(env, args);
    }

    /// <summary>Creates the class that is marked with such an attribute and contract name.</summary>
    internal object CreateExtension(IHostEnvironment env, Type attributeType, string contractName)
    {
        Type type;
        lock (_lock)
            _extensions.TryGetValue((attributeType, contractName), out type);
        return type is not null ? Activator.CreateInstance(type) : throw env.Except(
            $"Unable to locate an extension for the contract '{contractName}'. Call {nameof(ComponentCatalog)}.{nameof(RegisterAssembly)} with the assembly that has a class with a '{attributeType.FullName}'.");
    }

    private void RegisterExtensions(Assembly assembly, bool throwOnError)
    {
        foreach (var type in assembly == typeof(ComponentCatalog).Assembly ? [] : assembly.GetTypes().Where(t => t.IsClass))
        {
            foreach (ExtensionBaseAttribute attribute in type.GetCustomAttributes(typeof(ExtensionBaseAttribute)))
            {
                if (!_extensions.TryAdd((attribute.GetType(), attribute.ContractName), type) && throwOnError)
                    throw Contracts.Except($"An extension for '{attribute.GetType().Name}' with contract '{attribute.ContractName}' has already been registered in the ComponentCatalog.");
            }
        }
    }

    private void Add(LoadableClassAttributeBase attribute, LoadableClass loadable, bool throwOnError)
    {
        foreach (var signature in attribute.SigTypes)
        {
            foreach (var name in attribute.LoadNames)
            {
                if (!_classes.TryAdd((Key(name), signature), loadable) && throwOnError)
                    throw Contracts.Except($"ComponentCatalog cannot map name '{name}' and SignatureType '{signature}' to {attribute.InstanceType.Name}, it is already mapped.");
            }
        }
    }

    private static string Key(string name) => name.Trim().ToLowerInvariant();
}
