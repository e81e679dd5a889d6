using System.Diagnostics;
using System.Globalization;
using Backbones;
using Backbones.Imaging;
using Backbones.Tests.Imaging.Codecs;
using Backbones.Weights;
using Backbones.Weights.Pth;

namespace Bench;

/// <summary>
/// Damages files of one kind for as long as is wanted and reads them: allowed are a result and the documented exception. Whatever else happens,
/// and what takes over a second, is written to <c>artifacts/fuzz</c> and told. The suite has a few seconds of the same.
/// </summary>
internal static class FuzzCommand
{
    public const string Usage = "       Bench fuzz png|bmp|gif|webp|jpeg|exif|pth|safetensors [--seconds 60] [--seed 1]";

    /// <exception cref="ArgumentException">The target or an option is unknown.</exception>
    public static int Run(string[] args)
    {
        string target = args.FirstOrDefault() ?? "";
        int seconds = 60, seed = 1;
        for (int i = 1; i < args.Length; i += 2)
        {
            bool isNumber = int.TryParse(args.ElementAtOrDefault(i + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int value);
            _ = (args[i], isNumber) switch
            {
                ("--seconds", true) => seconds = value,
                ("--seed", true) => seed = value,
                _ => throw new ArgumentException($"Received '{args[i]} {args.ElementAtOrDefault(i + 1)}'; valid are --seconds N and --seed N."),
            };
        }

        byte[][] files = Seeds(target);
        Action<byte[]> read = target switch
        {
            "exif" => static file => ExifOrientation.Read(file),
            "pth" => static file => ReadAll(PthFile.Read(new MemoryStream(file), "damaged.pth").Tensors),
            "safetensors" => static file => ReadAll(SafetensorsFile.Read(file).Tensors),
            _ => static file => ImagePixels.Decode(file, applyExifOrientation: true),
        };
        var random = new Random(seed);
        long decoded = 0, refused = 0, found = 0;
        var total = Stopwatch.StartNew();
        for (var one = new Stopwatch(); total.Elapsed.TotalSeconds < seconds;)
        {
            byte[] damaged = Damage.Of(files[random.Next(files.Length)], random, repairPng: target == "png");
            string? problem = null;
            one.Restart();
            try
            {
                read(damaged);
                decoded++;
            }
            catch (Exception e) when (e is InvalidDataException or WeightsFormatException)
            {
                refused++;
            }
            catch (Exception e)
            {
                problem = e.ToString();
            }

            problem ??= one.Elapsed.TotalSeconds > 1 ? $"It took {one.Elapsed.TotalSeconds:0.0} s." : null;
            if (problem is not null)
            {
                string path = Path.Combine(Directory.CreateDirectory(Path.Combine(Repository.Artifacts, "fuzz")).FullName, $"{target}-{seed}-{++found}");
                File.WriteAllBytes(path, damaged);
                Console.WriteLine($"{path}: {problem}");
            }
        }

        Console.WriteLine(FormattableString.Invariant($"{target}, seed {seed}, {total.Elapsed.TotalSeconds:0} s: {decoded + refused + found} files, {decoded} read, {refused} refused, {found} problems."));
        return found == 0 ? 0 : 1;
    }

    private static byte[] SmallSafetensors()
    {
        var file = new MemoryStream();
        SafetensorsWriter.Write(file, [new MemoryTensor("a", [2, 2], [1, 2, 3, 4]), new MemoryTensor("b", DType.Int64, [], new byte[8])]);
        return file.ToArray();
    }

    private static void ReadAll(IEnumerable<ParameterTensor> tensors)
    {
        foreach (ParameterTensor tensor in tensors)
            tensor.ToArray();
    }

    private static byte[][] Seeds(string target)
    {
        if (target == "safetensors")
            return [SmallSafetensors()];
        string[] extensions = target switch
        {
            "png" or "bmp" or "gif" or "webp" => ["." + target],
            "jpeg" => [".jpg"],
            "exif" => [".png", ".jpg", ".webp"],
            "pth" => [".pth"],
            _ => throw new ArgumentException($"Unknown target '{target}'; valid are png, bmp, gif, webp, jpeg, exif, pth and safetensors."),
        };
        const int largest = 20_000;
        byte[][] files = [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "test", "data"), "*", SearchOption.AllDirectories)
            .Where(f => extensions.Contains(Path.GetExtension(f)) && new FileInfo(f).Length < largest).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];
        return files.Length > 0 ? files : throw new ArgumentException($"There are no {string.Join(", ", extensions)} files below {Repository.Root}/test/data.");
    }
}
