using Backbones.Engines.Managed;

namespace Backbones.Tests.Engines;

[TestClass]
public sealed class PackingTests
{
    /// <summary>Plans that are made on all threads of the pool would wait for each other until the pool has many more.</summary>
    [TestMethod]
    public void WhatNoThreadHasBegunIsPackedByWhoWaits()
    {
        using var release = new ManualResetEventSlim();
        Task[] busy = [.. Enumerable.Range(0, 500).Select(_ => Task.Run(release.Wait))];
        var packing = new Packing();
        int packed = 0;
        packing.For(50, _ => Interlocked.Increment(ref packed));
        packing.Wait();
        Assert.AreEqual(50, packed);
        release.Set();
        Task.WaitAll(busy);
    }

    [TestMethod]
    public void AnErrorIsThrownWhenNothingIsPackedAnyMoreAndOnce()
    {
        var packing = new Packing();
        int packed = 0;
        for (int i = 0; i < 100; i++)
        {
            packing.For(20, part => _ = part == 7 ? throw new InvalidDataException("seven") : Interlocked.Increment(ref packed));
            if (i % 2 == 0)
                Assert.ThrowsExactly<InvalidDataException>(() => packing.Wait());
            else
                packing.Wait(ignoreErrors: true);
            Assert.AreEqual(19 * (i + 1), packed);
            packing.Wait();
        }
    }
}
