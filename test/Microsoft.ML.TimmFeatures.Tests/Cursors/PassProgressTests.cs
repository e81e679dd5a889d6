using Microsoft.ML.TimmFeatures.Cursors;

namespace Microsoft.ML.TimmFeatures.Tests.Cursors;

[TestClass]
public sealed class PassProgressTests
{
    /// <summary>A callback that waits for another cursor of the pass, or moves one itself, gets its answer; reports stay in order and come one at a time.</summary>
    [TestMethod]
    public void A_callback_holds_up_no_other_cursor()
    {
        var told = new List<long>();
        PassProgress progress = null!;
        int depth = 0;
        progress = Create(report =>
        {
            Assert.AreEqual(1, ++depth);
            told.Add(report.Rows);
            if (told.Count == 1)
            {
                Assert.IsTrue(Task.Run(() => progress.Add(3, null)).Wait(TimeSpan.FromMinutes(1)));
                progress.Add(2, null);
            }
            depth--;
        });
        progress.Add(4, null);
        CollectionAssert.AreEqual(new long[] { 4, 7, 9 }, told);
    }

    [TestMethod]
    public void A_callback_that_throws_is_told_of_the_next_rows()
    {
        var told = new List<long>();
        PassProgress progress = Create(report =>
        {
            told.Add(report.Rows);
            if (report.Rows == 4)
                throw new NotSupportedException("Not this one.");
        });
        Assert.ThrowsExactly<NotSupportedException>(() => progress.Add(4, null));
        progress.Add(3, null);
        CollectionAssert.AreEqual(new long[] { 4, 7 }, told);
    }

    private static PassProgress Create(Action<FeaturizationProgress> report) => new(new PassSettings("model", new Callback(report), default), null, 4, cursors: 2);

    private sealed class Callback(Action<FeaturizationProgress> report) : IProgress<FeaturizationProgress>
    {
        public void Report(FeaturizationProgress value) => report(value);
    }
}
