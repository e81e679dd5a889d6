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
