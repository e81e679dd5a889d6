using Microsoft.AspNetCore.Http;

namespace TimmFeatures.Service.Http;

/// <summary><c>POST /v1/features</c>: any features of pictures.</summary>
internal sealed class FeaturesEndpoint(FeaturesRequestReader reader, FeatureCalls calls)
{
    public async Task HandleAsync(HttpContext http)
    {
        string type = FeatureAnswers.TypeFor(http.Request);
        using FeaturesRequest request = await reader.ReadAsync(http.Request, http.RequestAborted);
        using FeatureAnswer answer = await calls.ComputeAsync(request.Model, request.Selection, request.Pictures, FeatureFields.Images, i => $"{FeatureFields.Images}[{i}]", http.RequestAborted);
        await FeatureAnswers.WriteAsync(http.Response, answer, type, http.RequestAborted);
    }
}
