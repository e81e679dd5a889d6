namespace TimmFeatures.Extraction.Files;

/// <summary>What is written takes the place of nothing that is read or was just written.</summary>
internal static class Replacement
{
    private static readonly StringComparer s_paths = OperatingSystem.IsWindows() || OperatingSystem.IsMacOS() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;

    /// <summary>Refuses to write over an input, before anything is written.</summary>
    /// <param name="written">Files that are to be written; null for those that are not asked for.</param>
    /// <param name="read">Files that they are made of.</param>
    /// <exception cref="UsageException">A file is both, or to be written twice.</exception>
    public static void Refuse(IEnumerable<string?> written, IEnumerable<string?> read)
    {
        var inputs = new HashSet<string>(read.OfType<string>().Where(f => f.Length > 0).Select(Target), s_paths);
        var outputs = new HashSet<string>(s_paths);
        foreach (string file in written.OfType<string>())
        {
            if (inputs.Contains(Target(file)))
                throw new UsageException($"'{file}' would be replaced by what is made of it; give the output another name.");
            if (!outputs.Add(Target(file)))
                throw new UsageException($"'{file}' is the name of two outputs; give each a name of its own.");
        }
    }

    /// <summary>Where a name leads: files are written through links.</summary>
    private static string Target(string path)
    {
        var file = new FileInfo(path);
        return file.LinkTarget is null ? file.FullName : file.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
    }
}
