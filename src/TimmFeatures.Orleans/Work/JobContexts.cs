using TimmFeatures.Orleans.Jobs;
using TimmFeatures.Extraction;

namespace TimmFeatures.Orleans.Work;

/// <summary>The jobs that a worker has open: the last few, because jobs take turns and a model takes time to open.</summary>
/// <param name="describe">Asks a job what it is pinned to.</param>
/// <param name="device">What the worker computes on.</param>
/// <param name="threads">Threads for one part.</param>
/// <param name="storages">Kinds of storages that the worker has.</param>
internal sealed class JobContexts(Func<string, Task<string>> describe, string device, int threads, IReadOnlyCollection<ObjectStorage> storages) : IDisposable
{
    private const int MaxOpen = 3;

    private readonly SemaphoreSlim _gate = new(1);
    private readonly List<Entry> _entries = [];

    private sealed class Entry(string job, JobContext context)
    {
        public string Job => job;

        public JobContext Context => context;

        public int Users { get; set; }
    }

    /// <summary>Opens a job, and uses it.</summary>
    /// <exception cref="RefusedException">This machine cannot do it.</exception>
    public async Task<T> Use<T>(string job, Func<JobContext, Task<T>> use, CancellationToken cancellation)
    {
        Entry entry = await Enter(job, cancellation);
        try
        {
            return await use(entry.Context);
        }
        finally
        {
            await _gate.WaitAsync(CancellationToken.None);
            entry.Users--;
            _gate.Release();
        }
    }

    public void Dispose()
    {
        foreach (Entry entry in _entries)
            entry.Context.Dispose();
        _gate.Dispose();
    }

    private async Task<Entry> Enter(string job, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        try
        {
            Entry? entry = _entries.Find(e => e.Job == job);
            if (entry is null)
            {
                foreach (Entry old in _entries.Where(e => e.Users == 0).Take(Math.Max(0, _entries.Count + 1 - MaxOpen)).ToArray())
                {
                    _entries.Remove(old);
                    old.Context.Dispose();
                }
                JobDescription description = SnakeCaseJson.Read<JobDescription>(await describe(job));
                entry = new Entry(job, await Task.Run(() => JobContext.Open(description, device, threads, storages), cancellation));
            }
            // The last used is the last to go.
            _entries.Remove(entry);
            _entries.Add(entry);
            entry.Users++;
            return entry;
        }
        finally
        {
            _gate.Release();
        }
    }
}
