using System.Collections.Concurrent;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Distributes the rows of a cursor over several: one thread reads it ahead, batch by batch, and whoever is free takes the next batch.</summary>
internal static class CursorSplitter
{
    private const int RowsPerBatch = 128;
    private const int BatchesAhead = 4;

    public static DataViewRowCursor[] Split(IChannelProvider provider, DataViewRowCursor input, int count)
    {
        var schema = input.Schema;
        int[] active = RowBatchReader.ActiveColumns(input);
        var batches = new BlockingCollection<RowBatch>(BatchesAhead);
        var free = new ConcurrentBag<RowBatch>();
        bool stopped = false;
        int running = count;

        var reader = Task.Factory.StartNew(Read, TaskCreationOptions.LongRunning);
        return [.. Enumerable.Range(0, count).Select(_ => new RowBatchCursor(provider, schema, active, batches, free, StopOne))];

        void Read()
        {
            RowBatch last = null;
            try
            {
                using (input)
                {
                    var rows = new RowBatchReader(input, free);
                    long number = 0;
                    while (!Volatile.Read(ref stopped) && input.MoveNext())
                    {
                        rows.Add();
                        if (rows.Count == RowsPerBatch)
                            batches.Add(rows.Take(number++));
                    }
                    if (rows.Count > 0)
                        batches.Add(rows.Take(number));
                }
            }
            catch (Exception ex)
            {
                last = new RowBatch([]) { Error = ex };
            }

            // One cursor gets the error, the others just end.
            batches.Add(last);
            for (int i = 1; i < count; i++)
                batches.Add(null);
            batches.CompleteAdding();
        }

        void StopOne()
        {
            if (Interlocked.Decrement(ref running) > 0)
                return;
            Volatile.Write(ref stopped, true);
            foreach (var _ in batches.GetConsumingEnumerable())
            {
                // Makes room for the reader until it notices.
            }
            reader.Wait();
        }
    }
}
