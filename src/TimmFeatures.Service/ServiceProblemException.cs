namespace TimmFeatures.Service;

/// <summary>What a client gets in place of an answer.</summary>
/// <param name="status">The HTTP status.</param>
/// <param name="message">A sentence for the client: what was asked, what would be valid.</param>
/// <param name="cause">What it is about, as the request calls it (<c>model</c>, <c>images[3]</c>); null where it is the request as a whole.</param>
public sealed class ServiceProblemException(int status, string message, string? cause = null) : Exception(message)
{
    /// <summary>The HTTP status, from 400 on.</summary>
    public int Status => status;

    /// <summary>The part of the request that it is about.</summary>
    public string? Cause => cause;
}
