using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.TimmFeatures.Detection.Models;
using Microsoft.ML.TimmFeatures.Serialization;

namespace Microsoft.ML.TimmFeatures.Detection.Serialization;

/// <summary>The description in a saved model of detection or segmentation. It is a form of its own: public types and members may be renamed, what is in here stays as it is, name by name.
/// Unknown members are refused, and missing ones.</summary>
internal sealed record StoredImageModel(
    [property: JsonPropertyName("Options")] StoredOptions Options,
    [property: JsonPropertyName("Input")] string Input,
    [property: JsonPropertyName("Output")] string Output,
    [property: JsonPropertyName("Task")] StoredTask Task,
    [property: JsonPropertyName("WeightsHash")] string WeightsHash)
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    public string ToJson() => JsonSerializer.Serialize(this, s_json);

    /// <exception cref="JsonException">It is not such a description.</exception>
    public static StoredImageModel FromJson(string json)
        => JsonSerializer.Deserialize<StoredImageModel>(json, s_json) is { Input.Length: > 0, Output.Length: > 0 } stored ? stored : throw new JsonException("parts of its description are missing.");
}

/// <summary>What is to be found.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind", UnknownDerivedTypeHandling = JsonUnknownDerivedTypeHandling.FailSerialization)]
[JsonDerivedType(typeof(StoredTask.Detection), "detection")]
[JsonDerivedType(typeof(StoredTask.Segmentation), "segmentation")]
internal abstract record StoredTask
{
    public static StoredTask Of(ImageTask task) => task switch
    {
        DetectionTask detection => new Detection(detection.ScoreThreshold, detection.MaxDetections, detection.ArePublished),
        SegmentationTask segmentation => new Segmentation(segmentation.OriginalSize),
        _ => throw new NotSupportedException($"{task} cannot be saved."),
    };

    public abstract ImageTask ToTask();

    internal sealed record Detection(
        [property: JsonPropertyName("ScoreThreshold")] double? ScoreThreshold,
        [property: JsonPropertyName("MaxDetections")] int? MaxDetections,
        [property: JsonPropertyName("ArePublished")] bool ArePublished) : StoredTask
    {
        public override ImageTask ToTask() => new DetectionTask(ScoreThreshold, MaxDetections, ArePublished);
    }

    internal sealed record Segmentation([property: JsonPropertyName("OriginalSize")] bool OriginalSize) : StoredTask
    {
        public override ImageTask ToTask() => new SegmentationTask(OriginalSize);
    }
}
