using Backbones.Graphs;
using Microsoft.ML.OnnxRuntime;

namespace Bench;

/// <summary>An ONNX file in ONNX Runtime, in this process, on the CPU.</summary>
internal sealed class OnnxRuntimeModel : IDisposable
{
    private static readonly RunOptions s_run = new();

    private readonly InferenceSession _session;

    /// <param name="path">The file.</param>
    /// <param name="threads">Threads of one run.</param>
    /// <exception cref="OnnxRuntimeException">ONNX Runtime refuses the model; the message is its.</exception>
    public OnnxRuntimeModel(string path, int threads)
    {
        using var options = new SessionOptions { IntraOpNumThreads = threads, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        _session = new InferenceSession(path, options);
    }

    /// <summary>Runs one batch.</summary>
    /// <param name="batch">Number of items.</param>
    /// <param name="shape">Shape of one item.</param>
    /// <param name="input"><c>[batch, shape…]</c>.</param>
    public IReadOnlyList<OnnxRuntimeOutput> Run(int batch, Shape shape, float[] input)
    {
        using OrtValue value = OrtValue.CreateTensorValueFromMemory(input, [batch, .. shape.Select(d => (long)d)]);
        using IDisposableReadOnlyCollection<OrtValue> outputs = _session.Run(s_run, _session.InputNames, [value], _session.OutputNames);
        return [.. outputs.Select((o, i) => new OnnxRuntimeOutput(
            _session.OutputNames[i], [.. o.GetTensorTypeAndShape().Shape.Select(d => (int)d)], o.GetTensorDataAsSpan<float>().ToArray()))];
    }

    /// <summary>Runs one batch without taking the outputs out of ONNX Runtime's memory: for large ones that takes as long as an operator.</summary>
    /// <inheritdoc cref="Run"/>
    public void RunInPlace(int batch, Shape shape, float[] input)
    {
        using OrtValue value = OrtValue.CreateTensorValueFromMemory(input, [batch, .. shape.Select(d => (long)d)]);
        using IDisposableReadOnlyCollection<OrtValue> outputs = _session.Run(s_run, _session.InputNames, [value], _session.OutputNames);
    }

    public void Dispose() => _session.Dispose();
}

/// <summary>One output.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Shape">The whole shape, with the batch.</param>
/// <param name="Values">Row-major.</param>
internal sealed record OnnxRuntimeOutput(string Name, int[] Shape, float[] Values);
