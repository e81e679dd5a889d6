using Microsoft.Extensions.Logging;

namespace TimmFeatures.Service.Telemetry;

/// <summary>Warnings and errors, a line each, with the exception below where it is a defect.</summary>
internal sealed class LineLoggerProvider(TextWriter output) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new LineLogger(output, categoryName);

    public void Dispose()
    {
    }

    private sealed class LineLogger(TextWriter output, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
                return;
            string line = $"{(logLevel == LogLevel.Warning ? "Warning" : "Error")}: {formatter(state, exception).ReplaceLineEndings(" ")} ({category})";
            lock (output)
                output.WriteLine(exception is null ? line : $"{line}{Environment.NewLine}{exception}");
        }
    }
}
