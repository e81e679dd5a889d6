namespace Microsoft.ML.Runtime;

// The kinds of exceptions that ML.NET raises. These make them; the caller throws.
internal static partial class Contracts
{
    private static TException Process<TException>(TException ex, IExceptionContext ctx) where TException : Exception => ctx is null ? Mark(ex) : ctx.Process(ex);

    public static Exception Except(string message) => Except((IExceptionContext)null, message);

    public static Exception Except(this IExceptionContext ctx, string message) => Process(new InvalidOperationException(message), ctx);

    public static Exception Except(Exception inner, string message) => Except(null, inner, message);

    public static Exception Except(this IExceptionContext ctx, Exception inner, string message) => Process(new InvalidOperationException(message, inner), ctx);

    public static Exception ExceptParam(string paramName, string message = null) => ExceptParam(null, paramName, message);

    public static Exception ExceptParam(this IExceptionContext ctx, string paramName, string message = null)
        => Process(message is null ? new ArgumentOutOfRangeException(paramName) : new ArgumentOutOfRangeException(paramName, message), ctx);

    public static Exception ExceptUserArg(string name, string message = null) => ExceptParam(null, name, message);

    public static Exception ExceptUserArg(this IExceptionContext ctx, string name, string message = null) => ExceptParam(ctx, name, message);

    public static Exception ExceptValue(string paramName) => ExceptValue(null, paramName);

    public static Exception ExceptValue(this IExceptionContext ctx, string paramName) => Process(new ArgumentNullException(paramName), ctx);

    public static Exception ExceptEmpty(string paramName) => ExceptEmpty(null, paramName);

    public static Exception ExceptEmpty(this IExceptionContext ctx, string paramName) => ExceptParam(ctx, paramName, $"{paramName} cannot be null or empty");

    public static Exception ExceptDecode(string message) => ExceptDecode(null, message);

    public static Exception ExceptDecode(this IExceptionContext ctx, string message) => Process(new FormatException(message), ctx);

    public static Exception ExceptDecode(this IExceptionContext ctx, Exception inner, string message) => Process(new FormatException(message, inner), ctx);

    public static Exception ExceptNotSupp(string message) => ExceptNotSupp(null, message);

    public static Exception ExceptNotSupp(this IExceptionContext ctx, string message) => Process(new NotSupportedException(message), ctx);

    public static Exception ExceptSchemaMismatch(string paramName, string columnRole, string columnName) => ExceptSchemaMismatch(null, paramName, columnRole, columnName);

    /// <summary>A column is missing.</summary>
    public static Exception ExceptSchemaMismatch(this IExceptionContext ctx, string paramName, string columnRole, string columnName)
        => ExceptParam(ctx, paramName, $"Could not find {columnRole} column '{columnName}'");

    public static Exception ExceptSchemaMismatch(string paramName, string columnRole, string columnName, string expectedType, string actualType)
        => ExceptSchemaMismatch(null, paramName, columnRole, columnName, expectedType, actualType);

    /// <summary>A column has the wrong type.</summary>
    public static Exception ExceptSchemaMismatch(this IExceptionContext ctx, string paramName, string columnRole, string columnName, string expectedType, string actualType)
        => ExceptParam(ctx, paramName, $"Schema mismatch for {columnRole} column '{columnName}': expected {expectedType}, got {actualType}");
}
