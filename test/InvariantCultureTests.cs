using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

/// <summary>
/// What is written does not depend on the culture of the thread, neither in files nor in messages. <c>$"…"</c> is invariant by eng/InvariantInterpolation.cs; what else could write
/// a number by the culture is looked for in the compiled assemblies. In every test project: each looks at what it tests.
/// </summary>
[TestClass]
public sealed class InvariantCultureTests
{
    private const BindingFlags Any = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>What has a sign or a decimal point, or is written as a date. Unsigned numbers and durations are the same everywhere.</summary>
    private static readonly HashSet<Type> s_cultural = [typeof(sbyte), typeof(short), typeof(int), typeof(long), typeof(nint), typeof(Int128), typeof(Half), typeof(float), typeof(double), typeof(decimal),
        typeof(DateTime), typeof(DateTimeOffset), typeof(DateOnly), typeof(TimeOnly)];

    public static IEnumerable<object[]> Assemblies => Directory.EnumerateFiles(AppContext.BaseDirectory, "*.dll").Select(f => Path.GetFileNameWithoutExtension(f))
        .Where(n => (n.StartsWith("Backbones", StringComparison.Ordinal) || n.Contains("TimmFeatures", StringComparison.Ordinal) || n == "timm-features") && !n.EndsWith(".Tests", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal).Select(n => new object[] { n });

    [TestMethod]
    [DynamicData(nameof(Assemblies))]
    public void NothingIsWrittenByTheThreadsCulture(string assembly)
    {
        Module module = Assembly.Load(assembly).ManifestModule;
        Dictionary<int, string> faults = new(Called(module).Select(c => (c.Token, Fault: Fault(c.Method)!)).Where(c => c.Fault is not null).Select(c => KeyValuePair.Create(c.Token, c.Fault)));
        string[] found = faults.Count == 0 ? [] : [.. module.GetTypes().Where(IsWrittenHere).SelectMany(t => Callers(t, faults)).Order(StringComparer.Ordinal)];
        Assert.IsEmpty(found, $$"""{{string.Join("; ", found)}}. Write numbers by $"…", and join them as numbers.Select(n => $"{n}").""");
    }

    [TestMethod]
    public void InterpolatedNumbersAreInvariant()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = new("") { NumberFormat = new() { NegativeSign = "~", NumberDecimalSeparator = "," } };
        try
        {
            Assert.AreEqual("-1 and -2.5 and  -3.0", $"{-1} and {-2.5f} and {-3.0,5:0.0}");
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    /// <summary>The methods of other assemblies that the code of a module names, and instances of generic methods.</summary>
    private static IEnumerable<(int Token, MethodBase Method)> Called(Module module)
    {
        foreach (int table in (int[])[0x0A, 0x2B])
        {
            for (int row = 1; ; row++)
            {
                MemberInfo? member;
                try
                {
                    member = module.ResolveMember(table << 24 | row);
                }
                catch (ArgumentOutOfRangeException)
                {
                    break;
                }
                catch (Exception e) when (e is BadImageFormatException or ArgumentException or TypeLoadException or MissingMethodException or FileNotFoundException)
                {
                    // In a generic type, or of a package that is not here.
                    continue;
                }
                if (member is MethodBase method)
                    yield return (table << 24 | row, method);
            }
        }
    }

    /// <summary>Not by a generator of ASP.NET Core.</summary>
    private static bool IsWrittenHere(Type type) => type.Namespace?.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal) != true;

    private static IEnumerable<string> Callers(Type type, Dictionary<int, string> faults)
    {
        foreach (MethodBase method in type.GetMembers(Any | BindingFlags.Static | BindingFlags.DeclaredOnly).OfType<MethodBase>())
        {
            byte[] code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
            for (int i = 0; i + sizeof(int) < code.Length; i++)
            {
                // call, callvirt, newobj, ldftn
                if (code[i] is 0x28 or 0x6F or 0x73 or 0x06 && faults.TryGetValue(BitConverter.ToInt32(code, i + 1), out string? fault))
                    yield return $"{type}.{method.Name} calls {fault}";
            }
        }
    }

    private static string? Fault(MethodBase method)
    {
        Type? type = method.DeclaringType;
        Type[] takes = [.. method.GetParameters().Select(p => p.ParameterType)];
        bool isText = type == typeof(string) || type == typeof(StringBuilder) || type == typeof(TextWriter) || type == typeof(Console), isFault = method switch
        {
            { Name: "ToString" } => takes.Length == 0 && s_cultural.Contains(type!),
            { Name: ".ctor" } => type is { Name: "DefaultInterpolatedStringHandler" } && takes.Length == 2 && type.Assembly == typeof(object).Assembly,
            { Name: "Format" } => type == typeof(string) && takes[0] != typeof(IFormatProvider),
            { Name: "AppendFormatted", IsGenericMethod: true } => method.GetGenericArguments() is [{ } written] && IsPlainRecord(written),
            { IsGenericMethod: true } => isText && method.GetGenericArguments() is [{ } written] && (s_cultural.Contains(written) || IsPlainRecord(written)),
            // Texts of records append their members as objects.
            { Name: "Append" } => type == typeof(StringBuilder) && s_cultural.Contains(takes[0]),
            { Name: "Write" or "WriteLine" } => isText && takes.Length > 0 && (s_cultural.Contains(takes[0]) || takes.Contains(typeof(object)) || takes.Contains(typeof(object[]))),
            { Name: "Concat" or "Join" } => isText && takes.Any(t => s_cultural.Contains(t) || t == typeof(object) || t == typeof(object[]) || t == typeof(ReadOnlySpan<object>)),
            _ => false,
        };
        return isFault ? $"{type!.Name}.{method}" : null;
    }

    /// <summary>Whether the compiler made its text, of the texts of its numbers.</summary>
    private static bool IsPlainRecord(Type type) => type.GetMethod("PrintMembers", Any) is { } print && print.IsDefined(typeof(CompilerGeneratedAttribute))
        && type.GetMethod("ToString", Any, [])!.IsDefined(typeof(CompilerGeneratedAttribute))
        && type.GetProperties(Any).Any(p => s_cultural.Contains(Nullable.GetUnderlyingType(p.PropertyType) ?? p.PropertyType));
}
