using System.Reflection;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Tests;

/// <summary>
/// The public API is that of <c>test/data/public-api/Microsoft.ML.TimmFeatures.txt</c>. A change there is a decision: what was there stays,
/// or a new major version says that it does not. <c>TIMM_FEATURES_WRITE_API=1</c> writes the file anew.
/// </summary>
[TestClass]
public sealed class PublicApiTests
{
    [TestMethod]
    public void The_public_API_is_the_one_that_was_decided()
    {
        string file = Path.Combine(Samples.Root, "test", "data", "public-api", "Microsoft.ML.TimmFeatures.txt");
        string[] actual = [.. typeof(FeaturizerTransformer).Assembly.GetExportedTypes().SelectMany(Describe).Order(StringComparer.Ordinal)];
        if (Environment.GetEnvironmentVariable("TIMM_FEATURES_WRITE_API") == "1")
            File.WriteAllLines(file, actual);
        string[] decided = File.ReadAllLines(file);
        Assert.IsEmpty(decided.Except(actual).ToArray(), "gone: " + string.Join("\n", decided.Except(actual)));
        Assert.IsEmpty(actual.Except(decided).ToArray(), "new: " + string.Join("\n", actual.Except(decided)));
    }

    private static IEnumerable<string> Describe(Type type)
    {
        string kind = type.IsEnum ? "enum" : type.IsValueType ? "struct" : type.IsInterface ? "interface" : type is { IsAbstract: true, IsSealed: true } ? "static class" : type.IsAbstract ? "abstract class" : type.IsSealed ? "sealed class" : "class";
        string[] parents = [.. new[] { type.BaseType }.Where(b => b is not null && b != typeof(object) && b != typeof(Enum)).Concat(type.GetInterfaces().Where(i => i.IsPublic)).Select(t => Name(t!)).Order(StringComparer.Ordinal)];
        yield return $"{Name(type)}: {kind}{(parents.Length > 0 ? $" of {string.Join(", ", parents)}" : "")}";
        foreach (MemberInfo member in type.GetMembers(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
        {
            string? text = member switch
            {
                ConstructorInfo c when IsVisible(c) => $"new({Parameters(c)})",
                MethodInfo m when IsVisible(m) && !m.IsSpecialName => $"{Name(m.ReturnType)} {m.Name}({Parameters(m)})",
                PropertyInfo p when IsVisible(p.GetMethod!) => $"{Name(p.PropertyType)} {p.Name} {{ get;{(p.SetMethod is { } s && IsVisible(s) ? " set;" : "")} }}",
                FieldInfo { IsLiteral: true } f => $"{f.Name} = {f.GetRawConstantValue()}",
                _ => null,
            };
            if (text is not null && !text.Contains('<' + "Clone>"))
                yield return $"{Name(type)}.{text}";
        }
    }

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(p =>
        $"{Name(p.ParameterType)} {p.Name}{(p.HasDefaultValue ? $" = {p.DefaultValue ?? "null"}" : "")}"));

    private static string Name(Type type) => type.IsGenericType
        ? $"{type.Name[..type.Name.IndexOf('`')]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>"
        : type.IsArray ? $"{Name(type.GetElementType()!)}[]" : type.Name;
}
