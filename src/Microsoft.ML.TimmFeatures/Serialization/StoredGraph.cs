using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Backbones;
using Backbones.Graphs;

namespace Microsoft.ML.TimmFeatures.Serialization;

/// <summary>A graph in a saved model: its nodes in the order of execution, which name their inputs by number.</summary>
internal sealed record StoredGraph(
    [property: JsonPropertyName("Nodes")] ImmutableArray<StoredGraph.StoredNode> Nodes,
    [property: JsonPropertyName("Inputs")] ImmutableArray<int> Inputs,
    [property: JsonPropertyName("Outputs")] ImmutableArray<StoredGraph.StoredOutput> Outputs,
    [property: JsonPropertyName("Parameters")] ImmutableArray<JsonElement> Parameters)
{
    /// <summary>Operators by the names under which they are stored: an operator is a value, its record is its form. Renaming one or its members takes an entry here, which the test of a stored model asks for.</summary>
    private static readonly FrozenDictionary<string, Type> s_operators = typeof(Operator).Assembly.GetTypes()
        .Where(t => t is { IsAbstract: false } && t.IsSubclassOf(typeof(Operator))).ToFrozenDictionary(t => t.Name);

    private static readonly JsonSerializerOptions s_json = new()
    {
        Converters = { new ShapeConverter(), new ValuesConverter(), new JsonStringEnumConverter() },
        IgnoreReadOnlyProperties = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    internal sealed record StoredNode(
        [property: JsonPropertyName("Name")] string Name,
        [property: JsonPropertyName("Operator")] string Operator,
        [property: JsonPropertyName("Arguments")] JsonElement Arguments,
        [property: JsonPropertyName("Inputs")] ImmutableArray<int> Inputs);

    internal sealed record StoredOutput(
        [property: JsonPropertyName("Name")] string Name,
        [property: JsonPropertyName("Node")] int Node,
        [property: JsonPropertyName("Level")] JsonElement? Level);

    /// <summary>Shape of the first input.</summary>
    /// <exception cref="JsonException">The graph has none.</exception>
    [JsonIgnore]
    public Shape InputShape => JsonSerializer.Deserialize<InputOp>(Nodes[Inputs[0]].Arguments, s_json)!.ItemShape;

    public static StoredGraph Of(SelectedFeatures features)
    {
        Graph graph = features.Graph;
        Dictionary<Node, int> numbers = new(ReferenceEqualityComparer.Instance);
        foreach (Node node in graph.Nodes)
            numbers.Add(node, numbers.Count);
        return new(
            [.. graph.Nodes.Select(n => new StoredNode(n.Name, n.Operator.GetType().Name, JsonSerializer.SerializeToElement(n.Operator, n.Operator.GetType(), s_json), [.. n.Inputs.Select(i => numbers[i])]))],
            [.. graph.Inputs.Select(i => numbers[i])],
            [.. features.Outputs.Zip(graph.Outputs, (o, n) => new StoredOutput(o.Name, numbers[n], o.Level is null ? null : JsonSerializer.SerializeToElement(o.Level, s_json)))],
            [.. graph.Parameters.Select(p => JsonSerializer.SerializeToElement(p, s_json))]);
    }

    /// <param name="whole">The backbone that the graph was cut from.</param>
    /// <exception cref="JsonException">It is not a graph.</exception>
    /// <exception cref="GraphException">An operator does not take its inputs.</exception>
    public SelectedFeatures ToFeatures(Backbones.Models.BackboneGraph whole)
    {
        var nodes = new List<Node>();
        foreach (StoredNode node in Nodes)
        {
            Type type = s_operators.GetValueOrDefault(node.Operator) ?? throw new JsonException($"node '{node.Name}' is a {node.Operator}, which this version does not know.");
            nodes.Add(new Node(node.Name, (Operator)JsonSerializer.Deserialize(node.Arguments, type, s_json)!, [.. node.Inputs.Select(i => nodes[i])]));
        }
        var graph = new Graph([.. Inputs.Select(i => nodes[i])], [.. nodes], [.. Outputs.Select(o => nodes[o.Node])], [.. Parameters.Select(p => JsonSerializer.Deserialize<ParameterSpec>(p, s_json)!)]);
        if (graph.Inputs is not [{ Operator: InputOp }] || nodes.Count(n => n.Operator is InputOp) != 1 || graph.Outputs.IsEmpty || nodes.DistinctBy(n => n.Name).Count() != nodes.Count)
            throw new JsonException("its graph has to have one input, outputs, and a name of its own for every node.");
        if (nodes.Select(n => n.Operator).OfType<ParameterOp>().Select(p => p.Spec).Except(graph.Parameters).FirstOrDefault() is { } unlisted)
            throw new JsonException($"'{unlisted.Name}' {unlisted.Shape} is not among its graph's parameters.");
        return new SelectedFeatures(graph, [.. Outputs.Select(o => new FeatureOutput(o.Name, nodes[o.Node].Shape, o.Level is { } level ? JsonSerializer.Deserialize<FeatureInfo>(level, s_json) : null))], whole);
    }

    private sealed class ShapeConverter : JsonConverter<Shape>
    {
        public override Shape Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Shape.Create(JsonSerializer.Deserialize<int[]>(ref reader, options));

        public override void Write(Utf8JsonWriter writer, Shape value, JsonSerializerOptions options) => JsonSerializer.Serialize(writer, value.Dimensions.ToArray(), options);
    }

    /// <summary>A constant's values as little-endian float32 in base64: bit for bit, and a mask is not a long list.</summary>
    private sealed class ValuesConverter : JsonConverter<ImmutableArray<float>>
    {
        public override ImmutableArray<float> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            byte[] bytes = reader.GetBytesFromBase64();
            return bytes.Length % sizeof(float) == 0 ? [.. MemoryMarshal.Cast<byte, float>(bytes)] : throw new JsonException($"a constant of {bytes.Length} bytes is not of float32.");
        }

        public override void Write(Utf8JsonWriter writer, ImmutableArray<float> value, JsonSerializerOptions options) => writer.WriteBase64StringValue(MemoryMarshal.AsBytes(value.AsSpan()));
    }
}
