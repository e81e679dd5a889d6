using System.IO.Enumeration;

namespace TimmFeatures.Extraction.Images;

/// <summary>Paths with <c>*</c>, <c>?</c> and <c>**</c> (any number of folders), for shells that leave them as they are.</summary>
internal static class FilePattern
{
    public static bool IsPattern(string path) => path.AsSpan().ContainsAny('*', '?');

    /// <summary>The files that match, in ordinal order.</summary>
    public static IEnumerable<string> Expand(string pattern)
    {
        string[] parts = pattern.Split(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar);
        int wild = Array.FindIndex(parts, IsPattern);
        string root = string.Join('/', parts[..wild]);
        if (wild == 1 && parts[0].Length == 0)
            root = "/";
        return Match(root, parts.AsMemory(wild)).Distinct().Order(StringComparer.Ordinal);
    }

    private static IEnumerable<string> Match(string folder, ReadOnlyMemory<string> parts)
    {
        string part = parts.Span[0], where = folder.Length == 0 ? "." : folder;
        if (!Directory.Exists(where))
            return [];
        if (part == "**")
            return parts.Length == 1 ? Match(folder, new[] { "**", "*" }) : Match(folder, parts[1..]).Concat(Directory.EnumerateDirectories(where).SelectMany(d => Match(Join(folder, d), parts)));
        if (parts.Length == 1)
            return Directory.EnumerateFiles(where).Where(f => FileSystemName.MatchesSimpleExpression(part, Path.GetFileName(f), ignoreCase: false)).Select(f => Join(folder, f));
        return Directory.EnumerateDirectories(where).Where(d => FileSystemName.MatchesSimpleExpression(part, Path.GetFileName(d), ignoreCase: false)).SelectMany(d => Match(Join(folder, d), parts[1..]));
    }

    private static string Join(string folder, string entry) => folder.Length == 0 ? Path.GetFileName(entry) : $"{folder.TrimEnd('/')}/{Path.GetFileName(entry)}";
}
