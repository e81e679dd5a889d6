using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Backbones.Graphs;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;

namespace TimmFeatures.Service.Http;

/// <summary>Every answer that is none: problem details (RFC 9457), and where OpenAI's form is spoken, OpenAI's error object.</summary>
internal sealed class ProblemMiddleware(RequestDelegate next, ILogger<ProblemMiddleware> log)
{
    public const string ProblemType = "application/problem+json";

    /// <summary>Seconds after which a client may come again: about what a queue takes to move on.</summary>
    private const string RetryAfter = "1";

    private static readonly JsonSerializerOptions s_json = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Problem details; <c>cause</c> is the part of the request that it is about.</summary>
    internal sealed record Problem(string Title, int Status, string Detail, string? Cause);

    internal sealed record OpenAIError(OpenAIErrorBody Error);

    internal sealed record OpenAIErrorBody(string Message, string Type, string? Param, string? Code);

    public async Task InvokeAsync(HttpContext http)
    {
        try
        {
            await next(http);
            if (!http.Response.HasStarted && http.Response.StatusCode >= 400 && http.Response.ContentLength is null && http.Response.ContentType is null)
                await WriteAsync(http, Unanswered(http));
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Nobody reads an answer; metrics and traces have the status.
            if (!http.Response.HasStarted)
                http.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
        }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            http.Response.Clear();
            await WriteAsync(http, ProblemOf(e));
        }
    }

    /// <summary>A path or method that is not there.</summary>
    private static ServiceProblemException Unanswered(HttpContext http) => http.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => new(404, $"There is nothing at '{http.Request.Path}'.{NearestName.Suggest(http.Request.Path.Value is { Length: < 64 } path ? path : "", FeatureService.Paths)} There are {string.Join(", ", FeatureService.Paths)}."),
        StatusCodes.Status405MethodNotAllowed => new(405, $"'{http.Request.Path}' does not take {http.Request.Method}; it takes {http.Response.Headers.Allow}."),
        StatusCodes.Status415UnsupportedMediaType => FeaturesRequestReader.UnsupportedType(http.Request),
        int status => new(status, ReasonPhrases.GetReasonPhrase(status)),
    };

    private ServiceProblemException ProblemOf(Exception e)
    {
        switch (e)
        {
            case ServiceProblemException problem:
                return problem;
            case BadHttpRequestException bad:
                return new ServiceProblemException(bad.StatusCode, bad.Message);
            case OutOfMemoryException:
                log.LogError(e, "Out of memory.");
                return new ServiceProblemException(StatusCodes.Status503ServiceUnavailable, "The service has no memory left for this request. Come again later, with less.");
            default:
                log.LogError(e, "A request failed.");
                return new ServiceProblemException(StatusCodes.Status500InternalServerError, "The service failed; its log says why.");
        }
    }

    private static Task WriteAsync(HttpContext http, ServiceProblemException problem)
    {
        http.Response.StatusCode = problem.Status;
        if (problem.Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable)
            http.Response.Headers.RetryAfter = RetryAfter;
        if (problem.Status == StatusCodes.Status401Unauthorized)
            http.Response.Headers.WWWAuthenticate = "Bearer";
        bool openAI = http.Request.Path == FeatureService.EmbeddingsPath || http.Request.Path == FeatureService.ModelsPath;
        return openAI
            ? http.Response.WriteAsJsonAsync(new OpenAIError(new(problem.Message, TypeOf(problem.Status), problem.Cause, null)), s_json, FeatureAnswers.Json, http.RequestAborted)
            : http.Response.WriteAsJsonAsync(new Problem(ReasonPhrases.GetReasonPhrase(problem.Status), problem.Status, problem.Message, problem.Cause), s_json, ProblemType, http.RequestAborted);
    }

    private static string TypeOf(int status) => status switch
    {
        401 => "authentication_error",
        429 => "rate_limit_error",
        >= 500 => "server_error",
        _ => "invalid_request_error",
    };
}
