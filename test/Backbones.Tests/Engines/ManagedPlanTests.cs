using System.Buffers;
using System.Runtime.CompilerServices;
using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Graphs;

namespace Backbones.Tests.Engines;

[TestClass]
public sealed class ManagedPlanTests
{
    [TestMethod]
    public void SteadyStateAllocatesNothing()
    {
        using IPlan plan = new ManagedEngine().Compile(Network(), new RandomParameters(1), new EngineOptions { Threads = 2 });
        foreach (int batch in (int[])[1, 4])
        {
            var input = new float[batch * plan.Graph.Inputs[0].Shape.Length];
            ReadOnlyMemory<float>[] inputs = [input];
            Memory<float>[] outputs = [.. plan.Graph.Outputs.Select(o => new Memory<float>(new float[batch * o.Shape.Length]))];
            for (int i = 0; i < 3; i++)
                plan.Run(batch, inputs, outputs);
            long here = long.MaxValue, everywhere = long.MaxValue;
            // Other threads of the test host allocate now and then; a step that did so would show in every attempt.
            for (int attempt = 0; attempt < 10; attempt++)
            {
                long thread = GC.GetAllocatedBytesForCurrentThread(), all = GC.GetTotalAllocatedBytes(precise: true);
                for (int i = 0; i < 10; i++)
                    plan.Run(batch, inputs, outputs);
                here = Math.Min(here, GC.GetAllocatedBytesForCurrentThread() - thread);
                everywhere = Math.Min(everywhere, GC.GetTotalAllocatedBytes(precise: true) - all);
            }
            Assert.AreEqual(0, here, $"on the calling thread, batch {batch}");
            Assert.AreEqual(0, everywhere, $"on all threads, batch {batch}");
        }
    }

    [TestMethod]
    public void RunsAtTheSameTimeGiveTheSameResults()
    {
        Graph graph = Network();
        using IPlan plan = new ManagedEngine().Compile(graph, new RandomParameters(1), new EngineOptions { Threads = 3 });
        float[][] inputs = [.. Enumerable.Range(0, 6).Select(i => RandomParameters.Values((i % 3 + 1) * (int)graph.Inputs[0].Shape.Length, i))];
        float[][][] expected = [.. inputs.Select((x, i) => EngineComparison.Run(plan, i % 3 + 1, [x]))];
        Parallel.For(0, 30, new ParallelOptions { MaxDegreeOfParallelism = 6 }, run =>
        {
            int i = run % inputs.Length;
            float[][] actual = EngineComparison.Run(plan, i % 3 + 1, [inputs[i]]);
            for (int o = 0; o < actual.Length; o++)
                CollectionAssert.AreEqual(expected[i][o], actual[o]);
        });
    }

    [TestMethod]
    public void ResultsAreTheSameBitsForAnyNumberOfThreads()
    {
        Graph graph = Network();
        float[] input = RandomParameters.Values(5 * (int)graph.Inputs[0].Shape.Length, 3);
        float[][]? expected = null;
        foreach (int threads in (int[])[1, 2, 3, 7])
        {
            using IPlan plan = new ManagedEngine().Compile(graph, new RandomParameters(1), new EngineOptions { Threads = threads });
            float[][] actual = EngineComparison.Run(plan, 5, [input]);
            expected ??= actual;
            for (int o = 0; o < actual.Length; o++)
                Assert.IsTrue(expected[o].AsSpan().SequenceEqual(actual[o]), $"output {o} with {threads} threads");
        }
    }

    [TestMethod]
    public void MemoryOfRunsAtTheSameTimeDoesNotStay()
    {
        Graph graph = Network();
        using var plan = (ManagedPlan)new ManagedEngine().Compile(graph, new RandomParameters(1), new EngineOptions { Threads = 2 });
        const int callers = 4;
        RunTogether(plan, callers);
        Assert.IsGreaterThan(1, plan.IdleContexts);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.AreEqual(1, plan.IdleContexts);
        RunTogether(plan, callers);
    }

    /// <summary>Runs that all hold their memory at once: each goes on only when all have come to the caller's buffers.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RunTogether(IPlan plan, int callers)
    {
        using var together = new Barrier(callers);
        Thread[] threads = [.. Enumerable.Range(0, callers).Select(_ => new Thread(() =>
        {
            using var input = new MeetingMemory((int)plan.Graph.Inputs[0].Shape.Length, together);
            Memory<float>[] outputs = [.. plan.Graph.Outputs.Select(o => new Memory<float>(new float[o.Shape.Length]))];
            plan.Run(1, [input.Memory], outputs);
        }))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
    }

    /// <summary>An array that waits for others of its kind when it is pinned.</summary>
    private sealed class MeetingMemory(int length, Barrier meeting) : MemoryManager<float>
    {
        private readonly float[] _values = new float[length];

        public override Span<float> GetSpan() => _values;

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            meeting.SignalAndWait();
            return _values.AsMemory(elementIndex).Pin();
        }

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }

    /// <summary>What a service counts before it loads another model: weights first of all, and a run's maps for each item.</summary>
    [TestMethod]
    public void APlansMemoryCountsItsWeightsAndTheRunsMaps()
    {
        var b = new GraphBuilder([512, 6, 6]);
        Graph graph = b.Build(b.Conv2d("conv2", b.Act("act", b.Conv2d("conv1", b.Input, 512, 1), UnaryKind.Relu), 512, 1));
        long weights = 2 * 512 * 512, map = 512 * 6 * 6;
        foreach ((Precision precision, int bytes) in ((Precision, int)[])[(Precision.Float32, 4), (Precision.Float16Weights, 2)])
        {
            using IPlan plan = new ManagedEngine().Compile(graph, new RandomParameters(1), new EngineOptions { Threads = 2, Precision = precision });
            long one = ((IMeasuredPlan)plan).MemoryBytes(1), nine = ((IMeasuredPlan)plan).MemoryBytes(9);
            Assert.IsTrue(one >= weights * bytes + map * 4 && one < weights * bytes * 1.2 + 2_000_000, $"{precision}: {one} bytes");
            Assert.IsTrue(nine - one >= 8 * map * 4, $"{precision}: {nine} bytes");
        }
    }

    [TestMethod]
    public void AnArenasBuffersAreZeroedApartAndOnBoundaries()
    {
        using var arena = new NativeArena();
        var buffers = new List<AlignedBuffer>();
        foreach (long length in (long[])[0, 1, 17, 100_000, 3, 700_000, 5, 2_000_000, 64])
        {
            var buffer = new AlignedBuffer(length, arena);
            unsafe
            {
                Assert.AreEqual(0, (nint)buffer.Pointer % 64);
            }
            Assert.AreEqual(-1, buffer.Span.IndexOfAnyExcept(0f), $"{length} floats");
            buffer.Span.Fill(length + 1);
            buffers.Add(buffer);
        }
        foreach (AlignedBuffer buffer in buffers)
            Assert.AreEqual(-1, buffer.Span.IndexOfAnyExcept((float)(buffer.Length + 1)), $"{buffer.Length} floats");
        Assert.AreEqual(buffers.Sum(b => NativeArena.BytesOf(b.Length)), arena.Used);
        buffers[0].Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => buffers[0].Span.Length);
    }

    [TestMethod]
    public void AnItemsResultDoesNotDependOnItsBatch()
    {
        Graph graph = Network();
        using IPlan plan = new ManagedEngine().Compile(graph, new RandomParameters(1), new EngineOptions { Threads = 2 });
        int length = (int)graph.Inputs[0].Shape.Length;
        float[] input = RandomParameters.Values(37 * length, 5);
        float[][] all = EngineComparison.Run(plan, 37, [input]);
        foreach (int item in (int[])[0, 17, 36])
        {
            float[][] alone = EngineComparison.Run(plan, 1, [input[(item * length)..((item + 1) * length)]]);
            for (int o = 0; o < alone.Length; o++)
                Assert.IsTrue(EngineComparison.RelativeError(alone[o], all[o][(item * alone[o].Length)..((item + 1) * alone[o].Length)]) < 1e-6, $"item {item}, output {o}");
        }
    }

    [TestMethod]
    public void ConcatenationsShareTheirPartsMemory()
    {
        foreach (int growth in (int[])[16, 5])
        {
            // Dense layers, a concatenation in a concatenation, a part used twice, the input as a part.
            var b = new GraphBuilder([3, 8, 7]);
            var features = new List<Node> { b.Conv2d("conv0", b.Input, 20, 3, padding: 1) };
            for (int i = 1; i < 5; i++)
            {
                Node x = i == 1 ? features[0] : b.Concat(0, [.. features]);
                x = b.Act($"act{i}", b.BatchNorm($"bn{i}", x), UnaryKind.Relu);
                features.Add(b.Conv2d($"conv{i}", x, growth, 3, padding: 1));
            }
            Node dense = b.Concat(0, [.. features]);
            Node pooled = b.MaxPool2d("pool", features[2], 3, 1, 1);
            Node inner = b.Concat(0, [features[1], pooled]);
            Node outer = b.Concat(0, [inner, b.Input, features[1], features[1], b.Parameter("constant", [2, 8, 7])]);
            Node other = b.Concat(0, [dense, b.Affine(dense, 2), pooled]);
            EngineComparison.Check(b.Build(dense, outer, other, inner), 3, what: $"growth {growth}");
        }
    }

    [TestMethod]
    public void WrongBuffersAreRefusedByName()
    {
        using IPlan plan = new ManagedEngine().Compile(Network(), new RandomParameters(1), EngineOptions.Default);
        Memory<float>[] outputs = [.. plan.Graph.Outputs.Select(o => new Memory<float>(new float[o.Shape.Length]))];
        string message = Assert.ThrowsExactly<ArgumentException>(() => plan.Run(1, [new float[5]], outputs)).Message;
        StringAssert.Contains(message, "'x' [3, 40, 36] with batch 1 needs 4320 values, received 5");
    }

    [TestMethod]
    public void AnImpossibleNumberOfThreadsIsRefused()
    {
        foreach (int threads in (int[])[-1, 100_000])
        {
            string message = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
                () => new ManagedEngine().Compile(Network(), new RandomParameters(1), new EngineOptions { Threads = threads })).Message;
            StringAssert.Contains(message, $"Threads is {threads}; valid values are 0 (all cores) to 1024.");
        }
    }

    [TestMethod]
    public void CancellationStopsARun()
    {
        using IPlan plan = new ManagedEngine().Compile(Network(), new RandomParameters(1), EngineOptions.Default);
        Memory<float>[] outputs = [.. plan.Graph.Outputs.Select(o => new Memory<float>(new float[o.Shape.Length]))];
        float[] input = new float[plan.Graph.Inputs[0].Shape.Length];
        Assert.ThrowsExactly<OperationCanceledException>(() => plan.Run(1, [input], outputs, new CancellationToken(true)));
        plan.Run(1, [input], outputs);
    }

    [TestMethod]
    public void ADisposedPlanSaysSo()
    {
        IPlan plan = new ManagedEngine().Compile(Network(), new RandomParameters(1), EngineOptions.Default);
        Memory<float>[] outputs = [.. plan.Graph.Outputs.Select(o => new Memory<float>(new float[o.Shape.Length]))];
        plan.Dispose();
        plan.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => plan.Run(1, [new float[plan.Graph.Inputs[0].Shape.Length]], outputs));
    }

    [TestMethod]
    public void OutputsMayBeInputsViewsAndTheSameNodeTwice()
    {
        var b = new GraphBuilder([4, 6, 5]);
        Node x = b.Conv2d("conv", b.Input, 8, 3, padding: 1);
        Node permuted = b.Permute(x, [1, 2, 0]);
        EngineComparison.Check(b.Build(x, permuted, x, b.Slice(permuted, 2, 1, 3), b.Reshape(x, [240]), b.Input));
    }

    /// <summary>Something of every kind of kernel: convolutions, squeeze and excite, tokens, attention.</summary>
    private static Graph Network()
    {
        var b = new GraphBuilder([3, 40, 36]);
        Node x = b.Act("act1", b.BatchNorm("bn1", b.Conv2d("conv1", b.Input, 32, 7, 2, 3)), UnaryKind.Relu);
        x = b.MaxPool2d("maxpool", x, 3, 2, 1);
        Node y = b.Act("act2", b.BatchNorm("bn2", b.Conv2d("conv2", x, 32, 3, padding: 1)), UnaryKind.Silu);
        y = b.BatchNorm("bn3", b.Conv2d("conv3", y, 32, 3, padding: 1, groups: 32));
        Node gate = b.Act("gate", b.Conv2d("fc2", b.Act("act3", b.Conv2d("fc1", b.Reduce(y, ReduceKind.Mean, [1, 2], true), 8, 1, bias: true), UnaryKind.Relu), 32, 1, bias: true), UnaryKind.Sigmoid);
        x = b.Act("act4", b.Add(b.Multiply(y, gate), x), UnaryKind.Relu);
        x = b.Act("act6", b.GroupNorm("gn", x, 4), UnaryKind.Relu);
        Node splits = b.Reshape(x, [2, 16, x.Shape[1], x.Shape[2]]);
        Node share = b.Softmax(b.Reduce(b.Reduce(splits, ReduceKind.Sum, [1]), ReduceKind.Mean, [1, 2], keepDims: true), 0);
        x = b.Concat(0, [b.Reduce(b.Multiply(splits, b.Reshape(share, [2, 1, 1, 1])), ReduceKind.Sum, [0]), x, b.AvgPool2d("pool", b.Slice(x, 0, 0, 16), 3, 1, 1)]);
        Node tokens = b.LayerNorm("norm", b.Transpose(b.Flatten(x, 1), 0, 1));
        int length = tokens.Shape[0];
        Node qkv = b.Permute(b.Reshape(b.Linear("qkv", tokens, 192), [length, 3, 2, 32]), [1, 2, 0, 3]);
        Node Part(int i) => b.Reshape(b.Slice(qkv, 0, i, 1), [2, length, 32]);
        Node attended = b.Reshape(b.Transpose(b.Attention(Part(0), Part(1), Part(2)), 0, 1), [length, 64]);
        tokens = b.Add(tokens, b.Linear("proj", attended, 64));
        tokens = b.Add(tokens, b.Linear("mlp2", b.Act("act5", b.Linear("mlp1", tokens, 128), UnaryKind.Gelu), 64));
        return b.Build(b.Linear("head", b.Reduce(tokens, ReduceKind.Mean, [0]), 10), x);
    }
}
