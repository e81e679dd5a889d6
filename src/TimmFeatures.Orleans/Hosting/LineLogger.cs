using Microsoft.Extensions.Logging;

namespace TimmFeatures.Orleans.Hosting;

/// <summary>Our own words as lines; Orleans' only where they are asked for.</summary>
/// <param name="log">Gets the lines.</param>
/// <param name="verbose">Orleans' warnings, too.</param>
internal sealed class LineLoggerProvider(Action<string> log, bool verbose) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new LineLogger(log, categoryName, categoryName.StartsWith("TimmFeatures.", StringComparison.Ordinal) ? LogLevel.Information
        : verbose ? LogLevel.Warning : LogLevel.None);

    public void Dispose()
    {
    }

    private sealed class LineLogger(Action<string> log, string category, LogLevel least) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= least && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
                return;
            string line = formatter(state, exception);
            if (!category.StartsWith("TimmFeatures.", StringComparison.Ordinal))
                line = $"{category}: {line}{(exception is null ? "" : $" {exception.Message}")}";
            log(string.Join(' ', line.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)));
        }
    }
}
