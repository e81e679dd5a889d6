using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Detection.Models;

/// <summary>Getters that copy a row's values.</summary>
internal static class ResultGetters
{
    /// <summary>Numbers that are there already.</summary>
    /// <param name="values">The row's.</param>
    public static ValueGetter<VBuffer<T>> Of<T>(Func<ReadOnlyMemory<T>> values) => (ref VBuffer<T> value) =>
    {
        ReadOnlySpan<T> found = values().Span;
        VBufferEditor<T> editor = VBufferEditor.Create(ref value, found.Length);
        found.CopyTo(editor.Values);
        value = editor.Commit();
    };
}
