using System.Diagnostics;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Tests;

[TestClass]
public sealed class MemoryTests
{
    private static readonly int s_rows = Environment.GetEnvironmentVariable("TIMM_FEATURES_TESTS") == "all" ? 10_000 : 1_000;
    private readonly MLContext _context = new(seed: 1);

    /// <summary>Rows cycle through the sample pictures: decoded from paths, loaded by ML.NET into an image column, and tiny images made row by row.</summary>
    [TestMethod]
    [DataRow("Path")]
    [DataRow("Loaded")]
    [DataRow("Image")]
    public void Memory_and_handles_stay_flat_over_many_rows(string input)
    {
        string[] pictures = [.. Samples.All.Select(p => Path.Combine(Samples.Pictures, p.Path))];
        IDataView data = input == "Image"
            ? _context.Data.LoadFromEnumerable(TinyRow.Many(s_rows))
            : _context.Data.LoadFromEnumerable(Enumerable.Range(0, s_rows).Select(i => new Picture { Path = pictures[i % pictures.Length] }));
        if (input == "Loaded")
            data = _context.Transforms.LoadImages("Loaded", "", "Path").Fit(data).Transform(data);
        using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("Features", input, Tiny.Options).Fit(data);
        IDataView view = transformer.Transform(data);
        using DataViewRowCursor cursor = view.GetRowCursor([view.Schema["Features"]]);
        ValueGetter<VBuffer<float>> getter = cursor.GetGetter<VBuffer<float>>(view.Schema["Features"]);
        VBuffer<float> value = default;
        var measured = new List<Counters>();
        int row = 0;
        while (cursor.MoveNext())
        {
            getter(ref value);
            if (++row % (s_rows / 10) == 0)
                measured.Add(Counters.Read());
        }
        Assert.AreEqual(s_rows, row);
        Console.WriteLine($"{input}, {s_rows} rows\n{string.Join('\n', measured)}");
        // The first two tenths are the warm-up. After it, a tenth of the pictures' pixels would take 9 MB and more; what is left are threads' and allocators' own ways.
        Counters early = measured[1];
        foreach (Counters later in measured.Skip(2))
        {
            Assert.IsLessThan(early.Managed + (8 << 20), later.Managed);
            Assert.IsLessThan(early.Handles + 8, later.Handles);
        }
    }

    [TestMethod]
    public void Cursors_that_are_opened_and_closed_leave_nothing_behind()
    {
        IDataView data = _context.Data.LoadFromEnumerable([.. TinyRow.Many(20)]);
        using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("Features", "Image", Tiny.Options with { BatchSize = 4 }).Fit(data);
        IDataView view = transformer.Transform(data);
        Open(20);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        int threads = ThreadPool.ThreadCount;
        Open(200);
        Assert.IsLessThan(before + (1 << 20), GC.GetTotalMemory(forceFullCollection: true));
        Assert.IsLessThan(threads + 16, ThreadPool.ThreadCount);

        void Open(int times)
        {
            for (int i = 0; i < times; i++)
            {
                using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
                for (int row = 0; row < i % 7; row++)
                    cursor.MoveNext();
            }
        }
    }

    /// <summary>What the process has: bytes of live objects, open handles (files and sockets on Linux).</summary>
    private sealed record Counters(long Managed, int Handles)
    {
        public static Counters Read()
        {
            for (int i = 0; i < 2; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
            using var process = Process.GetCurrentProcess();
            return new(GC.GetTotalMemory(forceFullCollection: true), process.HandleCount);
        }

        public override string ToString() => $"  managed {Managed / 1e6,6:0.0} MB, {Handles} handles";
    }
}
