namespace Backbones.Registry;

/// <summary>Order in which numbers inside names count as numbers, as in timm's listings: <c>b2</c> before <c>b10</c>; case does not count.</summary>
internal sealed class NaturalOrder : IComparer<string>
{
    public static NaturalOrder Instance { get; } = new();

    public int Compare(string? x, string? y)
    {
        // Lower case, as timm compares: '_' comes before the letters.
        ReadOnlySpan<char> a = x?.ToLowerInvariant(), b = y?.ToLowerInvariant();
        while (true)
        {
            // Texts and numbers alternate, beginning with a text that may be empty.
            int order = Take(ref a, digits: false).SequenceCompareTo(Take(ref b, digits: false));
            if (order != 0)
            {
                return order;
            }
            if (a.IsEmpty || b.IsEmpty)
            {
                return a.Length != b.Length ? a.Length.CompareTo(b.Length) : string.CompareOrdinal(x, y);
            }
            ReadOnlySpan<char> m = Take(ref a, digits: true).TrimStart('0'), n = Take(ref b, digits: true).TrimStart('0');
            order = m.Length != n.Length ? m.Length.CompareTo(n.Length) : m.SequenceCompareTo(n);
            if (order != 0)
            {
                return order;
            }
        }
    }

    private static ReadOnlySpan<char> Take(ref ReadOnlySpan<char> rest, bool digits)
    {
        int length = 0;
        while (length < rest.Length && char.IsAsciiDigit(rest[length]) == digits)
        {
            length++;
        }
        ReadOnlySpan<char> taken = rest[..length];
        rest = rest[length..];
        return taken;
    }
}
