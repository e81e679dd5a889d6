using System.Runtime.InteropServices;
using System.Text.Json;
using Backbones;
using Backbones.Weights;

namespace TimmFeatures.Service.Tests;

/// <summary><c>POST /v1/features</c>: the numbers are those of the bare library, bit for bit, in every form.</summary>
[TestClass]
public sealed class FeaturesTests
{
    private static RunningService s_service = null!;

    [ClassInitialize]
    public static async Task Start(TestContext _) => s_service = await RunningService.StartAsync();

    [ClassCleanup]
    public static async Task Stop() => await s_service.DisposeAsync();

    public static IEnumerable<object[]> Kinds =>
    [
        [FeatureSelection.Pooled(), """{"kind": "pooled"}"""],
        [FeatureSelection.Pooled("max"), """{"kind": "pooled", "pool": "max"}"""],
        [FeatureSelection.Unpooled, """{"kind": "unpooled"}"""],
        [FeatureSelection.Logits, """{"kind": "logits"}"""],
        [FeatureSelection.Pyramid([2, -1]), """{"kind": "pyramid", "indices": [2, -1]}"""],
        [FeatureSelection.Pyramid([4], 16), """{"kind": "pyramid", "indices": [4], "output_stride": 16}"""],
        [FeatureSelection.Intermediates([1]), """{"kind": "intermediates", "indices": [1], "norm": false, "tokens": false}"""],
        [FeatureSelection.Nodes("layer2.0.conv1", "layer1"), """{"nodes": ["layer2.0.conv1", "layer1"]}"""],
    ];

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public async Task Every_kind_has_the_librarys_numbers(FeatureSelection selection, string fields)
    {
        byte[] picture = RunningService.Pictures[0];
        float[] expected = RunningService.Direct(RunningService.DemoWeights, selection, picture);
        string body = $"{fields[..^1]}, \"images\": [\"{Convert.ToBase64String(picture)}\"]}}";
        AssertSame(expected, RunningService.Values(await s_service.SucceedAsync(RunningService.FeaturesPath, RunningService.Json(body))));

        (string, string)[] form = [.. JsonDocument.Parse(fields).RootElement.EnumerateObject().Select(f => (f.Name, f.Value.ValueKind == JsonValueKind.Array ? string.Join(',', f.Value.EnumerateArray()) : f.Value.ToString()))];
        AssertSame(expected, RunningService.Values(await s_service.SucceedAsync(RunningService.FeaturesPath, RunningService.Form([picture], form))));
    }

    /// <summary>Clients that write what is not set as null ask for no more than those that leave it out.</summary>
    [TestMethod]
    public async Task Null_is_nothing_said()
    {
        byte[] picture = RunningService.Pictures[0];
        float[] expected = RunningService.Direct(RunningService.DemoWeights, FeatureSelection.Pooled(), picture);
        string body = $$"""{"model": null, "kind": null, "pool": null, "indices": null, "output_stride": null, "norm": null, "prefix_tokens": null, "tokens": null, "nodes": null, "images": ["{{Convert.ToBase64String(picture)}}"]}""";
        AssertSame(expected, RunningService.Values(await s_service.SucceedAsync(RunningService.FeaturesPath, RunningService.Json(body))));
        body = $$"""{"model": null, "encoding_format": null, "dimensions": null, "user": null, "input": "{{RunningService.DataUrl(picture)}}"}""";
        await s_service.SucceedAsync(RunningService.EmbeddingsPath, RunningService.Json(body));
        await s_service.FailAsync(422, RunningService.EmbeddingsPath, RunningService.Json(body.Replace("\"user\": null", "\"user\": {}", StringComparison.Ordinal)), "'user' is to be a text");
    }

    [TestMethod]
    public async Task Pictures_come_back_in_their_order_whatever_batches_they_were_in()
    {
        float[] expected = [.. RunningService.Pictures.SelectMany(p => RunningService.Direct(RunningService.DemoWeights, FeatureSelection.Pooled(), p))];
        JsonElement answer = await s_service.SucceedAsync(RunningService.FeaturesPath, RunningService.Form(RunningService.Pictures, ("model", RunningService.Model)));
        Assert.AreEqual(RunningService.Model, answer.GetProperty("model").GetString());
        JsonElement output = answer.GetProperty("outputs")[0];
        Assert.AreEqual("features", output.GetProperty("name").GetString());
        CollectionAssert.AreEqual(new[] { RunningService.Pictures.Length, 96 }, output.GetProperty("shape").EnumerateArray().Select(s => s.GetInt32()).ToArray());
        AssertSame(expected, RunningService.Values(answer));
    }

    [TestMethod]
    public async Task Many_requests_at_once_get_their_own_pictures()
    {
        float[][] expected = [.. RunningService.Pictures.Select(p => RunningService.Direct(RunningService.DemoWeights, FeatureSelection.Pooled(), p))];
        await Task.WhenAll(Enumerable.Range(0, 60).Select(async i =>
        {
            int picture = i % expected.Length;
            AssertSame(expected[picture], RunningService.Values(await s_service.SucceedAsync(RunningService.FeaturesPath, RunningService.Form([RunningService.Pictures[picture]]))));
        }));
    }

    [TestMethod]
    [DataRow("application/x-npy")]
    [DataRow("application/octet-stream")]
    public async Task As_npy_the_values_are_the_same(string type)
    {
        using HttpResponseMessage response = await s_service.PostAsync(RunningService.FeaturesPath, RunningService.Form(RunningService.Pictures[..3], ("kind", "pyramid"), ("indices", "-1")), type);
        byte[] file = await response.Content.ReadAsByteArrayAsync();
        byte[] header = NumPyHeader.Of(NumPyHeader.Float32, 3, 96, 5, 5);
        Assert.IsTrue(file.AsSpan().StartsWith(header));
        AssertSame([.. RunningService.Pictures[..3].SelectMany(p => RunningService.Direct(RunningService.DemoWeights, FeatureSelection.Pyramid([-1]), p))], MemoryMarshal.Cast<byte, float>(file.AsSpan(header.Length)).ToArray());
    }

    [TestMethod]
    public async Task As_safetensors_every_output_has_its_name()
    {
        using HttpResponseMessage response = await s_service.PostAsync(RunningService.FeaturesPath, RunningService.Form(RunningService.Pictures[..2], ("kind", "pyramid"), ("indices", "1,2")), "application/x-safetensors");
        string path = Path.Combine(Path.GetTempPath(), $"timm-features-{Guid.NewGuid():N}.safetensors");
        try
        {
            await File.WriteAllBytesAsync(path, await response.Content.ReadAsByteArrayAsync());
            using SafetensorsFile file = SafetensorsFile.Open(path);
            foreach (int level in (int[])[1, 2])
            {
                ParameterTensor tensor = file.Tensors.Single(t => t.Name == $"level_{level}");
                Assert.AreEqual(2, tensor.Shape[0]);
                AssertSame([.. RunningService.Pictures[..2].SelectMany(p => RunningService.Direct(RunningService.DemoWeights, FeatureSelection.Pyramid([level]), p))], tensor.AsFloats().ToArray());
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public async Task What_cannot_be_answered_in_the_form_asked_for_says_so()
    {
        using HttpResponseMessage several = await s_service.PostAsync(RunningService.FeaturesPath, RunningService.Form(RunningService.Pictures[..1], ("kind", "pyramid")), "application/x-npy");
        await RunningService.CheckProblemAsync(several, 406, RunningService.FeaturesPath, "level_0, level_1", "application/x-safetensors");
        using HttpResponseMessage html = await s_service.PostAsync(RunningService.FeaturesPath, RunningService.Form(RunningService.Pictures[..1]), "text/html");
        await RunningService.CheckProblemAsync(html, 406, RunningService.FeaturesPath, "text/html", "application/json");
    }

    [TestMethod]
    public async Task Values_that_are_no_numbers_are_null()
    {
        var engine = new GatedEngine { Change = values => (values.Span[0], values.Span[1]) = (float.NaN, float.NegativeInfinity) };
        await using RunningService service = await RunningService.StartAsync(engine: engine);
        JsonElement[] values = [.. (await service.SucceedAsync(RunningService.FeaturesPath, RunningService.Form(RunningService.Pictures[..1]))).GetProperty("outputs")[0].GetProperty("values").EnumerateArray()];
        Assert.AreEqual(JsonValueKind.Null, values[0].ValueKind);
        Assert.AreEqual(JsonValueKind.Null, values[1].ValueKind);
        Assert.AreEqual(JsonValueKind.Number, values[2].ValueKind);
    }

    [TestMethod]
    public async Task Tokens_of_a_transformer_are_those_of_the_library()
    {
        var random = new BackboneOptions { RandomWeights = true };
        await using RunningService service = await RunningService.StartAsync(o => o with { Models = [new("test_vit", "test_vit")], Backbone = random });
        JsonElement answer = await service.SucceedAsync(RunningService.FeaturesPath,
            RunningService.Form(RunningService.Pictures[..1], ("kind", "intermediates"), ("indices", "-1"), ("tokens", "true"), ("norm", "true"), ("prefix_tokens", "true")));
        AssertSame(RunningService.Direct("test_vit", FeatureSelection.Intermediates([-1], norm: true, returnPrefixTokens: true, FeatureFormat.Nlc), RunningService.Pictures[0], random), RunningService.Values(answer));
        Assert.EndsWith("_prefix", answer.GetProperty("outputs")[1].GetProperty("name").GetString());
    }

    private static void AssertSame(float[] expected, float[] actual) => Assert.IsTrue(MemoryMarshal.AsBytes(expected.AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(actual.AsSpan())), $"{expected.Length} values expected, {actual.Length} received");
}
