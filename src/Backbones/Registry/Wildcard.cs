using System.Text;
using System.Text.RegularExpressions;

namespace Backbones.Registry;

/// <summary>Wildcards as Python's fnmatch has them: <c>*</c>, <c>?</c>, <c>[abc]</c>, <c>[a-z]</c>, <c>[!abc]</c>; case counts.</summary>
internal static class Wildcard
{
    /// <summary>Longer than any name; a matcher's size grows with the pattern.</summary>
    private const int MaxLength = 1000;

    /// <summary>A matcher for whole names.</summary>
    /// <exception cref="ArgumentException">The pattern is too long.</exception>
    public static Regex Compile(string pattern)
    {
        if (pattern.Length > MaxLength)
            throw new ArgumentException($"The filter '{pattern[..40]}…' has {pattern.Length} letters; at most {MaxLength} are allowed, and no name is that long.", nameof(pattern));
        StringBuilder text = new("\\A");
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            // A ']' right after the opening (or the '!') is one of the set; without a closing one '[' is a letter like others.
            int body = i + (i + 1 < pattern.Length && pattern[i + 1] == '!' ? 2 : 1);
            int end = c == '[' && body < pattern.Length ? pattern.IndexOf(']', Math.Min(body + 1, pattern.Length)) : -1;
            if (c == '*')
            {
                text.Append(".*");
            }
            else if (c == '?')
            {
                text.Append('.');
            }
            else if (end > 0)
            {
                Set(text, pattern.AsSpan(body, end - body), negated: body == i + 2);
                i = end;
            }
            else
            {
                text.Append(Regex.Escape(c.ToString()));
            }
        }
        return new Regex(text.Append("\\z").ToString(), RegexOptions.Singleline | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
    }

    private static void Set(StringBuilder text, ReadOnlySpan<char> members, bool negated)
    {
        StringBuilder set = new();
        for (int i = 0; i < members.Length; i++)
        {
            char first = members[i];
            if (i + 2 < members.Length && members[i + 1] == '-')
            {
                // An empty range such as [z-a] has no members.
                set.Append(first <= members[i + 2] ? $"{Code(first)}-{Code(members[i + 2])}" : "");
                i += 2;
            }
            else
            {
                set.Append(Code(first));
            }
        }
        text.Append((set.Length, negated) switch
        {
            (0, false) => "(?:[^\\u0000-\\uffff])",
            (0, true) => ".",
            (_, true) => $"[^{set}]",
            _ => $"[{set}]",
        });
    }

    private static string Code(char c) => $"\\u{(int)c:x4}";
}
