using System.Diagnostics.CodeAnalysis;

namespace Microsoft.ML.Runtime;

/// <summary>Checks of arguments and state, each with and without the context that is noted in the exception.</summary>
internal static partial class Contracts
{
    public const string IsMarkedKey = "ML_IsMarked";

    /// <summary>Marks an exception as raised on purpose.</summary>
    public static TException Mark<TException>(TException ex) where TException : Exception
    {
        ex.Data[IsMarkedKey] = 1;
        return ex;
    }

    public static bool IsMarked(this Exception ex) => ex.Data.Contains(IsMarkedKey);

    public static void Check([DoesNotReturnIf(false)] bool condition) => Check(null, condition);

    public static void Check([DoesNotReturnIf(false)] bool condition, string message) => Check(null, condition, message);

    public static void Check(this IExceptionContext ctx, [DoesNotReturnIf(false)] bool condition)
    {
        if (!condition)
            throw Process(new InvalidOperationException(), ctx);
    }

    public static void Check(this IExceptionContext ctx, [DoesNotReturnIf(false)] bool condition, string message)
    {
        if (!condition)
            throw Except(ctx, message);
    }

    public static void CheckParam([DoesNotReturnIf(false)] bool condition, string paramName, string message = null) => CheckParam(null, condition, paramName, message);

    public static void CheckParam(this IExceptionContext ctx, [DoesNotReturnIf(false)] bool condition, string paramName, string message = null)
    {
        if (!condition)
            throw ExceptParam(ctx, paramName, message);
    }

    public static void CheckUserArg(this IExceptionContext ctx, [DoesNotReturnIf(false)] bool condition, string name, string message = null)
    {
        if (!condition)
            throw ExceptUserArg(ctx, name, message);
    }

    public static void CheckUserArg([DoesNotReturnIf(false)] bool condition, string name, string message = null) => CheckUserArg(null, condition, name, message);

    public static void CheckValue<T>(T value, string paramName) where T : class => CheckValue(null, value, paramName);

    public static void CheckValue<T>(this IExceptionContext ctx, T value, string paramName) where T : class
    {
        if (value is null)
            throw ExceptValue(ctx, paramName);
    }

    public static T CheckRef<T>(T value, string paramName) where T : class => CheckRef(null, value, paramName);

    public static T CheckRef<T>(this IExceptionContext ctx, T value, string paramName) where T : class => value ?? throw ExceptValue(ctx, paramName);

    public static string CheckNonEmpty(string value, string paramName) => CheckNonEmpty(null, value, paramName);

    public static string CheckNonEmpty(this IExceptionContext ctx, string value, string paramName)
        => string.IsNullOrEmpty(value) ? throw ExceptEmpty(ctx, paramName) : value;

    public static string CheckNonWhiteSpace(string value, string paramName) => CheckNonWhiteSpace(null, value, paramName);

    public static string CheckNonWhiteSpace(this IExceptionContext ctx, string value, string paramName)
        => string.IsNullOrWhiteSpace(value) ? throw ExceptParam(ctx, paramName, $"{paramName} cannot be null or white space") : value;

    public static T[] CheckNonEmpty<T>(T[] values, string paramName) => CheckNonEmpty(null, values, paramName);

    public static T[] CheckNonEmpty<T>(this IExceptionContext ctx, T[] values, string paramName)
        => values is { Length: > 0 } ? values : throw ExceptEmpty(ctx, paramName);

    public static void CheckDecode([DoesNotReturnIf(false)] bool condition, string message = "Corrupt data") => CheckDecode(null, condition, message);

    public static void CheckDecode(this IExceptionContext ctx, [DoesNotReturnIf(false)] bool condition, string message = "Corrupt data")
    {
        if (!condition)
            throw ExceptDecode(ctx, message);
    }
}
