using System.Reflection;

namespace Microsoft.ML.Internal.Utilities;

/// <summary>Calls generic methods with types that are known at run time only.</summary>
internal static class Generic
{
    /// <summary>Calls the method behind <paramref name="any"/> (instantiated with any type, for example int) with other type arguments.</summary>
    public static object Invoke(Delegate any, Type[] types, params object[] args)
        => any.Method.GetGenericMethodDefinition().MakeGenericMethod(types).Invoke(any.Target, BindingFlags.DoNotWrapExceptions, null, args, null);

    /// <inheritdoc cref="Invoke(Delegate, Type[], object[])"/>
    public static object Invoke(Delegate any, Type type, params object[] args) => Invoke(any, [type], args);
}
