using Backbones.Engines;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Tests;

/// <summary>What the MLContext and the options say about device, number format, messages, progress and cancellation.</summary>
[TestClass]
public sealed class EnvironmentTests
{
    private readonly MLContext _context = new(seed: 1);
    private readonly List<LoggingEventArgs> _messages = [];

    public EnvironmentTests() => _context.Log += (_, e) =>
    {
        lock (_messages)
            _messages.Add(e);
    };

    [TestMethod]
    public void A_device_that_is_not_there_is_an_error_or_a_warning()
    {
        IDataView data = Data(3);
        _context.FallbackToCpu = false;
        string message = Assert.ThrowsExactly<NotSupportedException>(() => Fit(data, Tiny.Options with { Device = "cuda:1" })).Message;
        StringAssert.Contains(message, "cuda:1");
        _context.GpuDeviceId = 0;
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => Fit(data, Tiny.Options)).Message, "cuda:0");
        using (FeaturizerTransformer cpu = Fit(data, Tiny.Options with { Device = "cpu" }))
            Assert.HasCount(3, Tiny.Read(cpu.Transform(data), null, "F"));
        Assert.IsEmpty(Warnings);

        _context.FallbackToCpu = true;
        using FeaturizerTransformer fallen = Fit(data, Tiny.Options);
        Assert.HasCount(3, Tiny.Read(fallen.Transform(data), null, "F"));
        StringAssert.Contains(Warnings.Single(), "in place of device 'cuda:0'");
    }

    [TestMethod]
    public void A_number_format_that_the_engine_has_not_is_an_error_or_a_warning()
    {
        IDataView data = Data(1);
        _context.FallbackToCpu = false;
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => Fit(data, Tiny.Options with { Precision = Precision.Float16 })).Message, "Float16");
        Fit(data, Tiny.Options with { Precision = Precision.Float32 }).Dispose();
        _context.FallbackToCpu = true;
        Fit(data, Tiny.Options with { Precision = Precision.BFloat16 }).Dispose();
        StringAssert.Contains(Warnings.Single(), "BFloat16");
    }

    /// <summary>On the version of ML.NET that is built with, everything has to be there. On another one, what is not there is said.</summary>
    [TestMethod]
    public void The_internals_of_ML_NET_that_are_reached_are_there_and_told_of_where_not()
    {
        Assert.IsEmpty(FeaturizerHost.Of(_context.Transforms).Missing);
        IDataView data = Data(1);
        using var file = new MemoryStream();
        using (FeaturizerTransformer fitted = Fit(data, Tiny.Options))
            _context.Model.Save(fitted, data.Schema, file);
        file.Position = 0;
        ((IDisposable)_context.Model.Load(file, out _)).Dispose();
        Assert.IsEmpty(Warnings, string.Join('\n', Warnings));

        var other = new FeaturizerHost(new EnvironmentOfAnotherVersion(_context));
        CollectionAssert.AreEquivalent(new[] { "IHostEnvironmentInternal.GpuDeviceId", "IHostEnvironmentInternal.FallbackToCpu", "ICancelable.IsCanceled" }, other.Missing);
        other.WarnOfMissing();
        StringAssert.Contains(Warnings.Single(), "has no IHostEnvironmentInternal.GpuDeviceId, IHostEnvironmentInternal.FallbackToCpu, ICancelable.IsCanceled");
        Assert.IsFalse(other.IsCanceled);
        Assert.AreEqual("cpu", other.EngineFor(Tiny.Options, warn: null).Device);
    }

    [TestMethod]
    public void A_registered_engine_is_used_by_the_name_of_its_device()
    {
        CountingEngine engine = CountingEngine.Create(out string device);
        IDataView data = Data(2);
        using FeaturizerTransformer transformer = Fit(data, Tiny.Options with { Device = device });
        Tiny.Read(transformer.Transform(data), null, "F");
        Assert.HasCount(1, engine.Batches);
    }

    [TestMethod]
    public void Progress_is_reported_and_throughput_is_logged()
    {
        var reports = new Reports();
        IDataView data = _context.Data.LoadFromEnumerable([.. TinyRow.Many(10)]);
        using FeaturizerTransformer transformer = Fit(data, Tiny.Options with { BatchSize = 4, Progress = reports });
        IDataView view = transformer.Transform(data);
        Tiny.Read(view, null, "F");
        CollectionAssert.AreEqual(new long[] { 4, 8, 10 }, reports.Select(r => r.Rows).ToArray());
        Assert.IsTrue(reports.All(r => r.TotalRows == 10 && r.Elapsed > TimeSpan.Zero && r.RowsPerSecond > 0));
        Assert.HasCount(1, _messages.Where(m => m.Message.Contains("10 of 10 rows") && m.Message.Contains("rows/s") && m.Source.Contains("TimmFeatures")).ToArray());

        reports.Clear();
        DataViewRowCursor[] cursors = view.GetRowCursorSet([view.Schema["F"]], 2);
        foreach (DataViewRowCursor cursor in cursors)
        {
            while (cursor.MoveNext())
            {
            }
            cursor.Dispose();
        }
        Assert.AreEqual(10, reports[^1].Rows);
        Assert.HasCount(2, _messages.Where(m => m.Message.Contains("10 of 10 rows")).ToArray());
    }

    [TestMethod]
    public void A_pass_can_be_cancelled_between_and_within_batches()
    {
        foreach (bool within in new[] { false, true })
        {
            CountingEngine engine = CountingEngine.Create(out string device);
            using var source = new CancellationTokenSource();
            IDataView data = Data(100);
            using FeaturizerTransformer transformer = Fit(data, Tiny.Options with { BatchSize = 4, Device = device, Cancellation = source.Token });
            IDataView view = transformer.Transform(data);
            using DataViewRowCursor cursor = view.GetRowCursor([view.Schema["F"]]);
            Assert.IsTrue(cursor.MoveNext());
            if (within)
                engine.OnRun = source.Cancel;
            else
                source.Cancel();
            AssertCancelled(cursor);
        }
    }

    [TestMethod]
    public void Cancelling_the_context_ends_its_passes()
    {
        IDataView data = Data(100);
        using FeaturizerTransformer transformer = Fit(data, Tiny.Options with { BatchSize = 4 });
        IDataView view = transformer.Transform(data);
        using DataViewRowCursor cursor = view.GetRowCursor([view.Schema["F"]]);
        Assert.IsTrue(cursor.MoveNext());
        typeof(MLContext).GetMethod("CancelExecution", System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic)!.Invoke(_context, null);
        AssertCancelled(cursor);
        // Later passes are others' work: AutoML's best model comes from a context that was cancelled.
        using DataViewRowCursor later = view.GetRowCursor([view.Schema["F"]]);
        Assert.IsTrue(later.MoveNext());
        VBuffer<float> values = default;
        later.GetGetter<VBuffer<float>>(view.Schema["F"])(ref values);
        Assert.IsFalse(values.GetValues().IsEmpty);
    }

    [TestMethod]
    public void Nothing_waits_for_a_slow_source_after_early_disposal_but_the_row_under_way()
    {
        int read = 0;
        IDataView data = _context.Data.LoadFromEnumerable(TinyRow.Many(1000).Select(r =>
        {
            if (Interlocked.Increment(ref read) > 4)
                Thread.Sleep(20);
            return r;
        }));
        using FeaturizerTransformer transformer = Fit(data, Tiny.Options with { BatchSize = 4 });
        IDataView view = transformer.Transform(data);
        using (DataViewRowCursor cursor = view.GetRowCursor([view.Schema["F"]]))
            Assert.IsTrue(cursor.MoveNext());
        int after = read;
        Thread.Sleep(60);
        Assert.AreEqual(after, read);
    }

    private static void AssertCancelled(DataViewRowCursor cursor)
    {
        int rows = 1;
        Assert.Throws<OperationCanceledException>(() =>
        {
            while (cursor.MoveNext())
                rows++;
        });
        Assert.IsLessThanOrEqualTo(8, rows);
        Assert.IsFalse(cursor.MoveNext());
    }

    private IEnumerable<string> Warnings => _messages.Where(m => m.Kind.ToString() == "Warning").Select(m => m.Message);

    private IDataView Data(int rows) => _context.Data.LoadFromEnumerable(TinyRow.Many(rows));

    private FeaturizerTransformer Fit(IDataView data, FeaturizerOptions options) => _context.Transforms.TimmFeatures("F", "Tensor", options).Fit(data);

    private sealed class Reports : List<FeaturizationProgress>, IProgress<FeaturizationProgress>
    {
        public void Report(FeaturizationProgress value) => Add(value);
    }

    /// <summary>An environment without any of the internal interfaces.</summary>
    private sealed class EnvironmentOfAnotherVersion(IHostEnvironment real) : IHostEnvironment
    {
        public string ContextDescription => real.ContextDescription;

        public ComponentCatalog ComponentCatalog => real.ComponentCatalog;

        public IHost Register(string name, int? seed = null, bool? verbose = null) => real.Register(name, seed, verbose);

        public IChannel Start(string name) => real.Start(name);

        public IPipe<TMessage> StartPipe<TMessage>(string name) => real.StartPipe<TMessage>(name);

        public IProgressChannel StartProgressChannel(string name) => real.StartProgressChannel(name);

        public TException Process<TException>(TException ex) where TException : Exception => real.Process(ex);
    }
}
