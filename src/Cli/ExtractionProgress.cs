using System.Diagnostics;
using TimmFeatures.Extraction;

namespace TimmFeatures.Cli;

/// <summary>Tells how far an extraction is: a line that is rewritten where somebody looks, a line now and then elsewhere. Not thread safe.</summary>
/// <param name="terminal">Gets the lines, on standard error.</param>
internal sealed class ExtractionProgress(Terminal terminal) : IExtractionProgress
{
    private readonly TimeSpan _interval = terminal.IsErrorShown ? TimeSpan.FromSeconds(0.2) : TimeSpan.FromSeconds(10);
    private readonly Stopwatch _watch = new();
    private TimeSpan _shown;
    private int _total, _before, _done;
    private int _width;

    public void Begin(int total, int before)
    {
        (_total, _before, _done, _shown) = (total, before, before, TimeSpan.Zero);
        _watch.Restart();
    }

    public void Add(int images)
    {
        _done += images;
        if (_watch.Elapsed - _shown < _interval)
            return;
        _shown = _watch.Elapsed;
        double imagesPerSecond = (_done - _before) / Math.Max(_watch.Elapsed.TotalSeconds, 1e-9);
        TimeSpan left = TimeSpan.FromSeconds((_total - _done) / Math.Max(imagesPerSecond, 1e-9));
        string line = $"{_done} of {_total} images, {imagesPerSecond:0.0} images/s, {Text(left)} left";
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

    private static string Text(TimeSpan time) => time.TotalDays >= 1 ? $"{(int)time.TotalDays} d {time.Hours} h"
        : time.TotalHours >= 1 ? $"{time.Hours} h {time.Minutes:00} min"
        : time.TotalMinutes >= 1 ? $"{time.Minutes} min {time.Seconds:00} s"
        : $"{Math.Ceiling(time.TotalSeconds):0} s";
}
