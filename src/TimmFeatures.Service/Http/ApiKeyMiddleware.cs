using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace TimmFeatures.Service.Http;

/// <summary>Lets through who has the key, and everybody to the health checks. Hashes are compared, in a time that tells nothing of how near a guess came.</summary>
internal sealed class ApiKeyMiddleware(RequestDelegate next, string key)
{
    private const string Scheme = "Bearer ";

    private readonly byte[] _hash = SHA256.HashData(Encoding.UTF8.GetBytes(key));

    public Task InvokeAsync(HttpContext http)
    {
        string given = http.Request.Headers.Authorization.ToString();
        if (http.Request.Path.StartsWithSegments(FeatureService.HealthPath, StringComparison.Ordinal)
            || given.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && CryptographicOperations.FixedTimeEquals(_hash, SHA256.HashData(Encoding.UTF8.GetBytes(given[Scheme.Length..].Trim()))))
        {
            return next(http);
        }
        throw new ServiceProblemException(StatusCodes.Status401Unauthorized, given.Length == 0 ? "An API key is needed: Authorization: Bearer KEY." : "The API key is not the service's.");
    }
}
