using System.Collections.Immutable;

namespace Backbones;

/// <summary>Which levels or blocks: timm's <c>feature_take_indices</c> and <c>out_indices</c>.</summary>
internal static class FeatureIndices
{
    private const int MostLast = 4096;

    /// <summary>Absolute indices for given ones, negative ones counting from the end; all for null. Ascending, each once: timm collects in the order of the
    /// modules, whatever the order asked for.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An index is outside; the message has the valid range.</exception>
    public static ImmutableArray<int> Resolve(ImmutableArray<int>? indices, int count, string what)
    {
        if (indices is not { } given)
            return [.. Enumerable.Range(0, count)];
        if (given.IsEmpty)
            throw new ArgumentException($"No {what} asked for; give indices from {-count} to {count - 1}.", nameof(indices));
        return [.. given.Select(i => i >= -count && i < count ? (i + count) % count
            : throw new ArgumentOutOfRangeException(nameof(indices), i, $"The model has {count} {what}s: valid indices are 0 to {count - 1}, or {-count} to -1 from the end.")).Distinct().Order()];
    }

    /// <summary>The last n as indices (timm: an int for <c>out_indices</c>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one.</exception>
    public static ImmutableArray<int> Last(int n, string what, string parameter)
    {
        if (n < 1)
            throw new ArgumentOutOfRangeException(parameter, n, $"The last {what}s are one or more.");
        // No model has so many; the first index alone says so as well as millions.
        return n > MostLast ? [-n] : [.. Enumerable.Range(-n, n)];
    }
}
