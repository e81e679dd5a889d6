using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Backbones.Weights;

namespace TimmFeatures.Extraction.Images;

/// <summary>
/// A list of images as a file, of which any part can be read alone: <c>images</c>, a JSON array a line (name, file; then the entry of a zip file, or offset and length in a tar file; the file is left out where it is
/// the name), and <c>images.offsets</c>, where each part begins.
/// </summary>
internal static class ImageManifest
{
    private const string Lines = "images", Offsets = "images.offsets";

    /// <summary>Writes a list.</summary>
    /// <param name="folder">A folder for it.</param>
    /// <param name="images">The images; relative paths of files become those of this machine.</param>
    /// <param name="parts">Number of parts.</param>
    public static void Write(string folder, IReadOnlyList<ImageItem> images, int parts)
    {
        byte[] offsets = new byte[(parts + 1L) * sizeof(long)];
        AtomicFile.Write(Path.Combine(folder, Lines), stream =>
        {
            // Disposed, it would close the stream.
            var buffered = new BufferedStream(stream, 1 << 20);
            using var line = new MemoryStream();
            using var writer = new Utf8JsonWriter(line);
            long position = 0;
            for (int part = 0; part < parts; part++)
            {
                BinaryPrimitives.WriteInt64LittleEndian(offsets.AsSpan(part * sizeof(long)), position);
                (int first, int end) = new Shard(part, parts).RangeOf(images.Count);
                for (int i = first; i < end; i++)
                {
                    line.SetLength(0);
                    writer.Reset();
                    Write(writer, images[i]);
                    writer.Flush();
                    line.WriteByte((byte)'\n');
                    buffered.Write(line.GetBuffer(), 0, (int)line.Length);
                    position += line.Length;
                }
            }
            BinaryPrimitives.WriteInt64LittleEndian(offsets.AsSpan(parts * sizeof(long)), position);
            buffered.Flush();
        });
        AtomicFile.Write(Path.Combine(folder, Offsets), stream => stream.Write(offsets));
    }

    /// <summary>Reads one part.</summary>
    /// <param name="folder">The folder that it was written to.</param>
    /// <param name="part">Which one of how many.</param>
    /// <param name="images">Images of all parts.</param>
    /// <exception cref="InvalidDataException">The files have something else.</exception>
    public static ManifestPart Read(string folder, Shard part, int images) => Read((file, from, count) =>
    {
        using FileStream stream = File.OpenRead(Path.Combine(folder, file));
        stream.Position = from;
        byte[] bytes = new byte[count];
        stream.ReadExactly(bytes);
        return bytes;
    }, folder, part, images);

    /// <summary>The same from anywhere.</summary>
    /// <param name="read">Reads a piece of one of the files: its name, from where, how many bytes.</param>
    /// <param name="place">Where they are, in words.</param>
    /// <param name="part">Which one of how many.</param>
    /// <param name="images">Images of all parts.</param>
    /// <exception cref="InvalidDataException">The files have something else.</exception>
    public static ManifestPart Read(Func<string, long, int, byte[]> read, string place, Shard part, int images)
    {
        (int first, int end) = part.RangeOf(images);
        string path = $"{place}/{Lines}", list;
        try
        {
            byte[] offsets = read(Offsets, part.Index * (long)sizeof(long), 2 * sizeof(long));
            long from = BinaryPrimitives.ReadInt64LittleEndian(offsets), to = BinaryPrimitives.ReadInt64LittleEndian(offsets.AsSpan(sizeof(long)));
            list = Encoding.UTF8.GetString(read(Lines, from, checked((int)(to - from))));
        }
        catch (Exception e) when (e is EndOfStreamException or OverflowException or ArgumentOutOfRangeException)
        {
            throw new InvalidDataException($"'{path}' or '{place}/{Offsets}' is cut or of another job: part {part.Index} of {part.Count} is not in it.", e);
        }
        var found = new ManifestPart();
        try
        {
            foreach (string line in list.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                found.Add(line);
            return found.Items.Count == end - first ? found : throw new InvalidDataException($"'{path}' has {found.Items.Count} images for part {part.Index} of {part.Count}; expected {end - first}.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or IndexOutOfRangeException)
        {
            found.Dispose();
            throw new InvalidDataException($"'{path}' is no list of images: {e.Message}", e);
        }
        catch
        {
            found.Dispose();
            throw;
        }
    }

    private static void Write(Utf8JsonWriter writer, ImageItem image)
    {
        ImageSource source = image.Source;
        writer.WriteStartArray();
        writer.WriteStringValue(image.Name);
        // A row without a path stays one.
        string file = string.IsNullOrWhiteSpace(source.File) ? source.File : Path.GetFullPath(source.File);
        if (file != image.Name)
            writer.WriteStringValue(file);
        if (source.Entry is { } entry)
            writer.WriteNumberValue(entry);
        if (source is { Offset: { } offset, Length: { } length })
        {
            writer.WriteNumberValue(offset);
            writer.WriteNumberValue(length);
        }
        writer.WriteEndArray();
    }
}

/// <summary>The images of one part, and the archives that they are in.</summary>
internal sealed class ManifestPart : IDisposable
{
    private readonly List<ImageItem> _items = [];
    private readonly Dictionary<string, ZipImages> _zips = [];
    private readonly Dictionary<string, TarImages> _tars = [];

    public IReadOnlyList<ImageItem> Items => _items;

    /// <summary>Adds the image of a line.</summary>
    public void Add(string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        JsonElement image = document.RootElement;
        int length = image.GetArrayLength();
        string name = image[0].GetString()!, file = length == 1 ? name : image[1].GetString()!;
        _items.Add(length switch
        {
            3 => Get(_zips, file, f => new ZipImages(f)).Item(name, image[2].GetInt32()),
            4 => Get(_tars, file, f => new TarImages(f)).Item(name, image[2].GetInt64(), image[3].GetInt64()),
            _ => new ImageFile(name, file),
        });
    }

    public void Dispose()
    {
        foreach (IDisposable archive in _zips.Values.Concat<IDisposable>(_tars.Values))
            archive.Dispose();
    }

    private static T Get<T>(Dictionary<string, T> archives, string file, Func<string, T> open)
    {
        if (!archives.TryGetValue(file, out T? archive))
            archives.Add(file, archive = open(file));
        return archive;
    }
}
