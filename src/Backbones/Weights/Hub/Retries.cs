using Polly;
using Polly.Retry;

namespace Backbones.Weights.Hub;

/// <summary>Tries again what may succeed a little later: after 1, 2, 4, 8, 8 seconds, more or less, or when the server says.</summary>
internal static class Retries
{
    /// <summary>Tries after the first one.</summary>
    public const int Max = 5;

    public static ResiliencePipeline Create(TimeProvider clock, Action<DownloadException> onRetry) => new ResiliencePipelineBuilder { TimeProvider = clock }
        .AddRetry(new RetryStrategyOptions
        {
            MaxRetryAttempts = Max,
            Delay = TimeSpan.FromSeconds(1),
            MaxDelay = TimeSpan.FromSeconds(8),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is DownloadException { IsTransient: true }),
            DelayGenerator = arguments => ValueTask.FromResult((arguments.Outcome.Exception as DownloadException)?.RetryAfter),
            OnRetry = arguments =>
            {
                onRetry((DownloadException)arguments.Outcome.Exception!);
                return ValueTask.CompletedTask;
            },
        })
        .Build();
}
