using System.Collections.Immutable;
using Backbones;

namespace TimmFeatures.Service.Backends;

/// <summary>
/// What computes: in this process (<see cref="LocalBackend"/>), or elsewhere. The HTTP side checks a request's form and limits and hands every picture over by itself; which of them are
/// computed together is the backend's business. Thread safe.
/// </summary>
/// <remarks>What a client can mend is a <see cref="ServiceProblemException"/> with the status that it gets; anything else is a defect.</remarks>
public interface IFeatureBackend : IAsyncDisposable
{
    /// <summary>Names that clients can ask for, as they are listed to them; others may be valid too (<see cref="OpenAsync"/> decides).</summary>
    IReadOnlyList<string> Models { get; }

    /// <summary>Makes everything ready that can be made ready before the first request. Called once.</summary>
    /// <exception cref="NotSupportedException">A model cannot be served; besides all that opening one throws.</exception>
    Task StartAsync(CancellationToken cancellation);

    /// <summary>What a query comes to, and whether it is valid at all; the model may be loaded for it.</summary>
    /// <exception cref="ServiceProblemException">404 for a model that is not served; 422 for features that it does not have, and for a model that needs more memory than there is.</exception>
    Task<FeatureLayout> OpenAsync(FeatureQuery query, CancellationToken cancellation);

    /// <summary>The features of one picture. The bytes are not read any more when the task has ended, however it ended.</summary>
    /// <param name="query">Which features of which model.</param>
    /// <param name="picture">A whole JPEG, PNG, BMP, GIF or WebP file.</param>
    /// <param name="cancellation">The client has gone: the picture leaves its batch.</param>
    /// <exception cref="ServiceProblemException">As with <see cref="OpenAsync"/>; 422 for a picture that cannot be read.</exception>
    Task<PictureFeatures> ComputeAsync(FeatureQuery query, ReadOnlyMemory<byte> picture, CancellationToken cancellation);
}

/// <summary>Which features of which model. A value: pictures of equal queries can be computed together.</summary>
/// <param name="Model">The name that the model is served under.</param>
/// <param name="Selection">Which features.</param>
public sealed record FeatureQuery(string Model, FeatureSelection Selection);

/// <summary>What a query comes to.</summary>
/// <param name="Outputs">Names, shapes and levels, in the order of the values.</param>
public sealed record FeatureLayout(ImmutableArray<FeatureOutput> Outputs)
{
    /// <summary>Values of one picture, all outputs together.</summary>
    public long Length => Outputs.Sum(o => o.Shape.Length);
}
