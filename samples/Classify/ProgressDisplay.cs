using Microsoft.ML.TimmFeatures;

namespace Classify;

/// <summary>Shows how far featurizing has come: one line that is rewritten on a terminal, a line now and then elsewhere.</summary>
internal sealed class ProgressDisplay : IProgress<FeaturizationProgress>, IDisposable
{
    private readonly bool _terminal = !Console.IsOutputRedirected;
    private string _what = "pictures";
    private TimeSpan _shown = TimeSpan.FromSeconds(-1);
    private bool _open;

    public void Begin(string what)
    {
        Dispose();
        _what = what;
        _shown = TimeSpan.FromSeconds(-1);
    }

    public void Report(FeaturizationProgress value)
    {
        TimeSpan interval = _terminal ? TimeSpan.FromSeconds(0.1) : TimeSpan.FromSeconds(5);
        bool last = value.Rows == value.TotalRows;
        if (value.Elapsed - _shown < interval && !last)
            return;
        _shown = value.Elapsed;
        string line = $"  {_what}: {value.Rows}{(value.TotalRows is { } total ? $" of {total}" : "")}, {value.RowsPerSecond:0.0} images/s";
        if (_terminal)
        {
            Console.Write($"\r{line}   ");
            _open = true;
        }
        else
        {
            Console.WriteLine(line);
        }
    }

    public void Dispose()
    {
        if (_open)
            Console.WriteLine();
        _open = false;
    }
}
