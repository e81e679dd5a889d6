namespace System.Runtime.CompilerServices;

/// <summary>
/// The runtime knows this attribute by its name: the assembly that carries it may use the named assembly's internal types.
/// No library declares it. ML.NET's loader attribute is internal, and without this one the runtime leaves it out of
/// <c>Assembly.GetCustomAttributes</c> without a word.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
{
    public string AssemblyName { get; } = assemblyName;
}
