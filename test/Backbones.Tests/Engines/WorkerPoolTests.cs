using Backbones.Engines.Managed;

namespace Backbones.Tests.Engines;

[TestClass]
public sealed class WorkerPoolTests
{
    [TestMethod]
    public void EveryPieceRunsOnceAndNoTwoWithTheSameWorkerAtOnce()
    {
        WorkerPool pool = WorkerPool.Of(4);
        var work = new Counter(64, pool.Threads);
        for (int round = 1; round <= 500; round++)
        {
            int pieces = round % 64 + 1;
            work.Reset();
            pool.Run(work, pieces);
            for (int i = 0; i < 64; i++)
                Assert.AreEqual(i < pieces ? 1 : 0, work.Runs[i], $"round {round}, piece {i} of {pieces}");
        }
        Assert.IsFalse(work.Collision);
    }

    [TestMethod]
    public void SleepingWorkersWakeUp()
    {
        WorkerPool pool = WorkerPool.Of(3);
        var work = new Counter(30, pool.Threads);
        for (int round = 0; round < 5; round++)
        {
            Thread.Sleep(20);
            work.Reset();
            pool.Run(work, 30);
            Assert.AreEqual(30, work.Runs.Sum());
        }
    }

    [TestMethod]
    public void CallersAtTheSameTimeAllFinish()
    {
        WorkerPool pool = WorkerPool.Of(3);
        Parallel.For(0, 6, _ =>
        {
            var work = new Counter(40, pool.Threads);
            for (int round = 0; round < 100; round++)
            {
                work.Reset();
                pool.Run(work, 40);
                Assert.AreEqual(40, work.Runs.Sum());
            }
        });
    }

    [TestMethod]
    public void AnExceptionOfAPieceReachesTheCallerAndThePoolWorksOn()
    {
        foreach (int threads in (int[])[1, 3])
        {
            WorkerPool pool = WorkerPool.Of(threads);
            var failing = new Failing();
            for (int i = 0; i < 20; i++)
                Assert.AreEqual("piece 7", Assert.ThrowsExactly<InvalidOperationException>(() => pool.Run(failing, 20)).Message);
            var work = new Counter(20, threads);
            pool.Run(work, 20);
            Assert.AreEqual(20, work.Runs.Sum());
        }
    }

    [TestMethod]
    public void PostingAllocatesNothing()
    {
        WorkerPool pool = WorkerPool.Of(2);
        var work = new Counter(16, 2);
        pool.Run(work, 16);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            pool.Run(work, 16);
        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>The first pieces that two threads take are the first ones of the halves, so that in step after step a thread works on the same part of the map.</summary>
    [TestMethod]
    public void EveryWorkerBeginsWithItsOwnPartOfThePieces()
    {
        WorkerPool pool = WorkerPool.Of(2);
        using var both = new Barrier(2);
        int[] first = [-1, -1];
        pool.Run(new Pieces((index, worker) =>
        {
            if (first[worker] < 0)
            {
                first[worker] = index;
                Assert.IsTrue(both.SignalAndWait(s_deadlock), "no worker came");
            }
        }), 10);
        CollectionAssert.AreEqual((int[])[0, 5], first);
    }

    /// <summary>Each piece of a grid once, whatever its size; the ranges of the workers are whole rows where there are rows for all.</summary>
    [TestMethod]
    public void PiecesOfAGridHaveEachPlaceOnce()
    {
        foreach ((int rows, int columns, int threads) in ((int, int, int)[])[(1, 1, 1), (5, 3, 2), (4, 7, 2), (1, 9, 4), (3, 2, 8), (16, 5, 3), (2, 1, 2)])
        {
            (int Row, int Column)[] places = [.. Enumerable.Range(0, rows * columns).Select(i => Backbones.Engines.Managed.Pieces.Place(rows, columns, threads, i))];
            string grid = $"{rows}×{columns}, {threads} threads";
            CollectionAssert.AreEquivalent(Enumerable.Range(0, rows).SelectMany(r => Enumerable.Range(0, columns).Select(c => (r, c))).ToArray(), places, grid);
            if (rows % threads == 0)
                CollectionAssert.AreEqual(places.Select((_, i) => i / (places.Length / threads)).ToArray(), places.Select(p => p.Row / (rows / threads)).ToArray(), grid);
        }
    }

    /// <summary>A long job has all workers; another caller's job gets one as soon as a piece ends, though the long job has pieces left.</summary>
    [TestMethod]
    public void CallersAtTheSameTimeShareTheWorkers()
    {
        WorkerPool pool = WorkerPool.Of(3);
        using var allBusy = new CountdownEvent(3);
        using var secondPosted = new ManualResetEventSlim();
        using var secondHelped = new ManualResetEventSlim();
        int taken = 0;
        var first = new Pieces((_, _) =>
        {
            // The three pieces that run when the second caller comes end then; all later ones wait until it has had help.
            if (Interlocked.Increment(ref taken) <= 3)
            {
                allBusy.Signal();
                Expect(secondPosted);
            }
            else
            {
                Expect(secondHelped);
            }
        });
        var second = new Pieces((_, worker) =>
        {
            if (worker != 0)
            {
                secondHelped.Set();
                return;
            }
            secondPosted.Set();
            Expect(secondHelped);
        });
        Task caller = Task.Run(() => pool.Run(first, 40));
        Assert.IsTrue(allBusy.Wait(s_deadlock), "the first job did not get all threads");
        pool.Run(second, 2);
        caller.Wait();
        Assert.AreEqual(40, taken);

        static void Expect(ManualResetEventSlim step) => Assert.IsTrue(step.Wait(s_deadlock), "the second caller got no worker");
    }

    [TestMethod]
    public void APieceMayPostAJob()
    {
        WorkerPool pool = WorkerPool.Of(2);
        var inner = new Counter(10, pool.Threads);
        pool.Run(new Pieces((index, _) =>
        {
            if (index == 0)
                pool.Run(inner, 10);
        }), 4);
        Assert.AreEqual(10, inner.Runs.Sum());
    }

    /// <summary>The last piece waits until the system has put the caller to sleep: one that spins on would never be.</summary>
    [TestMethod]
    public void ACallerThatWaitsLongSleeps()
    {
        WorkerPool pool = WorkerPool.Of(2);
        Thread caller = Thread.CurrentThread;
        using var helping = new ManualResetEventSlim();
        bool slept = false;
        pool.Run(new Pieces((_, worker) =>
        {
            if (worker == 0)
            {
                Assert.IsTrue(helping.Wait(s_deadlock), "no worker came");
                return;
            }
            helping.Set();
            slept = SpinWait.SpinUntil(() => caller.ThreadState.HasFlag(ThreadState.WaitSleepJoin), s_deadlock);
        }), 2);
        Assert.IsTrue(slept);
    }

    /// <summary>Where the system keeps a worker on the caller's processor, another thread takes its place after its turn: here after each piece, as all say that they are on processor 0.</summary>
    [TestMethod]
    public void AWorkerOnTheCallersProcessorIsReplaced()
    {
        const int Rounds = 20;
        var pool = new WorkerPool(2, TimeSpan.Zero, TimeSpan.Zero, () => 0);
        var work = new Counter(64, pool.Threads);
        pool.Run(work, 64);
        Assert.HasCount(Rounds, ThreadsOfTheWorker(pool, Rounds));
        work.Reset();
        pool.Run(work, 64);
        Assert.AreEqual(64, work.Runs.Sum());
        Assert.IsFalse(work.Collision);
    }

    [TestMethod]
    public void AWorkerElsewhereOrNewToItsPlaceStays()
    {
        Assert.HasCount(1, ThreadsOfTheWorker(new WorkerPool(2, TimeSpan.Zero, TimeSpan.Zero, () => Environment.CurrentManagedThreadId), 20));
        Assert.HasCount(1, ThreadsOfTheWorker(new WorkerPool(2, TimeSpan.Zero, TimeSpan.MaxValue, () => 0), 20));
    }

    /// <summary>Threads that were the pool's one worker in jobs of two pieces, of which each runs one.</summary>
    private static HashSet<Thread> ThreadsOfTheWorker(WorkerPool pool, int jobs)
    {
        var threads = new HashSet<Thread>();
        using var helped = new AutoResetEvent(false);
        for (int i = 0; i < jobs; i++)
        {
            pool.Run(new Pieces((_, worker) =>
            {
                if (worker == 0)
                {
                    Assert.IsTrue(helped.WaitOne(s_deadlock), "no worker came");
                    return;
                }
                threads.Add(Thread.CurrentThread);
                helped.Set();
            }), 2);
        }
        return threads;
    }

    /// <summary>No measure of time: what would never end is a failure then.</summary>
    private static readonly TimeSpan s_deadlock = TimeSpan.FromMinutes(1);

    private sealed class Pieces(Action<int, int> run) : IParallelWork
    {
        public void Run(int index, int worker) => run(index, worker);
    }

    private sealed class Counter(int pieces, int workers) : IParallelWork
    {
        private readonly int[] _busy = new int[workers];

        public int[] Runs { get; } = new int[pieces];

        public bool Collision { get; private set; }

        public void Reset() => Array.Clear(Runs);

        public void Run(int index, int worker)
        {
            if (Interlocked.Increment(ref _busy[worker]) != 1)
                Collision = true;
            Interlocked.Increment(ref Runs[index]);
            Thread.SpinWait(20);
            Interlocked.Decrement(ref _busy[worker]);
        }
    }

    private sealed class Failing : IParallelWork
    {
        public void Run(int index, int worker)
        {
            if (index == 7)
                throw new InvalidOperationException("piece 7");
        }
    }
}
