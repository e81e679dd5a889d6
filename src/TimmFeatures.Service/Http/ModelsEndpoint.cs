using System.Text.Json;
using Microsoft.AspNetCore.Http;
using TimmFeatures.Service.Backends;

namespace TimmFeatures.Service.Http;

/// <summary><c>GET /v1/models</c>: what is served, in the form of OpenAI's list.</summary>
internal static class ModelsEndpoint
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static Task WriteAsync(HttpContext http, IFeatureBackend backend)
        => http.Response.WriteAsJsonAsync(new ModelList("list", [.. backend.Models.Select(m => new Model(m, "model", 0, "timm"))]), s_json, http.RequestAborted);

    internal sealed record ModelList(string Object, IReadOnlyList<Model> Data);

    internal sealed record Model(string Id, string Object, long Created, string OwnedBy);
}
