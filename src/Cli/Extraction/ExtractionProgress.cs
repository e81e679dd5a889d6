using System.Diagnostics;
using System.Globalization;

namespace TimmFeatures.Cli.Extraction;

/// <summary>Tells how far an extraction is: a line that is rewritten where somebody looks, a line now and then elsewhere. Not thread safe.</summary>
/// <param name="terminal">Gets the lines, on standard error.</param>
/// <param name="total">All images.</param>
/// <param name="done">Images that were there when it began.</param>
internal sealed class ExtractionProgress(Terminal terminal, int total, int done)
{
    private readonly int _before = done;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly TimeSpan _interval = terminal.IsErrorShown ? TimeSpan.FromSeconds(0.2) : TimeSpan.FromSeconds(10);
    private TimeSpan _shown;
    private int _done = done;
    private int _width;

    /// <summary>Images in a second since it began.</summary>
    public double ImagesPerSecond => (_done - _before) / Math.Max(_watch.Elapsed.TotalSeconds, 1e-9);

    public TimeSpan Elapsed => _watch.Elapsed;

    /// <summary>More images are done.</summary>
    public void Add(int images)
    {
        _done += images;
        if (_watch.Elapsed - _shown < _interval)
            return;
        _shown = _watch.Elapsed;
        TimeSpan left = TimeSpan.FromSeconds((total - _done) / Math.Max(ImagesPerSecond, 1e-9));
        string line = string.Create(CultureInfo.InvariantCulture, $"{_done} of {total} images, {ImagesPerSecond:0.0} images/s, {Text(left)} left");
        if (!terminal.IsErrorShown)
        {
            terminal.Error.WriteLine(line);
            return;
        }
        terminal.Error.Write($"\r{line.PadRight(_width)}");
        _width = line.Length;
    }

    /// <summary>Leaves the line free for what comes next.</summary>
    public void End()
    {
        if (_width > 0)
            terminal.Error.Write($"\r{new string(' ', _width)}\r");
        _width = 0;
    }

    private static string Text(TimeSpan time) => time.TotalDays >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalDays} d {time.Hours} h")
        : time.TotalHours >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{time.Hours} h {time.Minutes:00} min")
        : time.TotalMinutes >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds:00} s")
        : string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(time.TotalSeconds):0} s");
}
