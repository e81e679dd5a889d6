using System.Text.Json.Nodes;

namespace Notebooks;

/// <summary>Outputs of a cell in the notebook's format.</summary>
internal static class CellOutput
{
    public static JsonObject Printed(string text) => new() { ["name"] = "stdout", ["output_type"] = "stream", ["text"] = Lines(text) };

    public static JsonObject Displayed(object value) => new() { ["data"] = Data(value), ["metadata"] = new JsonObject(), ["output_type"] = "display_data" };

    public static JsonObject Returned(object value, int number)
        => new() { ["data"] = Data(value), ["execution_count"] = number, ["metadata"] = new JsonObject(), ["output_type"] = "execute_result" };

    private static JsonObject Data(object value)
    {
        (string mimeType, string text) = ValueFormatter.Format(value);
        return new JsonObject { [mimeType] = Lines(text) };
    }

    // Line by line, as the format has it: changes stay readable.
    private static JsonArray Lines(string text)
    {
        string[] lines = text.TrimEnd('\n').Split('\n');
        return [.. lines.Select((line, i) => (JsonNode)(i < lines.Length - 1 ? line + "\n" : line))];
    }
}
