namespace TimmFeatures.Cli.Commands.Cluster;

/// <summary>Lines that wait until it is known that there is something to tell of: what is refused is told of alone. Thread safe.</summary>
internal sealed class HeldLines(Action<string> write)
{
    private readonly Lock _gate = new();
    private List<string>? _held = [];

    public void Write(string line)
    {
        lock (_gate)
        {
            if (_held is null)
                write(line);
            else
                _held.Add(line);
        }
    }

    /// <summary>Writes what has waited, and what comes from now on at once.</summary>
    public void Release()
    {
        lock (_gate)
        {
            foreach (string line in _held ?? [])
                write(line);
            _held = null;
        }
    }
}
