using System.Collections.Concurrent;
using Backbones;
using TimmFeatures.Extraction;
using TimmFeatures.Orleans;
using TimmFeatures.Service;
using TimmFeatures.Service.Backends;

namespace TimmFeatures.Cli.Serving;

/// <summary>Lets the workers of a cluster compute: every picture goes to the next of them. What was at one that is lost is asked of the others.</summary>
internal sealed class ClusterBackend(ClusterClient cluster, ServingSetup setup) : IFeatureBackend
{
    private const int MaxLayouts = 1000;

    /// <summary>Many more than workers, so that each has about as many keys as the next.</summary>
    private const int Keys = 1024;

    private readonly string _setup = setup.ToJson();
    private int _next;
    private readonly ConcurrentDictionary<FeatureQuery, FeatureLayout> _layouts = [];

    public IReadOnlyList<string> Models => [.. setup.Models.Select(m => m.Name)];

    private IPictureGrain Grain => cluster.Grains.GetGrain<IPictureGrain>((uint)Interlocked.Increment(ref _next) % Keys);

    public async Task StartAsync(CancellationToken cancellation)
    {
        foreach (ServedModel model in setup.Models)
        {
            try
            {
                await OpenAsync(new FeatureQuery(model.Name, FeatureSelection.Pooled()), cancellation);
            }
            catch (ServiceProblemException e)
            {
                throw new NotSupportedException(e.Message, e);
            }
        }
    }

    public async Task<FeatureLayout> OpenAsync(FeatureQuery query, CancellationToken cancellation)
    {
        if (_layouts.TryGetValue(query, out FeatureLayout? known))
            return known;
        PictureQuery asked = Ask(query);
        LayoutAnswer answer = await Call(c => Grain.Open(asked, c), cancellation);
        FeatureLayout layout = WireOutput.Read(answer.Outputs ?? throw Problem(answer.Problem!));
        if (layout.Length * sizeof(float) > PictureLimits.MaxFeatures)
        {
            throw new ServiceProblemException(422, $"These features of '{query.Model}' are {layout.Length * sizeof(float) >> 20} MiB a picture, and a service with a cluster answers at most {PictureLimits.MaxFeatures >> 20}; "
                + "ask for fewer levels or nodes.", SelectionFields.Extent(query.Selection));
        }
        if (_layouts.Count >= MaxLayouts)
            _layouts.Clear();
        _layouts[query] = layout;
        return layout;
    }

    public async Task<PictureFeatures> ComputeAsync(FeatureQuery query, ReadOnlyMemory<byte> picture, CancellationToken cancellation)
    {
        if (picture.Length > PictureLimits.MaxPicture)
            throw new ServiceProblemException(413, $"The picture's file has {picture.Length} bytes, and a service with a cluster takes at most {PictureLimits.MaxPicture}.");
        // Also makes sure that the answer is one that can be sent.
        await OpenAsync(query, cancellation);
        PictureQuery asked = Ask(query);
        byte[] bytes = picture.ToArray();
        PictureAnswer answer = await Call(c => Grain.Compute(asked, bytes, c), cancellation);
        float[] values = answer.Values ?? throw Problem(answer.Problem!);
        var features = new PictureFeatures(values.Length);
        values.CopyTo(features.Values);
        return features;
    }

    public ValueTask DisposeAsync() => cluster.DisposeAsync();

    private PictureQuery Ask(FeatureQuery query) => new(_setup, query.Model, SnakeCaseJson.Write(query.Selection));

    private static ServiceProblemException Problem(PictureProblem problem) => new(problem.Status, problem.Message, problem.Cause);

    private static async Task<T> Call<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellation)
    {
        // Three seconds in all: by then the client has noticed that a worker is gone.
        const int Attempts = 5;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await call(cancellation);
            }
            // A worker of another version may fail to read the message; the next one may be of this.
            catch (Exception e) when (e is OrleansException or TimeoutException or TypeLoadException && attempt < Attempts)
            {
                await Task.Delay(TimeSpan.FromSeconds(0.1 * (1 << attempt)), cancellation);
            }
            catch (Exception e) when (e is OrleansException or TimeoutException or TypeLoadException)
            {
                throw new ServiceProblemException(503, "The cluster's workers do not answer; try again.");
            }
        }
    }
}
