using System.Globalization;
using System.IO.Hashing;
using System.Text.Json;
using System.Text.RegularExpressions;
using Backbones.Weights;
using Backbones.Weights.Pth;

namespace Backbones.Conformance;

/// <summary>
/// Compares what becomes of checkpoints with what <c>torch.load(weights_only=True)</c> and timm's <c>load_state_dict</c> made of them (index.json): every tensor bit
/// for bit, the names of the state dict, and refusals with the opcode or name that they are for. Where more is read than torch reads, it must be what its full unpickler reads.
/// </summary>
internal static class PthRunner
{
    /// <summary>Runs every file of a folder's index.</summary>
    /// <param name="args">The folder.</param>
    /// <returns>0 if no file failed, 1 if one did, 2 if the arguments are wrong.</returns>
    public static int Run(string[] args)
    {
        if (args is not [var folder] || !Directory.Exists(folder))
        {
            Console.Error.WriteLine($"pth needs an existing FOLDER with index.json or index.json.gz; received: {string.Join(' ', args)}");
            return 2;
        }
        (int passed, int failed) = (0, 0);
        foreach ((string file, string result, bool isRight) in Compare(folder))
        {
            Console.WriteLine($"{(isRight ? "ok  " : "FAIL")} {file}: {result}");
            (passed, failed) = isRight ? (passed + 1, failed) : (passed, failed + 1);
        }
        Console.WriteLine($"{passed} passed, {failed} failed");
        return failed == 0 ? 0 : 1;
    }

    /// <summary>What became of every file.</summary>
    public static IEnumerable<(string File, string Result, bool IsRight)> Compare(string folder)
    {
        string index = Path.Combine(folder, "index.json");
        using Stream stream = ReferenceFile.Open(File.Exists(index) ? index : index + ".gz");
        using JsonDocument document = JsonDocument.Parse(stream);
        foreach (JsonElement entry in document.RootElement.GetProperty("files").EnumerateArray())
        {
            string file = entry.GetProperty("file").GetString()!;
            (string result, bool isRight) = Compare(Path.Combine(folder, file), entry);
            yield return (file, result, isRight);
        }
    }

    private static (string Result, bool IsRight) Compare(string path, JsonElement entry)
    {
        JsonElement torch = entry.GetProperty("weights_only");
        if (entry.TryGetProperty("weights_only_map_cpu", out JsonElement mapped))
            torch = mapped;
        bool torchLoads = Loads(torch);
        try
        {
            using FileStream stream = File.OpenRead(path);
            PthBudget budget = new(path, stream.Length);
            PthFile checkpoint = PthFile.Open(stream, path, budget);
            ReadAll(checkpoint, checkpoint.Root, new HashSet<object>(ReferenceEqualityComparer.Instance));
            JsonElement expected = torch;
            if (!torchLoads && !(entry.TryGetProperty("full_pickle", out expected) && Loads(expected)))
                return ("read, torch refuses it", false);
            string more = torchLoads ? "" : " (more than torch with weights_only)";
            StateDict? weights = Weights(checkpoint, path, budget, out string? none);
            string[] wrong = [.. Tensors(checkpoint, weights, expected), .. Names(weights, entry)];
            return wrong.Length > 0 ? (string.Join("; ", wrong), false) : ($"as torch{more}, {(weights is null ? $"no weights: {none}" : $"{weights.Tensors.Count} weights")}", true);
        }
        catch (WeightsFormatException e)
        {
            string message = e.Message.Replace(path + ": ", "", StringComparison.Ordinal);
            return torchLoads ? ($"refused, torch reads it: {message}", false) : Refused(message, torch.GetProperty("message").EnumerateArray().Select(m => m.GetString()!));
        }
    }

    /// <summary>torch reads every tensor, the optimizer's too; only weights are read otherwise.</summary>
    private static void ReadAll(PthFile checkpoint, object? value, HashSet<object> seen)
    {
        if (value is PickleTensor tensor)
            checkpoint.Tensors.Read("a tensor", tensor);
        else if (value is not null and not string && seen.Add(value) && (value as PickleDict)?.Items.Select(i => i.Value) is var items)
            foreach (object? item in items ?? value as IEnumerable<object?> ?? [])
                ReadAll(checkpoint, item, seen);
    }

    private static bool Loads(JsonElement result) => result.GetProperty("loads").GetBoolean();

    private static (string Result, bool IsRight) Refused(string message, IEnumerable<string> torch)
    {
        foreach (string line in torch)
        {
            if (message.Contains("not a PyTorch checkpoint", StringComparison.Ordinal))
                break; // which is found out first
            if (Regex.Match(line, "Unsupported global: GLOBAL (\\S+) ") is { Success: true } global && !message.Contains(global.Groups[1].Value, StringComparison.Ordinal))
                return ($"the refusal does not name {global.Groups[1].Value}: {message}", false);
            if (Regex.Match(line, "Unsupported operand (\\d+)") is { Success: true } opcode && !message.Contains($"({opcode.Groups[1].Value})", StringComparison.Ordinal))
                return ($"the refusal does not name opcode {opcode.Groups[1].Value}: {message}", false);
        }
        return ($"refused: {message}", true);
    }

    private static StateDict? Weights(PthFile checkpoint, string path, PthBudget budget, out string? none)
    {
        try
        {
            none = null;
            return StateDict.Find(checkpoint, path, budget);
        }
        catch (WeightsFormatException e)
        {
            none = e.Message.Replace(path + ": ", "", StringComparison.Ordinal);
            return null;
        }
    }

    private static IEnumerable<string> Tensors(PthFile checkpoint, StateDict? weights, JsonElement expected)
    {
        foreach (JsonElement item in expected.GetProperty("tensors").EnumerateArray())
        {
            string[] steps = [.. item[0].EnumerateArray().Select(s => s.ToString())];
            string path = string.Join('/', steps);
            JsonElement tensor = item[1];
            if (tensor.TryGetProperty("layout", out JsonElement layout) && layout.GetString() == "nested" || tensor.TryGetProperty("device", out _))
            {
                if (Find(checkpoint.Root, steps) is not PickleOther)
                    yield return $"{path} has no data of its own and was taken for something else";
                continue;
            }
            (string type, int[] size, ReadOnlyMemory<byte> bytes)? read = null;
            if (steps is ["state_dict()", var name])
            {
                if (weights?.Tensors.FirstOrDefault(t => t.Name == name) is { } weight)
                    using (TensorView view = weight.Open())
                        read = (weight.DType.ToString().ToLowerInvariant(), [.. weight.Shape], view.Bytes.ToArray());
            }
            else if (Find(checkpoint.Root, steps) is PickleTensor found)
            {
                read = (found.Type.Name, found.Size, checkpoint.Tensors.Read(path, found));
            }
            if (read is not var (elements, shape, content))
                yield return $"no tensor at {path}";
            else if (!tensor.TryGetProperty("qscheme", out _) && tensor.GetProperty("dtype").GetString() != elements)
                yield return $"{path} is {elements}, not {tensor.GetProperty("dtype").GetString()}";
            else if (!shape.SequenceEqual(tensor.GetProperty("shape").EnumerateArray().Select(d => d.GetInt32())))
                yield return $"{path} is [{string.Join(", ", shape)}], not {tensor.GetProperty("shape").GetRawText()}";
            else if (tensor.TryGetProperty("crc32", out JsonElement crc) && $"0x{Crc32.HashToUInt32(content.Span):x8}" != crc.GetString())
                yield return $"{path} has other values";
        }
    }

    /// <summary>timm's names, where it gives any: what is no weight is among them there.</summary>
    private static IEnumerable<string> Names(StateDict? weights, JsonElement entry)
    {
        if (weights is null || !entry.GetProperty("timm_load_state_dict").TryGetProperty("both", out JsonElement timm) || timm.ValueKind != JsonValueKind.Array)
            yield break;
        string[] expected = [.. timm.EnumerateArray().Select(n => n.GetString()!)];
        string[] missing = [.. expected.Except(weights.Tensors.Select(t => StateDict.CleanKey(t.Name))).Except(weights.Others.Keys)];
        string[] unexpected = [.. weights.Tensors.Select(t => StateDict.CleanKey(t.Name)).Except(expected)];
        if (missing.Length + unexpected.Length > 0)
            yield return $"timm has {string.Join(", ", missing)}, here there are {string.Join(", ", unexpected)}";
    }

    private static object? Find(object? root, IEnumerable<string> steps)
        => steps.Aggregate(root, (value, step) => value switch
        {
            PickleDict dictionary => dictionary.Items.FirstOrDefault(i => Convert.ToString(i.Key, CultureInfo.InvariantCulture) == step).Value,
            IReadOnlyList<object?> list when int.TryParse(step, CultureInfo.InvariantCulture, out int index) && index < list.Count => list[index],
            _ => null,
        });
}
