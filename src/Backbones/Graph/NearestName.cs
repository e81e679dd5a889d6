namespace Backbones.Graphs;

/// <summary>"Did you mean": the candidates nearest to a name that was not found.</summary>
internal static class NearestName
{
    /// <summary>A sentence with up to three nearest candidates, or nothing when none is near.</summary>
    public static string Suggest(string name, IEnumerable<string> candidates)
    {
        var near = Find(name, candidates);
        return near.Count == 0 ? "" : $" Did you mean {string.Join(", ", near.Select(n => $"'{n}'"))}?";
    }

    /// <summary>Up to <paramref name="count"/> candidates within a distance of about a third of the name, nearest first.</summary>
    public static IReadOnlyList<string> Find(string name, IEnumerable<string> candidates, int count = 3)
    {
        int limit = Math.Max(2, name.Length / 3);
        return [.. candidates
            .Select(c => (Name: c, Distance: Distance(name, c, limit)))
            .Where(c => c.Distance <= limit)
            .OrderBy(c => c.Distance).ThenBy(c => c.Name.Length).ThenBy(c => c.Name, StringComparer.Ordinal)
            .Take(count).Select(c => c.Name)];
    }

    /// <summary>Levenshtein distance without regard to case; anything above <paramref name="limit"/> counts as <paramref name="limit"/> + 1.</summary>
    private static int Distance(string a, string b, int limit)
    {
        if (Math.Abs(a.Length - b.Length) > limit)
            return limit + 1;
        Span<int> previous = b.Length < 256 ? stackalloc int[b.Length + 1] : new int[b.Length + 1];
        Span<int> current = b.Length < 256 ? stackalloc int[b.Length + 1] : new int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++)
            previous[j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            current[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int substitution = previous[j - 1] + (char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1);
                current[j] = Math.Min(substitution, Math.Min(previous[j], current[j - 1]) + 1);
            }
            Span<int> swap = previous;
            previous = current;
            current = swap;
        }
        return Math.Min(previous[b.Length], limit + 1);
    }
}
