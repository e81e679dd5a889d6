using System.Diagnostics;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Tests;

[TestClass]
public sealed class MemoryTests
{
    private static readonly int s_rows = Environment.GetEnvironmentVariable("TIMM_FEATURES_TESTS") == "all" ? 10_000 : 1_000;
    private readonly MLContext _context = new(seed: 1);

    [TestMethod]
    [DataRow("Image")]
    [DataRow("Path")]
    public void Memory_and_handles_stay_flat_over_many_rows(string input)
    {
        // The path rows read one JPEG again and again; the images are made row by row.
        string picture = Path.Combine(Samples.Pictures, Samples.Expected[0].Path);
        IDataView data = input == "Path"
            ? _context.Data.LoadFromEnumerable(Enumerable.Range(0, s_rows).Select(_ => new Picture { Path = picture }))
            : _context.Data.LoadFromEnumerable(TinyRow.Many(s_rows));
        using FeaturizerTransformer transformer = _context.Transforms.TimmFeatures("Features", input, Tiny.Options).Fit(data);
        IDataView view = transformer.Transform(data);
        using var process = Process.GetCurrentProcess();
        (long Managed, long Private, int Handles) early = default;
        int row = 0;
        using (DataViewRowCursor cursor = view.GetRowCursor([view.Schema["Features"]]))
        {
            ValueGetter<VBuffer<float>> getter = cursor.GetGetter<VBuffer<float>>(view.Schema["Features"]);
            VBuffer<float> value = default;
            while (cursor.MoveNext())
            {
                getter(ref value);
                if (++row == s_rows / 4)
                    early = Measure();
            }
            (long managed, long bytes, int handles) = Measure();
            Assert.AreEqual(s_rows, row);
            Console.WriteLine($"{input}: managed {early.Managed:n0} → {managed:n0}, private {early.Private:n0} → {bytes:n0}, handles {early.Handles} → {handles}");
            // Three quarters of the pictures' pixels would take 90 MB; the rest is what threads and the allocator keep.
            Assert.IsLessThan(early.Managed + (16 << 20), managed);
            Assert.IsLessThan(early.Private + (64 << 20), bytes);
            Assert.IsLessThan(early.Handles + 8, handles);
        }

        (long, long, int) Measure()
        {
            for (int i = 0; i < 2; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
            process.Refresh();
            return (GC.GetTotalMemory(forceFullCollection: true), process.PrivateMemorySize64 - GC.GetGCMemoryInfo().TotalCommittedBytes, process.HandleCount);
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
}
