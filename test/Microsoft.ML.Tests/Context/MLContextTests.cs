using Microsoft.ML.Runtime;

namespace Microsoft.ML.Tests.Context;

[TestClass]
public class MLContextTests
{
    [TestMethod]
    public void LogTellsSourceAndSeverity()
    {
        var messages = new List<LoggingEventArgs>();
        var ml = new MLContext();
        ml.Log += (_, e) => messages.Add(e);
        IHostEnvironment env = ml;
        var host = env.Register("Trainer");
        using (var channel = host.Start("Training"))
        {
            channel.Info(MessageSensitivity.None, "epoch {0} of {1}", 1, 5);
            channel.Warning(MessageSensitivity.UserData, "odd");
        }
        Assert.AreEqual("[Source=Trainer; Training, Kind=Trace] Channel started", messages[0].Message);
        Assert.AreEqual("[Source=Trainer; Training, Kind=Info] epoch 1 of 5", messages[1].Message);
        Assert.AreEqual("epoch 1 of 5", messages[1].RawMessage);
        Assert.AreEqual(ChannelMessageKind.Warning, messages[2].Kind);
        Assert.AreEqual("Trainer; Training", messages[2].Source);
        StringAssert.StartsWith(messages[3].RawMessage, "Channel finished. Elapsed");
        Assert.AreEqual("Channel disposed", messages[4].RawMessage);
        Assert.AreEqual(5, messages.Count);
    }

    [TestMethod]
    public void ChannelCanBeDisposedTwice()
    {
        var messages = new List<string>();
        var ml = new MLContext();
        ml.Log += (_, e) => messages.Add(e.RawMessage);
        var channel = ((IHostEnvironment)ml).Start("Once");
        channel.Dispose();
        channel.Dispose();
        Assert.AreEqual(3, messages.Count);
    }

    [TestMethod]
    public void SeedMakesHostsRepeatable()
    {
        static int[] Draw(int? seed, int? own = null)
        {
            IHostEnvironment env = new MLContext(seed);
            var (first, second) = (env.Register("first", own), env.Register("second"));
            return [first.Rand.Next(), first.Rand.Next(1000), second.Rand.Next(-5, 5), second.Register("third").Rand.Next()];
        }

        CollectionAssert.AreEqual(Draw(7), Draw(7));
        CollectionAssert.AreNotEqual(Draw(7), Draw(8));
        Assert.AreEqual(Draw(null, 3)[0], Draw(null, 3)[0]);
        Assert.AreEqual("1752537088,466,-4,1920937266", string.Join(",", Draw(1)));
    }

    [TestMethod]
    public void RandomNumbersAreMLNets()
    {
        var rand = ((IHostEnvironment)new MLContext()).Register("rand", 42).Rand;
        var bytes = new byte[4];
        rand.NextBytes(bytes);
        Assert.AreEqual("1845107620 17 -7 0.8829880526755005 150,21,25,119", string.Join(" ", rand.Next(), rand.Next(100), rand.Next(-10, 10), rand.NextDouble(), string.Join(",", bytes)));
    }

    [TestMethod]
    public void DeviceSettings()
    {
        var ml = new MLContext();
        Assert.IsNull(ml.GpuDeviceId);
        Assert.IsFalse(ml.FallbackToCpu);
        (ml.GpuDeviceId, ml.FallbackToCpu) = (1, true);
        Assert.AreEqual(1, ml.GpuDeviceId);
        Assert.IsTrue(ml.FallbackToCpu);
        Assert.IsTrue(Directory.Exists(ml.TempFilePath));
    }

    [TestMethod]
    public void OptionsAreKeptByName()
    {
        var ml = new MLContext();
        Assert.IsTrue(ml.TryAddOption("a", 1));
        Assert.IsFalse(ml.TryAddOption("a", 2));
        Assert.IsTrue(ml.TryGetOption("a", out int value));
        Assert.AreEqual(1, value);
        Assert.IsFalse(ml.TryGetOption("a", out string _));
        ml.SetOption("a", 3);
        Assert.AreEqual(3, ml.GetOptionOrDefault<int>("a"));
        Assert.AreEqual(0, ml.GetOptionOrDefault<int>("b"));
        Assert.IsTrue(ml.TryGetOption("b", out int _));
        Assert.IsTrue(ml.RemoveOption("a"));
        Assert.IsFalse(ml.RemoveOption("a"));
        Assert.ThrowsExactly<ArgumentNullException>(() => ml.SetOption(" ", 1));
    }

    [TestMethod]
    public void ExceptionsSayWhoThrew()
    {
        IHostEnvironment env = new MLContext();
        Assert.AreEqual("Environment", env.Process(new InvalidOperationException()).Data["Throwing component"]);
        var channel = env.Register("Trainer").Start("Training");
        var error = channel.Process(new InvalidOperationException());
        Assert.AreEqual("Trainer", error.Data["Throwing component"]);
        Assert.AreEqual("Training", error.Data["Phase"]);
    }

    [TestMethod]
    public void ProgressChannelsCheckTheirUse()
    {
        var channel = ((IHostEnvironment)new MLContext()).StartProgressChannel("Training");
        channel.SetHeader(new ProgressHeader(["loss"], ["epochs"]), entry => entry.SetProgress(0, 1, 5));
        channel.Checkpoint(0.5, 1, 5);
        Assert.ThrowsExactly<InvalidOperationException>(() => channel.Checkpoint(1, 2, 3, 4));
        channel.Dispose();
        Assert.ThrowsExactly<InvalidOperationException>(() => channel.Checkpoint(0.5));
    }

    [TestMethod]
    public void HostsNeedAName()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ((IHostEnvironment)new MLContext()).Register(""));
    }
}
