using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Weights;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace TimmFeatures.Service.Http;

/// <summary>The forms in which features are answered, and which of them a client wants.</summary>
internal static class FeatureAnswers
{
    public const string Json = "application/json", Npy = "application/x-npy", Safetensors = "application/x-safetensors", Binary = "application/octet-stream";

    /// <summary>What the request accepts, best first; JSON where it says nothing.</summary>
    /// <exception cref="ServiceProblemException">406: nothing that there is.</exception>
    public static string TypeFor(HttpRequest request)
    {
        if (request.Headers.Accept.Count == 0 || !MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out IList<MediaTypeHeaderValue>? accepted) || accepted.Count == 0)
            return Json;
        foreach (MediaTypeHeaderValue wanted in accepted.OrderByDescending(a => a.Quality ?? 1))
        {
            if (((string[])[Json, Npy, Safetensors, Binary]).FirstOrDefault(t => new MediaTypeHeaderValue(t).IsSubsetOf(wanted)) is { } type && wanted.Quality != 0)
                return type;
        }
        throw new ServiceProblemException(StatusCodes.Status406NotAcceptable, $"Accept '{request.Headers.Accept}' is none of {Json}, {Npy}, {Safetensors} and {Binary} (that is .npy).", "Accept");
    }

    /// <summary>Writes an answer.</summary>
    /// <exception cref="ServiceProblemException">406: the form has no room for several outputs.</exception>
    public static async Task WriteAsync(HttpResponse response, FeatureAnswer answer, string type, CancellationToken cancellation)
    {
        response.ContentType = type;
        switch (type)
        {
            case Json:
                await WriteJsonAsync(response.BodyWriter, answer, cancellation);
                break;
            case Safetensors:
                await WriteSafetensorsAsync(response, answer, cancellation);
                break;
            default:
                await WriteNpyAsync(response, answer, cancellation);
                break;
        }
    }

    private static async Task WriteJsonAsync(PipeWriter writer, FeatureAnswer answer, CancellationToken cancellation)
    {
        Text(writer, "{\"model\":");
        Text(writer, JsonSerializer.Serialize(answer.Model));
        Text(writer, ",\"outputs\":[");
        for (int output = 0; output < answer.Layout.Outputs.Length; output++)
        {
            Text(writer, $"{(output == 0 ? "" : ",")}{{\"name\":{JsonSerializer.Serialize(answer.Layout.Outputs[output].Name)},\"shape\":[{string.Join(',', answer.ShapeOf(output).Select(d => $"{d}"))}],\"values\":[");
            for (int picture = 0; picture < answer.Count; picture++)
            {
                ReadOnlyMemory<float> values = answer[output, picture];
                const int AtOnce = 1 << 14;
                for (int from = 0; from < values.Length; from += AtOnce)
                {
                    FloatText.Write(writer, values.Span.Slice(from, Math.Min(AtOnce, values.Length - from)), isFirst: picture == 0 && from == 0);
                    await writer.FlushAsync(cancellation);
                }
            }
            Text(writer, "]}");
        }
        Text(writer, "]}");
        await writer.FlushAsync(cancellation);
    }

    private static async Task WriteNpyAsync(HttpResponse response, FeatureAnswer answer, CancellationToken cancellation)
    {
        if (answer.Layout.Outputs.Length > 1)
            throw new ServiceProblemException(StatusCodes.Status406NotAcceptable, $"A .npy has one array; asked for were {string.Join(", ", answer.Layout.Outputs.Select(o => o.Name))}. Accept {Safetensors} or {Json}.", "Accept");
        byte[] header = NumPyHeader.Of(NumPyHeader.Float32, answer.ShapeOf(0));
        response.ContentLength = header.Length + (long)answer.Count * answer.Layout.Length * sizeof(float);
        response.BodyWriter.Write(header);
        for (int picture = 0; picture < answer.Count; picture++)
        {
            response.BodyWriter.Write(MemoryMarshal.AsBytes(answer[0, picture].Span));
            await response.BodyWriter.FlushAsync(cancellation);
        }
    }

    private static async Task WriteSafetensorsAsync(HttpResponse response, FeatureAnswer answer, CancellationToken cancellation)
    {
        using var file = new MemoryStream();
        SafetensorsWriter.Write(file, Enumerable.Range(0, answer.Layout.Outputs.Length).Select(output =>
        {
            byte[] bytes = new byte[answer.Count * answer[output, 0].Length * sizeof(float)];
            for (int picture = 0; picture < answer.Count; picture++)
            {
                ReadOnlySpan<byte> values = MemoryMarshal.AsBytes(answer[output, picture].Span);
                values.CopyTo(bytes.AsSpan(picture * values.Length));
            }
            return new MemoryTensor(answer.Layout.Outputs[output].Name, DType.Float32, Shape.Create(answer.ShapeOf(output)), bytes);
        }), new Dictionary<string, string> { ["model"] = answer.Model });
        response.ContentLength = file.Length;
        await response.Body.WriteAsync(file.GetBuffer().AsMemory(0, (int)file.Length), cancellation);
    }

    private static void Text(PipeWriter writer, string text) => Encoding.UTF8.GetBytes(text, (IBufferWriter<byte>)writer);
}
