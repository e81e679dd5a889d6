using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace TimmFeatures.Service.Http;

/// <summary>Reading of JSON bodies without making objects of them: the pictures in them are large, and are decoded where they lie.</summary>
internal static class JsonBody
{
    // Nothing that is asked for here goes deeper than input[0].image_url.url.
    private const int MaxDepth = 8;

    /// <summary>The longest list of numbers or names.</summary>
    private const int MaxList = 1024;

    /// <summary>Gets a field's name with the reader at its value, and leaves it at the value's end.</summary>
    public delegate void ReadField(ref Utf8JsonReader reader, string name);

    /// <summary>Reads the object that a body is to be.</summary>
    /// <exception cref="ServiceProblemException">400: it is no JSON; 422: no object.</exception>
    public static void Read(RentedBytes body, ReadField read)
    {
        var reader = new Utf8JsonReader(body.Array.AsSpan(0, body.Length), new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
                throw new ServiceProblemException(StatusCodes.Status422UnprocessableEntity, "The body is to be a JSON object.");
            ReadObject(ref reader, read);
            reader.Read(); // What follows the object is an error of its own.
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new ServiceProblemException(StatusCodes.Status400BadRequest, $"The body is not valid JSON of a form that is known here: {e.Message}");
        }
    }

    /// <summary>Reads the object that a reader is at the beginning of.</summary>
    public static void ReadObject(ref Utf8JsonReader reader, ReadField read)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            read(ref reader, name);
        }
    }

    /// <summary>A simple value as .NET has it, null with the others; a bare object where it is something else.</summary>
    public static object? Value(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                return reader.GetString();
            case JsonTokenType.Number:
                return reader.TryGetInt32(out int number) ? number : (object)reader.GetDouble();
            case JsonTokenType.True or JsonTokenType.False:
                return reader.GetBoolean();
            case JsonTokenType.StartArray:
                return List(ref reader);
            case JsonTokenType.Null:
                return null;
            default:
                reader.Skip();
                return new object();
        }
    }

    private static object List(ref Utf8JsonReader reader)
    {
        var values = new List<object?>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (values.Count == MaxList)
                throw new ServiceProblemException(StatusCodes.Status422UnprocessableEntity, $"A list other than that of pictures has at most {MaxList} entries.");
            values.Add(Value(ref reader));
        }
        return values.Count == 0 || values.All(v => v is int) ? values.Cast<int>().ToArray() : values.All(v => v is string) ? values.Cast<string>().ToArray() : values;
    }
}
