using System.Text;
using System.Text.Json;
using Backbones;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace TimmFeatures.Service.Http;

/// <summary>Reads what <c>POST /v1/features</c> gets: a form with files, or JSON.</summary>
internal sealed class FeaturesRequestReader(ServiceLimits limits, Admission admission)
{
    private const int MaxFields = 16, MaxFieldBytes = 64 << 10;

    /// <exception cref="ServiceProblemException">400, 413, 415, 422 or 429: what is wrong with it.</exception>
    public async Task<FeaturesRequest> ReadAsync(HttpRequest request, CancellationToken cancellation)
    {
        RequirePlain(request);
        if (FeatureFields.Names.FirstOrDefault(request.Query.ContainsKey) is { } misplaced)
            throw new ServiceProblemException(StatusCodes.Status422UnprocessableEntity, $"'{misplaced}' is in the address; fields belong into the body.", misplaced);
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type))
            type = null;
        if (type is not null && type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
            return await ReadFormAsync(request, HeaderUtilities.RemoveQuotes(type.Boundary).Value, cancellation);
        if (type is not null && IsJson(type))
            return await ReadJsonAsync(request, cancellation);
        throw UnsupportedType(request);
    }

    /// <exception cref="ServiceProblemException">415: it is compressed, and nothing is unpacked here.</exception>
    public static void RequirePlain(HttpRequest request)
    {
        string encoding = request.Headers.ContentEncoding.ToString();
        if (encoding.Length > 0 && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
            throw new ServiceProblemException(StatusCodes.Status415UnsupportedMediaType, $"The body is encoded ('{encoding}'); expected one that is not.", "Content-Encoding");
    }

    public static bool IsJson(MediaTypeHeaderValue type) => type.MatchesMediaType("application/json") || type.Suffix == "json";

    public static ServiceProblemException UnsupportedType(HttpRequest request) => new(StatusCodes.Status415UnsupportedMediaType,
        $"The body is {(string.IsNullOrEmpty(request.ContentType) ? "of no type" : $"'{request.ContentType}'")}; expected {(request.Path == FeatureService.EmbeddingsPath ? "" : "multipart/form-data or ")}application/json.", "Content-Type");

    private async Task<FeaturesRequest> ReadJsonAsync(HttpRequest request, CancellationToken cancellation)
    {
        RentedBytes body = await RentedBytes.ReadAsync(request.Body, request.ContentLength, limits.MaxBody, admission, cancellation);
        try
        {
            var fields = new FeatureFields();
            List<PictureText>? images = null;
            JsonBody.Read(body, (ref Utf8JsonReader reader, string name) =>
            {
                if (name == FeatureFields.Images)
                    images = images is null ? ReadImages(ref reader) : throw new ServiceProblemException(StatusCodes.Status422UnprocessableEntity, "'images' is there twice.", name);
                else
                    fields.Add(name, JsonBody.Value(ref reader));
            });
            FeatureSelection selection = fields.Selection();
            return new FeaturesRequest(fields.Model, selection, [.. (images ?? []).Select(i => i.Decode(body.Array))], [body]);
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <summary>A picture, or a list of them.</summary>
    private List<PictureText> ReadImages(ref Utf8JsonReader reader)
    {
        var images = new List<PictureText>();
        if (reader.TokenType == JsonTokenType.String)
        {
            images.Add(PictureText.At(reader, "images"));
            return images;
        }
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new ServiceProblemException(StatusCodes.Status422UnprocessableEntity, "'images' is to be a list of pictures as base64.", FeatureFields.Images);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.String)
                throw new ServiceProblemException(StatusCodes.Status422UnprocessableEntity, $"images[{images.Count}] is to be a text, a picture as base64.", $"images[{images.Count}]");
            images.Add(PictureText.At(reader, $"images[{images.Count}]"));
            admission.CheckPictures(images.Count, FeatureFields.Images);
        }
        return images;
    }

    private async Task<FeaturesRequest> ReadFormAsync(HttpRequest request, string? boundary, CancellationToken cancellation)
    {
        if (string.IsNullOrEmpty(boundary) || boundary.Length > 70)
            throw new ServiceProblemException(StatusCodes.Status400BadRequest, "The form's boundary is missing in the Content-Type, or longer than 70 characters.", "Content-Type");
        if (request.ContentLength > limits.MaxBody)
            throw new ServiceProblemException(StatusCodes.Status413PayloadTooLarge, $"The body is larger than the {limits.MaxBody} bytes that a request may have.");
        var pictures = new List<RentedBytes>();
        try
        {
            var fields = new FeatureFields();
            var reader = new MultipartReader(boundary, request.Body);
            int parts = 0;
            while (await reader.ReadNextSectionAsync(cancellation) is { } section)
            {
                parts++;
                if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out ContentDispositionHeaderValue? disposition) || HeaderUtilities.RemoveQuotes(disposition.Name).Value is not { Length: > 0 } name)
                    throw new ServiceProblemException(StatusCodes.Status400BadRequest, $"Part {parts} of the form has no name (Content-Disposition: form-data; name=…).");
                if (name is FeatureFields.Images or "image")
                {
                    admission.CheckPictures(pictures.Count + 1, FeatureFields.Images);
                    pictures.Add(await RentedBytes.ReadAsync(section.Body, null, limits.MaxBody, admission, cancellation));
                }
                else
                {
                    fields.AddText(name, await ReadTextAsync(section, name, cancellation));
                    if (parts - pictures.Count > MaxFields)
                        throw new ServiceProblemException(StatusCodes.Status413PayloadTooLarge, $"A form has at most {MaxFields} fields beside its pictures.");
                }
            }
            FeatureSelection selection = fields.Selection();
            return new FeaturesRequest(fields.Model, selection, [.. pictures.Select(p => (ReadOnlyMemory<byte>)p.Array.AsMemory(0, p.Length))], pictures);
        }
        catch (Exception e)
        {
            foreach (RentedBytes picture in pictures)
                picture.Dispose();
            // The server's own errors of bodies are IOExceptions too; they know their status.
            if (e is InvalidDataException || e is IOException and not BadHttpRequestException && !cancellation.IsCancellationRequested)
                throw new ServiceProblemException(StatusCodes.Status400BadRequest, $"The form cannot be read; it ends too early, or its parts are malformed: {Sentences.Of(e)}");
            throw;
        }
    }

    private async Task<string> ReadTextAsync(MultipartSection section, string name, CancellationToken cancellation)
    {
        if (section.ContentDisposition!.Contains("filename", StringComparison.OrdinalIgnoreCase))
            throw new ServiceProblemException(StatusCodes.Status422UnprocessableEntity, $"The file '{name}' is not expected; pictures are parts of the name 'images'.", name);
        using RentedBytes text = await RentedBytes.ReadAsync(section.Body, null, MaxFieldBytes, admission, cancellation);
        return Encoding.UTF8.GetString(text.Array, 0, text.Length).Trim();
    }
}
