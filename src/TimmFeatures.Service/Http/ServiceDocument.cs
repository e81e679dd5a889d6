using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace TimmFeatures.Service.Http;

/// <summary>The OpenAPI document: what requests and answers look like. Bodies are read by hand, so these types are there to be described; a test holds them to what is read.</summary>
internal static class ServiceDocument
{
    private const string Form = "multipart/form-data";

    private static readonly int[] s_problems = [400, 401, 404, 408, 413, 415, 422, 429, 500, 503];

    internal sealed record FeaturesBody
    {
        [Description("The model; may be left out where only one is served.")]
        public string? Model { get; init; }

        [Description("pooled, unpooled, logits, pyramid, intermediates or nodes; pooled unless given.")]
        public string? Kind { get; init; }

        [Description("Pooling of pooled features instead of the model's own: avg, max, avgmax, catavgmax, token, …")]
        public string? Pool { get; init; }

        [Description("Levels of a pyramid or blocks of intermediates, negative ones from the end. In a form: 1,2.")]
        public int[]? Indices { get; init; }

        [Description("Stride of a pyramid's last level: 32, 16 or 8.")]
        public int? OutputStride { get; init; }

        [Description("Apply the model's final norm to each of the intermediates.")]
        public bool? Norm { get; init; }

        [Description("Class and register tokens of intermediates as outputs of their own.")]
        public bool? PrefixTokens { get; init; }

        [Description("Intermediates of token models as tokens [L, C], not as maps [C, H, W].")]
        public bool? Tokens { get; init; }

        [Description("Names of nodes. In a form: separated by commas.")]
        public string[]? Nodes { get; init; }

        [Required]
        [Description("Pictures: JPEG, PNG, BMP, GIF or WebP, as base64 or data URLs; in a form: files.")]
        public string[] Images { get; init; } = [];
    }

    internal sealed record FeaturesAnswer([property: Required] string Model, [property: Required] FeaturesOutput[] Outputs);

    [Description("Values are row-major; one that is no finite number is null.")]
    internal sealed record FeaturesOutput([property: Required] string Name, [property: Required] int[] Shape, [property: Required] float?[] Values);

    internal sealed record EmbeddingsBody
    {
        [Description("The model; may be left out where only one is served.")]
        public string? Model { get; init; }

        [Required]
        [Description("A picture or a list of them: data URLs, or objects such as {\"type\": \"image_url\", \"image_url\": {\"url\": \"data:image/jpeg;base64,…\"}}. Nothing is fetched from an address.")]
        public object Input { get; init; } = "";

        [Description("float or base64 (little-endian float32).")]
        public string? EncodingFormat { get; init; }

        [Description("The embeddings' own number of dimensions, and no other.")]
        public int? Dimensions { get; init; }

        public string? User { get; init; }
    }

    internal sealed record EmbeddingsAnswer(string Object, Embedding[] Data, string Model, Usage Usage);

    [Description("The vector: numbers, or base64 where that was asked for.")]
    internal sealed record Embedding(string Object, int Index, [property: JsonPropertyName("embedding")] object Vector);

    [Description("Numbers of pictures, which take the place of tokens.")]
    internal sealed record Usage(int PromptTokens, int TotalTokens);

    public static void AddServiceDocument(this IServiceCollection services)
    {
        services.Configure<JsonOptions>(json => json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower);
        services.AddOpenApi(document =>
        {
            document.AddDocumentTransformer((d, _, _) =>
            {
                d.Info = new OpenApiInfo { Title = "timm-features", Version = "v1", Description = "timm's image features over HTTP." };
                d.Servers?.Clear();
                return Task.CompletedTask;
            });
            document.AddOperationTransformer((operation, _, _) =>
            {
                TakeFiles(operation);
                GiveFiles(operation);
                return Task.CompletedTask;
            });
        });
    }

    public static void DescribeFeatures(this IEndpointConventionBuilder endpoint)
    {
        Describe(endpoint, "features", "Features of pictures: pooled ones, a pyramid, hidden states, or any nodes of the network.", typeof(ProblemMiddleware.Problem), ProblemMiddleware.ProblemType);
        endpoint.WithMetadata(new AcceptsMetadata([FeatureAnswers.Json, Form], typeof(FeaturesBody)),
            new ProducesResponseTypeMetadata(200, typeof(FeaturesAnswer), [FeatureAnswers.Json, FeatureAnswers.Npy, FeatureAnswers.Safetensors, FeatureAnswers.Binary]));
    }

    public static void DescribeEmbeddings(this IEndpointConventionBuilder endpoint)
    {
        Describe(endpoint, "embeddings", "Pooled features in the form of OpenAI's embeddings.", typeof(ProblemMiddleware.OpenAIError), FeatureAnswers.Json);
        endpoint.WithMetadata(new AcceptsMetadata([FeatureAnswers.Json], typeof(EmbeddingsBody)), new ProducesResponseTypeMetadata(200, typeof(EmbeddingsAnswer), [FeatureAnswers.Json]));
    }

    public static void DescribeModels(this IEndpointConventionBuilder endpoint)
    {
        Describe(endpoint, "models", "The models that are served.", typeof(ProblemMiddleware.OpenAIError), FeatureAnswers.Json);
        endpoint.WithMetadata(new ProducesResponseTypeMetadata(200, typeof(ModelsEndpoint.ModelList), [FeatureAnswers.Json]));
    }

    private static void Describe(IEndpointConventionBuilder endpoint, string name, string summary, Type problem, string type)
    {
        // Endpoints without this are not described: it is what would be there were the body bound to parameters.
        endpoint.WithMetadata(((Func<HttpContext, Task>)Placeholder).Method, new EndpointNameMetadata(name), new EndpointSummary(summary), new EndpointTags(["timm-features"]));
        endpoint.WithMetadata([.. s_problems.Select(s => new ProducesResponseTypeMetadata(s, problem, [type]))]);

        static Task Placeholder(HttpContext http) => Task.CompletedTask;
    }

    private static void TakeFiles(OpenApiOperation operation)
    {
        if (operation.RequestBody?.Content is not { } content || !content.TryGetValue(Form, out OpenApiMediaType? form))
            return;
        form.Schema = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Required = new HashSet<string> { FeatureFields.Images },
            Properties = FeatureFields.Names.ToDictionary(n => n, _ => (IOpenApiSchema)new OpenApiSchema { Type = JsonSchemaType.String }),
        };
        form.Schema.Properties!.Add(FeatureFields.Images, new OpenApiSchema { Type = JsonSchemaType.Array, Items = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } });
    }

    private static void GiveFiles(OpenApiOperation operation)
    {
        foreach ((string type, OpenApiMediaType media) in operation.Responses?.Values.SelectMany(r => r.Content ?? new Dictionary<string, OpenApiMediaType>()) ?? [])
        {
            if (type is FeatureAnswers.Npy or FeatureAnswers.Safetensors or FeatureAnswers.Binary)
                media.Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" };
        }
    }

    private sealed record EndpointTags(IReadOnlyList<string> Tags) : ITagsMetadata;

    private sealed record EndpointSummary(string Summary) : IEndpointSummaryMetadata;

    private sealed record EndpointNameMetadata(string EndpointName) : IEndpointNameMetadata;

    private sealed record AcceptsMetadata(IReadOnlyList<string> ContentTypes, Type? RequestType) : IAcceptsMetadata
    {
        public bool IsOptional => false;
    }

    private sealed record ProducesResponseTypeMetadata(int StatusCode, Type? Type, IEnumerable<string> ContentTypes) : IProducesResponseTypeMetadata;
}
