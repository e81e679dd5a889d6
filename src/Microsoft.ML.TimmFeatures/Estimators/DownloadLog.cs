using Backbones.Weights.Hub;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.TimmFeatures;

/// <summary>Writes the stages of a download to the context's log: what, how large, under which license and from where; what went wrong; where it is.</summary>
internal sealed class DownloadLog(FeaturizerHost host) : IProgress<DownloadProgress>
{
    public void Report(DownloadProgress value)
    {
        if (value.Stage == DownloadStage.Receiving)
            return;
        using IChannel? channel = host.StartChannel();
        if (value.Stage == DownloadStage.Retrying)
            channel?.Warning(MessageSensitivity.UserData, value.ToString());
        else
            channel?.Info(MessageSensitivity.UserData, value.ToString());
    }
}
