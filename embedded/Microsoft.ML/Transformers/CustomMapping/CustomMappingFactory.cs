using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

/// <summary>Marks the factory of a custom mapping, which a loaded model finds by the contract name.</summary>
public sealed class CustomMappingFactoryAttributeAttribute(string contractName) : ExtensionBaseAttribute(contractName);

/// <summary>Makes a custom mapping again when a model is loaded. Needs a public constructor without arguments.</summary>
public abstract class CustomMappingFactory<TSrc, TDst> : ICustomMappingFactory
    where TSrc : class, new()
    where TDst : class, new()
{
    /// <summary>The function.</summary>
    public abstract Action<TSrc, TDst> GetMapping();

    ITransformer ICustomMappingFactory.CreateTransformer(IHostEnvironment env, string contractName) => new CustomMappingTransformer<TSrc, TDst>(env, GetMapping(), contractName, null, null);
}

/// <summary>A factory, whatever its row classes.</summary>
internal interface ICustomMappingFactory
{
    ITransformer CreateTransformer(IHostEnvironment env, string contractName);
}
