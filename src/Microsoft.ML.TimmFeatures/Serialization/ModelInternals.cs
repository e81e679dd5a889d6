using System.Reflection;
using System.Runtime.CompilerServices;

[assembly: IgnoresAccessChecksTo("Microsoft.ML.Core")]

namespace Microsoft.ML.TimmFeatures.Serialization;

/// <summary>
/// Saving and loading a component of ours in ML.NET's model files. What that takes is internal in ML.NET, so it is reached by
/// reflection, here and nowhere else. The members are the same from Microsoft.ML 3.0.1 to 5.0.0.
/// </summary>
/// <remarks>
/// A class becomes loadable by <c>[assembly: LoadableClass(typeof(C), null, typeof(SignatureLoadModel), "a name", loaderSignature)]</c>,
/// with both types from the extern alias <c>ModelLoaderStub</c>, and a static <c>C Create(IHostEnvironment, object)</c>.
/// </remarks>
internal static class ModelInternals
{
    private const BindingFlags Members = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>
    /// Writes who loads this entry of the model (the class that <paramref name="assembly"/> declares loadable under that
    /// signature), and gives the writer for the content.
    /// </summary>
    /// <param name="context">What ML.NET hands to <c>ICanSaveModel.Save</c>.</param>
    /// <param name="formatName">Eight characters, all below U+0100, that name the content's format.</param>
    /// <param name="loaderSignature">A load name of the class, at most 24 ASCII characters.</param>
    /// <param name="assembly">The assembly with the class. ML.NET loads it by its simple name and registers its loadable classes.</param>
    /// <returns>The entry's writer. It belongs to the context.</returns>
    /// <exception cref="NotSupportedException">This version of ML.NET has no such member.</exception>
    public static BinaryWriter BeginSave(ModelSaveContext context, string formatName, string loaderSignature, Assembly assembly)
    {
        var version = typeof(ModelSaveContext).Assembly.GetType("Microsoft.ML.VersionInfo") ?? throw Gone("VersionInfo");
        var constructor = version.GetConstructor(Members, [typeof(string), typeof(uint), typeof(uint), typeof(uint), typeof(string), typeof(string), typeof(string)])
            ?? throw Gone("VersionInfo constructor of this kind");
        var setVersion = typeof(ModelSaveContext).GetMethod("SetVersionInfo", Members, [version]) ?? throw Gone("ModelSaveContext.SetVersionInfo");
        // ML.NET's own version numbers stay at 1: it only checks them where a loader asks it to, and the content says its version itself.
        const uint Version = 1;
        object info = constructor.Invoke(BindingFlags.DoNotWrapExceptions, null, [formatName, Version, Version, Version, assembly.GetName().Name, loaderSignature, null], null);
        setVersion.Invoke(context, BindingFlags.DoNotWrapExceptions, null, [info], null);
        return Field<BinaryWriter>(context, "Writer");
    }

    /// <summary>The reader for the content of an entry, at its start.</summary>
    /// <param name="context">What ML.NET hands to a loadable class's <c>Create</c>; its type is internal.</param>
    /// <returns>The entry's reader. It belongs to the context.</returns>
    /// <exception cref="NotSupportedException">This version of ML.NET has no such member.</exception>
    public static BinaryReader BeginLoad(object context) => Field<BinaryReader>(context, "Reader");

    private static T Field<T>(object context, string name) where T : class
        => context.GetType().GetField(name, Members)?.GetValue(context) as T ?? throw Gone($"{context.GetType().Name}.{name}");

    private static NotSupportedException Gone(string member)
    {
        var core = typeof(ModelSaveContext).Assembly;
        string? version = core.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? core.GetName().Version?.ToString();
        return new NotSupportedException(
            $"Can't save or load TimmFeatures models with ML.NET {version} ({core.GetName().Name}): it has no {member}. Microsoft.ML 3.0.1 to 5.0.0 have it; use one of these, or a later version of TimmFeatures.");
    }
}
