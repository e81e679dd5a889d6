using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace TimmFeatures.Service.Http;

/// <summary>A picture as text in a JSON body: base64, or a data URL. It is decoded where it lies.</summary>
/// <param name="Start">Of the string within the body, its quote not counted.</param>
/// <param name="Length">Of the string, as it is written.</param>
/// <param name="IsEscaped">Whether it has backslashes.</param>
/// <param name="Cause">What the request calls it.</param>
internal readonly record struct PictureText(int Start, int Length, bool IsEscaped, string Cause)
{
    private const int MaxShown = 40;

    /// <summary>The string that a reader is at.</summary>
    public static PictureText At(in Utf8JsonReader reader, string cause) => new((int)reader.TokenStartIndex + 1, reader.ValueSpan.Length, reader.ValueIsEscaped, cause);

    /// <summary>Decodes in place.</summary>
    /// <param name="body">The whole body, of which the string's bytes are overwritten.</param>
    /// <param name="onlyDataUrls">Whether it has to be a data URL: elsewhere plain text means something.</param>
    /// <exception cref="ServiceProblemException">422: it is neither. An address is never fetched.</exception>
    public ReadOnlyMemory<byte> Decode(byte[] body, bool onlyDataUrls = false)
    {
        int start = Start, length = IsEscaped ? Unescape(body) : Length;
        Span<byte> text = body.AsSpan(start, length);
        if (IsScheme(text, "http:"u8) || IsScheme(text, "https:"u8) || IsScheme(text, "file:"u8))
            throw Problem($"'{Shown(text)}' is an address, and nothing is fetched from addresses here. Send the picture itself, as a data URL (data:image/jpeg;base64,…).");
        if (IsScheme(text, "data:"u8))
        {
            int comma = text.IndexOf((byte)',');
            if (comma < 0 || !Ascii.EqualsIgnoreCase(text[..comma][^Math.Min(7, comma)..], ";base64"u8))
                throw Problem($"'{Shown(text)}' is a data URL without ';base64,'; expected data:image/jpeg;base64,….");
            start += comma + 1;
            text = text[(comma + 1)..];
        }
        else if (onlyDataUrls)
        {
            throw Problem($"'{Shown(text)}' is no picture: texts have no features here. Send pictures as data URLs (data:image/jpeg;base64,…).");
        }
        if (Base64.DecodeFromUtf8InPlace(text, out int written) != OperationStatus.Done)
            throw Problem("It is not base64: letters, digits, + and /, with = at the end up to a multiple of four.");
        return body.AsMemory(start, written);
    }

    /// <summary>Takes the backslashes out: the text gets shorter and stays where it is.</summary>
    private int Unescape(byte[] body)
    {
        var reader = new Utf8JsonReader(body.AsSpan(Start - 1, Length + 2));
        reader.Read();
        byte[] plain = ArrayPool<byte>.Shared.Rent(Length);
        try
        {
            int length = CopyString(ref reader, plain);
            plain.AsSpan(0, length).CopyTo(body.AsSpan(Start));
            return length;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(plain);
        }
    }

    /// <exception cref="ServiceProblemException">422: its backslashes write half a character (a lone surrogate).</exception>
    private int CopyString(ref Utf8JsonReader reader, Span<byte> plain)
    {
        try
        {
            return reader.CopyString(plain);
        }
        catch (InvalidOperationException e)
        {
            throw Problem($"It is no text: {e.Message}");
        }
    }

    private static bool IsScheme(ReadOnlySpan<byte> text, ReadOnlySpan<byte> scheme) => text.Length >= scheme.Length && Ascii.EqualsIgnoreCase(text[..scheme.Length], scheme);

    private static string Shown(ReadOnlySpan<byte> text) => text.Length <= MaxShown ? Encoding.UTF8.GetString(text) : $"{Encoding.UTF8.GetString(text[..MaxShown])}…";

    private ServiceProblemException Problem(string message) => new(StatusCodes.Status422UnprocessableEntity, $"{Cause}: {message}", Cause);
}
