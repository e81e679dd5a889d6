namespace Microsoft.ML.Runtime;

/// <summary>Adds to an exception who threw it.</summary>
public interface IExceptionContext
{
    /// <summary>Who throws.</summary>
    string ContextDescription { get; }

    /// <summary>Notes the context in the exception's data and returns it.</summary>
    TException Process<TException>(TException ex) where TException : Exception;
}
