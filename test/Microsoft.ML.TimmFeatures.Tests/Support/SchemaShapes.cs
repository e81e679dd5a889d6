using System.Reflection;

namespace Microsoft.ML.TimmFeatures.Tests.Support;

/// <summary>Promised schemas of data, which ML.NET makes in an internal method.</summary>
internal static class SchemaShapes
{
    public static SchemaShape Of(DataViewSchema schema) => (SchemaShape)typeof(SchemaShape)
        .GetMethod("Create", BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)!.Invoke(null, [schema])!;

    /// <summary>A shape as text, columns and annotations in the order of their names.</summary>
    public static string[] Describe(SchemaShape shape) => [.. shape.Select(c =>
        $"{c.Name}: {c.Kind} {c.ItemType}{(c.IsKey ? " key" : "")} {{{string.Join(", ", c.Annotations.Select(a => $"{a.Name} {a.Kind} {a.ItemType}").Order())}}}").Order()];
}
