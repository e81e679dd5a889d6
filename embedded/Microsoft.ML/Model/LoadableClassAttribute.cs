using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Put on an assembly, it says which class a saved model's loader signature stands for.</summary>
internal abstract class LoadableClassAttributeBase : Attribute
{
    protected LoadableClassAttributeBase(Type instType, Type loaderType, Type argType, Type[] sigTypes, string userName, params string[] loadNames)
    {
        Contracts.CheckValue(instType, nameof(instType));
        Contracts.CheckValue(loaderType, nameof(loaderType));
        Contracts.CheckNonEmpty(sigTypes, nameof(sigTypes));
        InstanceType = instType;
        LoaderType = loaderType;
        ArgType = argType;
        SigTypes = sigTypes;
        LoadNames = loadNames is { Length: > 0 } ? loadNames : [userName];
        if (LoadNames.Any(string.IsNullOrWhiteSpace))
            throw Contracts.ExceptParam(nameof(loadNames), "LoadableClass loadName parameter can't be empty");

        Type[] parameters = ParametersOf(sigTypes[0]);
        Contracts.CheckParam(sigTypes.All(s => ParametersOf(s).SequenceEqual(parameters)), nameof(sigTypes), "LoadableClass signatures must have the same set of parameters");
        CtorTypes = argType is null ? parameters : [argType, .. parameters];
    }

    /// <summary>What is made.</summary>
    public Type InstanceType { get; }

    /// <summary>The class with the constructor or the static Create.</summary>
    public Type LoaderType { get; }

    /// <summary>Type of an argument before the signature's own, or null.</summary>
    public Type ArgType { get; }

    /// <summary>Delegate types whose parameters are the arguments.</summary>
    public Type[] SigTypes { get; }

    /// <summary>All arguments, except for the environment that may come before them.</summary>
    public Type[] CtorTypes { get; }

    /// <summary>The names, compared without regard to case.</summary>
    public string[] LoadNames { get; }

    private static Type[] ParametersOf(Type signature)
    {
        var invoke = signature.BaseType == typeof(MulticastDelegate) ? signature.GetMethod("Invoke") : null;
        Contracts.CheckParam(invoke?.ReturnType == typeof(void), nameof(signature), "LoadableClass signature type must be a delegate type with void return");
        return Array.ConvertAll(invoke.GetParameters(), p => p.ParameterType);
    }
}

/// <inheritdoc/>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
internal sealed class LoadableClassAttribute : LoadableClassAttributeBase
{
    public LoadableClassAttribute(Type instType, Type argType, Type sigType, string userName, params string[] loadNames)
        : base(instType, instType, argType, [sigType], userName, loadNames)
    {
    }

    public LoadableClassAttribute(Type instType, Type loaderType, Type argType, Type sigType, string userName, params string[] loadNames)
        : base(instType, loaderType, argType, [sigType], userName, loadNames)
    {
    }
}
