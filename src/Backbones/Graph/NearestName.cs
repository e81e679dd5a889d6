namespace Backbones.Graphs;

/// <summary>Suggestions for a mistyped name: the candidates that fewest keystrokes turn it into.</summary>
internal static class NearestName
{
    /// <summary>How many equally near ones are told at most: of <c>layer1</c> to <c>layer4</c>, none may be left out for <c>layer5</c>.</summary>
    private const int MostEqual = 6;

    /// <summary>The nearest candidates, best first; none if nothing is near.</summary>
    /// <param name="name">What was asked for.</param>
    /// <param name="candidates">What there is.</param>
    /// <param name="count">At most this many, or more where they are all as near as the nearest.</param>
    public static IReadOnlyList<string> Find(string name, IEnumerable<string> candidates, int count = 3)
    {
        // Beyond a third of the name's letters a suggestion is noise.
        int limit = Math.Max(2, name.Length / 3), kept = Math.Max(count, MostEqual);
        PriorityQueue<string, (int Distance, bool Beyond, string Name)> worstFirst = new(
            Comparer<(int Distance, bool Beyond, string Name)>.Create((x, y) => Compare(y, x)));
        foreach (string candidate in candidates)
        {
            int distance = Distance(name, candidate, limit);
            if (distance <= limit)
            {
                worstFirst.Enqueue(candidate, (distance, !candidate.StartsWith(name, StringComparison.OrdinalIgnoreCase), candidate));
                if (worstFirst.Count > kept)
                {
                    worstFirst.Dequeue();
                    limit = worstFirst.TryPeek(out _, out var worst) ? worst.Distance : limit;
                }
            }
        }
        (string Name, int Distance)[] best = new (string, int)[worstFirst.Count];
        for (int i = best.Length - 1; i >= 0; i--)
        {
            worstFirst.TryDequeue(out string? found, out var order);
            best[i] = (found!, order.Distance);
        }
        return [.. best.TakeWhile((b, i) => i < count || b.Distance == best[0].Distance).Select(b => b.Name)];
    }

    /// <summary>A sentence for the end of an error message, with a leading space, or nothing: <c> Did you mean 'resnet50'?</c></summary>
    public static string Suggest(string name, IEnumerable<string> candidates, int count = 3)
    {
        IReadOnlyList<string> nearest = Find(name, candidates, count);
        return nearest.Count == 0 ? "" : $" Did you mean {string.Join(", ", nearest.Select(n => $"'{n}'"))}?";
    }

    /// <summary>Among equally near ones, those that the name is the beginning of come first: what is typed is often unfinished.</summary>
    private static int Compare((int Distance, bool Beyond, string Name) x, (int Distance, bool Beyond, string Name) y)
    {
        int order = x.Distance.CompareTo(y.Distance);
        order = order != 0 ? order : x.Beyond.CompareTo(y.Beyond);
        order = order != 0 ? order : x.Name.Length.CompareTo(y.Name.Length);
        return order != 0 ? order : string.CompareOrdinal(x.Name, y.Name);
    }

    /// <summary>Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment), ignoring case;
    /// any number above <paramref name="limit"/> once that is certain.</summary>
    internal static int Distance(string a, string b, int limit = int.MaxValue)
    {
        if (Math.Abs(a.Length - b.Length) > limit)
        {
            return Math.Abs(a.Length - b.Length);
        }
        int[] beforeLast = new int[b.Length + 1], last = new int[b.Length + 1], row = new int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++)
        {
            last[j] = j;
        }
        for (int i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            int smallest = i;
            for (int j = 1; j <= b.Length; j++)
            {
                char x = char.ToLowerInvariant(a[i - 1]), y = char.ToLowerInvariant(b[j - 1]);
                int best = Math.Min(Math.Min(row[j - 1], last[j]) + 1, last[j - 1] + (x == y ? 0 : 1));
                if (i > 1 && j > 1 && x == char.ToLowerInvariant(b[j - 2]) && y == char.ToLowerInvariant(a[i - 2]))
                {
                    best = Math.Min(best, beforeLast[j - 2] + 1);
                }
                row[j] = best;
                smallest = Math.Min(smallest, best);
            }
            if (smallest > limit)
            {
                return smallest;
            }
            (beforeLast, last, row) = (last, row, beforeLast);
        }
        return last[b.Length];
    }
}
