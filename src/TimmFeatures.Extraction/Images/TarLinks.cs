using System.Formats.Tar;

namespace TimmFeatures.Extraction.Images;

/// <summary>Where the links of a tar file lead. What is outside of it is never looked at.</summary>
internal sealed class TarLinks(TarImages.Member[] members)
{
    /// <summary>As many as Linux follows.</summary>
    private const int MaxLinks = 40;

    // Of several entries of one name the last is what unpacking would leave.
    private readonly Lazy<Dictionary<string, TarImages.Member>> _byPath = new(() =>
    {
        var byPath = new Dictionary<string, TarImages.Member>(StringComparer.Ordinal);
        foreach (TarImages.Member member in members)
        {
            if (Combine("", member.Name) is { } path)
                byPath[path] = member;
        }
        return byPath;
    });

    /// <summary>The file that an entry is, or that it leads to; null where it is none.</summary>
    public TarImages.Member? Follow(TarImages.Member member)
    {
        for (int links = 0; links <= MaxLinks; links++)
        {
            if (member.IsFile)
                return member;
            // A hard link's target is a path of the archive, a symbolic link's one from its own folder, or of the machine.
            string? target = member.Type switch
            {
                TarEntryType.HardLink => Combine("", member.Target),
                TarEntryType.SymbolicLink when !member.Target.StartsWith('/') => Combine(member.Name[..(member.Name.LastIndexOf('/') + 1)], member.Target),
                _ => null,
            };
            if (target is null || !_byPath.Value.TryGetValue(target, out member))
                return null;
        }
        return null;
    }

    /// <summary>A path without dots; null for one that leads out of the archive.</summary>
    private static string? Combine(string folder, string path)
    {
        var parts = new List<string>();
        foreach (string part in $"{folder}{path}".Split('/', StringSplitOptions.RemoveEmptyEntries).Where(p => p != "."))
        {
            if (part != "..")
                parts.Add(part);
            else if (parts.Count == 0)
                return null;
            else
                parts.RemoveAt(parts.Count - 1);
        }
        return string.Join('/', parts);
    }
}
