namespace TimmFeatures.Extraction.Images;

/// <summary>What images are asked for, in order: the arguments one after another, folders and patterns in ordinal order, lists, tables and archives in their own.</summary>
internal sealed class ImageList : IDisposable
{
    private readonly List<IDisposable> _archives = [];
    private readonly List<ImageItem> _items = [];
    private bool _hasTable;
    private bool _hasPaths;

    private ImageList()
    {
    }

    public IReadOnlyList<ImageItem> Items => _items;

    /// <summary>Finds the images.</summary>
    /// <param name="arguments">Files, folders, patterns, .csv and .tsv tables, .zip and .tar archives, <c>-</c> for a list on standard input.</param>
    /// <param name="standardInput">A path a line.</param>
    /// <param name="folder">Where relative paths of lists and tables start from; null for the current directory.</param>
    /// <param name="pathColumn">The tables' column with the paths; null for a usual name.</param>
    /// <exception cref="UsageException">A column or a folder of lists and tables is given without one.</exception>
    /// <exception cref="FileNotFoundException">An argument is no file, folder or pattern.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder for relative paths to start from.</exception>
    /// <exception cref="InvalidDataException">An argument has no images, or is a malformed table or archive.</exception>
    public static ImageList Of(IEnumerable<string> arguments, TextReader standardInput, string? folder = null, string? pathColumn = null)
    {
        // The images' errors have their names alone, the same on every machine: they would not say where an image was looked for.
        if (folder is not null && !Directory.Exists(folder))
            throw new DirectoryNotFoundException($"There is no folder '{folder}', from which relative paths of lists and tables are to start.");
        var list = new ImageList();
        try
        {
            foreach (string argument in arguments)
            {
                int before = list._items.Count;
                list.Add(argument, standardInput, folder, pathColumn);
                if (list._items.Count == before)
                    throw new InvalidDataException($"{(argument == "-" ? "The list on standard input" : $"'{argument}'")} has no images{(argument == "-" ? "" : $"; taken for images are files ending in {ImageNames.Extensions}")}.");
            }
            if (pathColumn is not null && !list._hasTable)
                throw new UsageException($"'{pathColumn}' would be a column of tables with images' paths, and there is no table (.csv, .tsv) among the images.");
            if (folder is not null && !list._hasPaths)
                throw new UsageException($"'{folder}' would be where relative paths of lists and tables start, and there is neither a table (.csv, .tsv) nor - for a list among the images.");
            return list;
        }
        catch
        {
            list.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (IDisposable archive in _archives)
            archive.Dispose();
    }

    private void Add(string argument, TextReader standardInput, string? folder, string? pathColumn)
    {
        if (argument == "-")
            AddPaths(Lines(standardInput), folder);
        else if (Directory.Exists(argument))
            AddFiles(Directory.EnumerateFiles(argument, "*", SearchOption.AllDirectories).Where(ImageNames.IsImage).Order(StringComparer.Ordinal));
        else if (File.Exists(argument))
            AddFile(argument, folder, pathColumn);
        else if (FilePattern.IsPattern(argument))
            AddFiles(FilePattern.Expand(argument).Where(ImageNames.IsImage));
        else
            throw new FileNotFoundException($"There is no file or folder '{argument}'; expected images, folders, patterns, tables (.csv, .tsv), archives (.zip, .tar) or - for a list on standard input.", argument);
    }

    private void AddFile(string file, string? folder, string? pathColumn)
    {
        string name = ImageNames.Normal(file);
        switch (Path.GetExtension(file).ToLowerInvariant())
        {
            case ".csv" or ".tsv":
                AddPaths(PathTable.Read(file, pathColumn), folder);
                _hasTable = true;
                break;
            case ".zip":
                var zip = new ZipImages(file);
                _archives.Add(zip);
                _items.AddRange(zip.Items(name));
                break;
            case ".tar":
                var tar = new TarImages(file);
                _archives.Add(tar);
                _items.AddRange(tar.Items(name));
                break;
            case ".gz" or ".tgz" or ".bz2" or ".xz" or ".7z" or ".zst":
                throw new NotSupportedException($"'{file}' is a compressed archive, of which single files cannot be read; unpack it, or make a .tar or .zip of it.");
            case ".txt" or ".json" or ".jsonl":
                throw new NotSupportedException($"'{file}' is no image; a list of paths is given on standard input, as -, or as a table (.csv, .tsv).");
            default:
                AddFiles([file]);
                break;
        }
    }

    private void AddFiles(IEnumerable<string> files) => _items.AddRange(files.Select(f => new ImageFile(ImageNames.Normal(f), f)));

    private void AddPaths(IEnumerable<string> paths, string? folder)
    {
        _hasPaths = true;
        _items.AddRange(paths.Select(p => new ImageFile(p, folder is null || p.Length == 0 ? p : Path.Combine(folder, p))));
    }

    private static IEnumerable<string> Lines(TextReader input)
    {
        while (input.ReadLine() is { } line)
        {
            if (!string.IsNullOrWhiteSpace(line))
                yield return line;
        }
    }
}
