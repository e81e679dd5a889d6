using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Classify;

/// <summary>Loads a saved pipeline, with nothing registered by hand, and predicts.</summary>
internal static class PredictionJob
{
    public static int Run(string modelPath, string listPath)
    {
        var context = new MLContext();
        ITransformer model = context.Model.Load(modelPath, out _);
        IDataView data = context.Data.LoadFromEnumerable(File.ReadAllLines(listPath).Select(p => new Picture { Path = p }));
        foreach (string label in model.Transform(data).GetColumn<string>("PredictedLabel"))
            Console.WriteLine(label);
        return 0;
    }

    /// <summary>Starts this program anew to load the model and predict.</summary>
    public static string[] InNewProcess(string modelPath, IEnumerable<string> paths)
    {
        string list = Path.GetTempFileName();
        File.WriteAllLines(list, paths);
        try
        {
            return Predict(modelPath, list);
        }
        finally
        {
            File.Delete(list);
        }
    }

    private static string[] Predict(string modelPath, string list)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        // Under 'dotnet Classify.dll' the process is the host, which needs the program's path.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(PredictionJob).Assembly.Location);
        foreach (string argument in (string[])["predict", modelPath, list])
            start.ArgumentList.Add(argument);
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("The new process did not start.");
        string[] labels = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        process.WaitForExit();
        return process.ExitCode == 0 ? labels : throw new InvalidOperationException($"The new process could not predict (exit code {process.ExitCode}).");
    }
}
