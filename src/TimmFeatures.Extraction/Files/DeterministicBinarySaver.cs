using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace TimmFeatures.Extraction.Files;

/// <summary>
/// ML.NET's saver of binary data, with blocks in an order that does not depend on which of its threads is first. It has a switch for that, which <c>SaveAsBinary</c> does not
/// give; the class is internal, so it is reached by reflection, here and nowhere else.
/// </summary>
internal static class DeterministicBinarySaver
{
    private const BindingFlags Members = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <exception cref="NotSupportedException">This version of ML.NET has no such saver.</exception>
    public static void Save(IDataView data, Stream stream)
    {
        Type saver = typeof(TextLoader).Assembly.GetType("Microsoft.ML.Data.IO.BinarySaver") ?? throw Gone("BinarySaver");
        Type settings = saver.GetNestedType("Arguments", BindingFlags.Public | BindingFlags.NonPublic) ?? throw Gone("BinarySaver.Arguments");
        object arguments = Activator.CreateInstance(settings)!;
        (settings.GetField("DeterministicBlockOrder", Members) ?? throw Gone("DeterministicBlockOrder")).SetValue(arguments, true);
        ConstructorInfo constructor = saver.GetConstructors(Members).FirstOrDefault(c => c.GetParameters() is [_, var second] && second.ParameterType == settings) ?? throw Gone("BinarySaver constructor of this kind");
        MethodInfo save = saver.GetMethod("SaveData", Members) ?? throw Gone("BinarySaver.SaveData");
        object instance = constructor.Invoke(BindingFlags.DoNotWrapExceptions, null, [new MLContext(), arguments], null);
        save.Invoke(instance, BindingFlags.DoNotWrapExceptions, null, [stream, data, Enumerable.Range(0, data.Schema.Count).ToArray()], null);
    }

    private static NotSupportedException Gone(string member) => new($"ML.NET {typeof(TextLoader).Assembly.GetName().Version} has no {member}; .idv files cannot be written with it.");
}
