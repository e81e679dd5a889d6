using System.Collections.Concurrent;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Joins cursors into one: each is read by a thread of its own, and the batches are put in order.</summary>
internal static class CursorConsolidator
{
    private const int BatchesAhead = 4;

    public static DataViewRowCursor Consolidate(IChannelProvider provider, DataViewRowCursor[] inputs)
    {
        var schema = inputs[0].Schema;
        int[] active = RowBatchReader.ActiveColumns(inputs[0]);
        var batches = new BlockingCollection<RowBatch>(BatchesAhead);
        var free = new ConcurrentBag<RowBatch>();
        var order = new BatchOrder(inputs.Length);
        bool stopped = false;

        var workers = new Task[inputs.Length];
        for (int i = 0; i < workers.Length; i++)
        {
            int worker = i;
            workers[i] = Task.Factory.StartNew(() => Read(worker), TaskCreationOptions.LongRunning);
        }
        return new RowBatchCursor(provider, schema, active, batches, free, Stop);

        void Read(int worker)
        {
            bool failed = false;
            try
            {
                using var cursor = inputs[worker];
                var rows = new RowBatchReader(cursor, free);
                long number = 0;
                while (!Volatile.Read(ref stopped) && cursor.MoveNext())
                {
                    if (rows.Count > 0 && cursor.Batch != number)
                        Push(rows);
                    if (rows.Count == 0)
                        order.Announce(worker, number = cursor.Batch);
                    rows.Add();
                }
                if (rows.Count > 0)
                    Push(rows);

                void Push(RowBatchReader rows)
                {
                    order.WaitForTurn(worker);
                    batches.Add(rows.Take(number));
                }
            }
            catch (Exception ex)
            {
                failed = true;
                batches.Add(new RowBatch([]) { Error = ex });
            }

            // The last worker ends the cursor, unless an error already does.
            if (order.Retire(worker))
            {
                if (!failed)
                    batches.Add(null);
                batches.CompleteAdding();
            }
        }

        void Stop()
        {
            Volatile.Write(ref stopped, true);
            foreach (var _ in batches.GetConsumingEnumerable())
            {
                // Makes room for the workers until they notice.
            }
            Task.WaitAll(workers);
        }
    }

    /// <summary>Lets workers hand over their batches in order: one may only when every other has announced a later one or has ended.</summary>
    private sealed class BatchOrder(int workers)
    {
        private const long Unknown = -1;
        private const long Ended = long.MaxValue;
        private readonly long[] _next = Enumerable.Repeat(Unknown, workers).ToArray();
        private int _running = workers;

        public void Announce(int worker, long number)
        {
            lock (_next)
            {
                _next[worker] = number;
                Monitor.PulseAll(_next);
            }
        }

        public void WaitForTurn(int worker)
        {
            lock (_next)
            {
                while (_next.Min() < _next[worker])
                    Monitor.Wait(_next);
            }
        }

        public bool Retire(int worker)
        {
            lock (_next)
            {
                _next[worker] = Ended;
                Monitor.PulseAll(_next);
                return --_running == 0;
            }
        }
    }
}
