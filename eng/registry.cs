// Makes src/Backbones/Registry/registry.json.br from timm's own data:
//
//   dotnet run eng/registry.cs -- REGISTRY.json.gz TIMM/timm/models src/Backbones/Registry/registry.json.br
//
// REGISTRY.json.gz is a dump of timm's registry: "timm" (version), "architectures" (name -> family, tags in timm's order,
// the default first) and "pretrained_cfgs" (name.tag -> config). The deprecated names come from the register_model_deprecations
// tables of the model files, which the registry itself doesn't list.
//
// The result: { timm, families: { family: { architectures: { name: { tag: config } }, deprecated: { old: new or null } } } }, where a
// config has only what differs from timm's defaults, and "timm/" as hf_hub_id stands for "timm/name.tag", as in timm's sources.

#:property PublishAot=false

using System.IO.Compression;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

if (args.Length != 3)
{
    Console.Error.WriteLine("usage: dotnet run eng/registry.cs -- REGISTRY.json.gz TIMM/timm/models OUTPUT.json.br");
    return 2;
}

JsonObject dump;
using (GZipStream gzip = new(File.OpenRead(args[0]), CompressionMode.Decompress))
{
    dump = JsonNode.Parse(gzip)!.AsObject();
}
JsonObject configs = dump["pretrained_cfgs"]!.AsObject();

// timm's PretrainedCfg, plus null for what is absent.
Dictionary<string, string> defaults = new()
{
    ["url"] = "\"\"", ["hf_hub_id"] = "\"\"", ["input_size"] = "[3,224,224]", ["fixed_input_size"] = "false", ["interpolation"] = "\"bicubic\"",
    ["crop_pct"] = "0.875", ["crop_mode"] = "\"center\"", ["mean"] = "[0.485,0.456,0.406]", ["std"] = "[0.229,0.224,0.225]",
    ["num_classes"] = "1000",
};
HashSet<string> known = [.. defaults.Keys, "hf_hub_filename", "min_input_size", "test_input_size", "test_crop_pct", "pool_size", "first_conv", "classifier", "license"];

SortedDictionary<string, (JsonObject Architectures, JsonObject Deprecated)> families = new(StringComparer.Ordinal);
int count = 0;
foreach ((string name, JsonNode? entry) in dump["architectures"]!.AsObject().OrderBy(a => a.Key, StringComparer.Ordinal))
{
    JsonObject tags = [];
    foreach (string tag in entry!["tags"]!.AsArray().Select(t => t!.GetValue<string>()))
    {
        string full = tag.Length == 0 ? name : $"{name}.{tag}";
        tags[tag] = Shorten(full, configs[full]!.AsObject());
        count++;
    }
    string family = entry["family"]!.GetValue<string>();
    families.TryAdd(family, ([], []));
    families[family].Architectures[name] = tags;
}

int deprecated = 0;
foreach (string file in Directory.GetFiles(args[1], "*.py").Order(StringComparer.Ordinal))
{
    string family = Path.GetFileNameWithoutExtension(file);
    foreach (Match table in Regex.Matches(File.ReadAllText(file), @"register_model_deprecations\(__name__, \{(.*?)\n\}\)", RegexOptions.Singleline))
    {
        foreach (Match row in Regex.Matches(table.Groups[1].Value, @"^\s*'([^']+)'\s*:\s*(?:'([^']+)'|None)", RegexOptions.Multiline))
        {
            string? current = row.Groups[2].Success ? row.Groups[2].Value : null;
            if (current is not null && !configs.ContainsKey(current))
            {
                // Two rows of timm's name a tag as it was before it was renamed ("sam", now "sam_in1k").
                current = configs.Select(c => c.Key).Single(c => c.StartsWith(current + "_", StringComparison.Ordinal));
            }
            families[family].Deprecated[row.Groups[1].Value] = current;
            deprecated++;
        }
    }
}

JsonObject result = new() { ["timm"] = dump["timm"]!.DeepClone(), ["families"] = new JsonObject(families.Select(f => KeyValuePair.Create(f.Key,
    (JsonNode?)new JsonObject { ["architectures"] = f.Value.Architectures, ["deprecated"] = f.Value.Deprecated }))) };
byte[] json = JsonSerializer.SerializeToUtf8Bytes(result, new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
using (BrotliStream brotli = new(File.Create(args[2]), new BrotliCompressionOptions { Quality = 11 }))
{
    brotli.Write(json);
}
Console.WriteLine($"{families.Count} families, {families.Sum(f => f.Value.Architectures.Count)} architectures, {count} configs, {deprecated} deprecated names; "
    + $"{json.Length:N0} bytes of JSON, {new FileInfo(args[2]).Length:N0} compressed");
return 0;

JsonObject Shorten(string full, JsonObject config)
{
    JsonObject result = [];
    foreach ((string key, JsonNode? value) in config)
    {
        if (key is "architecture" or "tag")
        {
            continue; // said by where the config stands
        }
        if (!known.Contains(key))
        {
            throw new InvalidDataException($"'{full}' has the unknown field '{key}'.");
        }
        string text = value?.ToJsonString() ?? "null";
        if (text == "null" || (defaults.TryGetValue(key, out string? standard) && text == standard))
        {
            continue;
        }
        result[key] = key == "hf_hub_id" && value!.GetValue<string>() == $"timm/{full}" ? "timm/" : value!.DeepClone();
    }
    return result;
}
