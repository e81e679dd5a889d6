using System.Buffers;
using System.Buffers.Text;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Backbones;
using Backbones.Graphs;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace TimmFeatures.Service.Http;

/// <summary><c>POST /v1/embeddings</c>: pooled features in the form of OpenAI's embeddings, for clients that are made for it.</summary>
/// <remarks>Source: OpenAI's API reference, Create embeddings. Pictures take the place of texts: data URLs, or objects with <c>image_url</c> as in chat messages.</remarks>
internal sealed class EmbeddingsEndpoint(ServiceLimits limits, Admission admission, FeatureCalls calls)
{
    /// <summary>The field with the pictures.</summary>
    private const string InputField = "input";

    internal static IReadOnlyList<string> Fields { get; } = ["model", InputField, "encoding_format", "dimensions", "user"];

    public async Task HandleAsync(HttpContext http)
    {
        FeaturesRequestReader.RequirePlain(http.Request);
        if (!MediaTypeHeaderValue.TryParse(http.Request.ContentType, out MediaTypeHeaderValue? type) || !FeaturesRequestReader.IsJson(type))
            throw FeaturesRequestReader.UnsupportedType(http.Request);
        using RentedBytes body = await RentedBytes.ReadAsync(http.Request.Body, http.Request.ContentLength, limits.MaxBody, admission, http.RequestAborted);
        Request request = Read(body);
        ReadOnlyMemory<byte>[] pictures = [.. request.Input.Select(i => i.Decode(body.Array, onlyDataUrls: true))];
        using FeatureAnswer answer = await calls.ComputeAsync(request.Model, FeatureSelection.Pooled(), pictures, InputField, i => request.Input[i].Cause, http.RequestAborted);
        if (answer.Layout.Outputs[0].Shape.Rank != 1)
            throw Problem($"'{answer.Model}' has no pooling: its features are {answer.Layout.Outputs[0].Shape}, not a vector. Ask /v1/features for them.", "model");
        if (request.Dimensions is { } dimensions && dimensions != answer.Layout.Length)
            throw Problem($"The embeddings of '{answer.Model}' have {answer.Layout.Length} dimensions and cannot be cut to {dimensions}.", "dimensions");
        await WriteAsync(http.Response, answer, request.IsBase64, http.RequestAborted);
    }

    private Request Read(RentedBytes body)
    {
        var request = new Request();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        JsonBody.Read(body, (ref Utf8JsonReader reader, string name) =>
        {
            if (!Fields.Contains(name))
                throw Problem($"There is no field '{Shown(name)}'.{(name.Length < 64 ? NearestName.Suggest(name, Fields) : "")} Fields are {string.Join(", ", Fields)}.", Shown(name));
            if (!seen.Add(name))
                throw Problem($"'{name}' is there twice.", name);
            if (name == InputField)
            {
                ReadInput(ref reader, request.Input);
                return;
            }
            switch ((name, JsonBody.Value(ref reader)))
            {
                case ("model", string { Length: <= 512 } model):
                    request.Model = model;
                    break;
                case ("encoding_format", "float"):
                    break;
                case ("encoding_format", "base64"):
                    request.IsBase64 = true;
                    break;
                case ("dimensions", int dimensions):
                    request.Dimensions = dimensions;
                    break;
                case ("model" or "encoding_format" or "dimensions" or "user", null):
                case ("user", string):
                    break;
                default:
                    throw Problem(name == "encoding_format" ? "'encoding_format' is to be float or base64." : $"'{name}' is to be {(name == "dimensions" ? "a whole number" : "a text of at most 512 characters")}.", name);
            }
        });
        return request;
    }

    private void ReadInput(ref Utf8JsonReader reader, List<PictureText> input)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            input.Add(ReadPicture(ref reader, InputField));
            return;
        }
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            admission.CheckPictures(input.Count + 1, InputField);
            input.Add(ReadPicture(ref reader, $"{InputField}[{input.Count}]"));
        }
    }

    /// <summary>A data URL; <c>{"image_url": URL}</c>, <c>{"image_url": {"url": URL}}</c>, with <c>"type": "image_url"</c> or without.</summary>
    private static PictureText ReadPicture(ref Utf8JsonReader reader, string cause)
    {
        if (reader.TokenType == JsonTokenType.String)
            return PictureText.At(reader, cause);
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Problem($"{cause} is to be a data URL, or an object with image_url; texts and tokens have no features here.", cause);
        PictureText? found = null;
        JsonBody.ReadObject(ref reader, (ref Utf8JsonReader r, string name) =>
        {
            if (name is "image_url" or "url" && found is null)
                found = ReadPicture(ref r, cause);
            else if (name is not ("type" or "detail") || JsonBody.Value(ref r) is not string)
                throw Problem($"{cause} has '{Shown(name)}'; expected {{\"type\": \"image_url\", \"image_url\": {{\"url\": \"data:image/jpeg;base64,…\"}}}}.", cause);
        });
        return found ?? throw Problem($"{cause} has no image_url.", cause);
    }

    private static async Task WriteAsync(HttpResponse response, FeatureAnswer answer, bool base64, CancellationToken cancellation)
    {
        response.ContentType = FeatureAnswers.Json;
        PipeWriter pipe = response.BodyWriter;
        IBufferWriter<byte> writer = pipe;
        Encoding.UTF8.GetBytes("{\"object\":\"list\",\"data\":[", writer);
        for (int i = 0; i < answer.Count; i++)
        {
            Encoding.UTF8.GetBytes($"{(i == 0 ? "" : ",")}{{\"object\":\"embedding\",\"index\":{i},\"embedding\":{(base64 ? '"' : '[')}", writer);
            ReadOnlySpan<float> values = answer[0, i].Span;
            if (base64)
                WriteBase64(writer, values);
            else
                FloatText.Write(writer, values, isFirst: true);
            Encoding.UTF8.GetBytes(base64 ? "\"}" : "]}", writer);
            await pipe.FlushAsync(cancellation);
        }
        // There are no tokens: what is used are pictures.
        Encoding.UTF8.GetBytes($"],\"model\":{JsonSerializer.Serialize(answer.Model)},\"usage\":{{\"prompt_tokens\":{answer.Count},\"total_tokens\":{answer.Count}}}}}", writer);
        await pipe.FlushAsync(cancellation);
    }

    /// <summary>Little-endian float32, as OpenAI has it.</summary>
    private static void WriteBase64(IBufferWriter<byte> writer, ReadOnlySpan<float> values)
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(values);
        Base64.EncodeToUtf8(bytes, writer.GetSpan(Base64.GetMaxEncodedToUtf8Length(bytes.Length)), out _, out int written);
        writer.Advance(written);
    }

    private static string Shown(string name) => name.Length <= 64 ? name : $"{name[..64]}…";

    private static ServiceProblemException Problem(string message, string cause) => new(StatusCodes.Status422UnprocessableEntity, message, cause);

    private sealed class Request
    {
        public string? Model { get; set; }

        public List<PictureText> Input { get; } = [];

        public bool IsBase64 { get; set; }

        public int? Dimensions { get; set; }
    }
}
