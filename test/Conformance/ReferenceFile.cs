using System.IO.Compression;
using System.Text.Json;
using Backbones.Engines;

namespace Backbones.Conformance;

/// <summary>A file of reference numbers, plain or gzipped: timm's models line by line, or torchvision's in one object.</summary>
internal static class ReferenceFile
{
    /// <summary>Checks what matches the filter, model by model.</summary>
    /// <param name="path">The file; .json or .json.gz for torchvision's.</param>
    /// <param name="filter">Glob over names.</param>
    /// <param name="engine">What runs the graphs; null to compare the structure alone.</param>
    public static IEnumerable<ModelResult> Run(string path, string filter, IEngine? engine)
    {
        using Stream stream = Open(path);
        if (path.EndsWith(".json", StringComparison.Ordinal) || path.EndsWith(".json.gz", StringComparison.Ordinal))
        {
            using JsonDocument document = JsonDocument.Parse(stream);
            foreach (ModelResult result in TorchvisionRunner.Run(document.RootElement, filter, engine))
                yield return result;
            yield break;
        }
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0 && ModelRunner.Run(line, filter, engine) is { } result)
                yield return result;
        }
    }

    /// <summary>Opens a file, which is decompressed if its name ends in .gz.</summary>
    public static Stream Open(string path)
    {
        Stream file = File.OpenRead(path);
        return path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file;
    }
}
