namespace Microsoft.ML;

/// <summary>Marks a class that is found by a contract name when a model is loaded.</summary>
[AttributeUsage(AttributeTargets.Class)]
public abstract class ExtensionBaseAttribute : Attribute
{
    private protected ExtensionBaseAttribute(string contractName) => ContractName = contractName;

    /// <summary>The name.</summary>
    public string ContractName { get; }
}
