using System.Reflection;

namespace Microsoft.ML.Runtime;

/// <summary>How a loadable class is made: by a constructor or a static Create, with or without the environment as first argument.</summary>
internal sealed class LoadableClass(MethodBase method, bool takesEnvironment)
{
    private const BindingFlags Any = BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>Finds how the class is made; null where it can't be.</summary>
    public static LoadableClass Find(LoadableClassAttributeBase attribute)
    {
        var constructor = attribute.InstanceType.IsAssignableFrom(attribute.LoaderType)
            ? FindFor(attribute.CtorTypes, types => attribute.LoaderType.GetConstructor(BindingFlags.Instance | Any, null, types, null))
            : null;
        var create = FindFor(attribute.CtorTypes, types => FindCreate(attribute, types));
        if (constructor is null || create is null)
            return constructor ?? create;

        // Both are there: the more public one is meant.
        int byAccess = constructor.Access.CompareTo(create.Access);
        return byAccess switch
        {
            > 0 => constructor,
            < 0 => create,
            _ => throw Contracts.Except($"Can't load type {attribute.InstanceType}, because it has both create and constructor methods with the same visibility."),
        };
    }

    public object Create(IHostEnvironment env, object[] args)
    {
        object[] all = takesEnvironment ? [env, .. args] : args;
        try
        {
            return method is ConstructorInfo constructor ? constructor.Invoke(all) : method.Invoke(null, all);
        }
        catch (TargetInvocationException ex) when (ex.InnerException?.IsMarked() == true)
        {
            throw Contracts.Except(ex, "Error during class instantiation");
        }
    }

    private MethodAttributes Access => method.Attributes & MethodAttributes.MemberAccessMask;

    private static LoadableClass FindFor(Type[] types, Func<Type[], MethodBase> find)
    {
        if (find(types) is { } plain)
            return new(plain, takesEnvironment: false);
        return find([typeof(IHostEnvironment), .. types]) is { } withEnvironment ? new(withEnvironment, takesEnvironment: true) : null;
    }

    private static MethodInfo FindCreate(LoadableClassAttributeBase attribute, Type[] types)
    {
        var create = attribute.LoaderType.GetMethod("Create", BindingFlags.Static | Any, null, types, null);
        return create?.ReturnType == attribute.InstanceType ? create : null;
    }
}
