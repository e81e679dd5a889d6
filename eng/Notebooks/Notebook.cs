using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Notebooks;

/// <summary>A Jupyter notebook (.ipynb, format 4).</summary>
public sealed class Notebook
{
    private static readonly JsonSerializerOptions s_format = new() { WriteIndented = true, IndentSize = 1, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly JsonObject _json;

    private Notebook(JsonObject json) => _json = json;

    /// <summary>The cells with code, in order.</summary>
    public IEnumerable<CodeCell> CodeCells => _json["cells"]!.AsArray().Select(c => c!.AsObject()).Where(c => (string?)c["cell_type"] == "code").Select(c => new CodeCell(c));

    public static Notebook Read(string path) => new(JsonNode.Parse(File.ReadAllText(path))!.AsObject());

    public void Write(string path) => File.WriteAllText(path, _json.ToJsonString(s_format) + "\n");
}

/// <summary>A cell with code.</summary>
public sealed class CodeCell(JsonObject json)
{
    /// <summary>The code; a notebook keeps it as lines.</summary>
    public string Code => json["source"] is JsonArray lines ? string.Concat(lines.Select(l => (string?)l)) : (string?)json["source"] ?? "";

    /// <summary>What the cell printed, displayed and returned.</summary>
    public JsonArray Outputs => json["outputs"]!.AsArray();

    /// <summary>What the outputs are, without their values: names of streams, kinds of data.</summary>
    public string OutputKinds => string.Join(' ', Outputs.Select(o => o!["data"] is JsonObject data ? string.Join(',', data.Select(d => d.Key)) : (string?)o["name"]));

    public void SetOutputs(int number, IEnumerable<JsonObject> outputs)
    {
        json["execution_count"] = number;
        json["outputs"] = new JsonArray([.. outputs]);
    }
}
