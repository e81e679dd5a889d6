namespace Microsoft.ML.Runtime;

/// <summary>Whoever sends messages and throws exceptions, known by its own name and its parents'.</summary>
internal abstract class MessageSource(string shortName, string parentFullName) : IExceptionContext
{
    public const string ThrowingComponentKey = "Throwing component";
    public const string ParentComponentKey = "Parent component";
    public const string PhaseKey = "Phase";

    public string ShortName { get; } = string.IsNullOrEmpty(shortName) ? null : shortName;

    public string ParentFullName { get; } = string.IsNullOrEmpty(parentFullName) ? null : parentFullName;

    public string FullName => ParentFullName is null ? ShortName : $"{ParentFullName}; {ShortName}";

    public virtual string ContextDescription => FullName;

    public abstract TException Process<TException>(TException ex) where TException : Exception;
}
