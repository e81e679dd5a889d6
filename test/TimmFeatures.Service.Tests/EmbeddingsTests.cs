using System.Runtime.InteropServices;
using System.Text.Json;
using Backbones;

namespace TimmFeatures.Service.Tests;

/// <summary><c>POST /v1/embeddings</c>: OpenAI's form.</summary>
[TestClass]
public sealed class EmbeddingsTests
{
    private static RunningService s_service = null!;

    [ClassInitialize]
    public static async Task Start(TestContext _) => s_service = await RunningService.StartAsync();

    [ClassCleanup]
    public static async Task Stop() => await s_service.DisposeAsync();

    [TestMethod]
    public async Task Every_way_to_say_a_picture_gives_its_embedding()
    {
        string url = RunningService.DataUrl(RunningService.Pictures[0]);
        float[] expected = RunningService.Direct(RunningService.DemoWeights, FeatureSelection.Pooled(), RunningService.Pictures[0]);
        foreach (object input in (object[])[url, new[] { url }, new[] { new { image_url = url } }, new { type = "image_url", image_url = new { url, detail = "auto" } }, url.Replace("data:image/jpeg", "DATA:Image/JPEG;charset=utf-8")])
        {
            JsonElement answer = await s_service.SucceedAsync(RunningService.EmbeddingsPath, RunningService.Json(new { model = RunningService.Model, input, user = "somebody" }));
            Assert.AreEqual("list", answer.GetProperty("object").GetString());
            Assert.AreEqual(RunningService.Model, answer.GetProperty("model").GetString());
            Assert.AreEqual(1, answer.GetProperty("usage").GetProperty("total_tokens").GetInt32());
            JsonElement embedding = answer.GetProperty("data").EnumerateArray().Single();
            Assert.AreEqual("embedding", embedding.GetProperty("object").GetString());
            CollectionAssert.AreEqual(expected, embedding.GetProperty("embedding").EnumerateArray().Select(v => v.GetSingle()).ToArray());
        }
    }

    [TestMethod]
    public async Task As_base64_they_are_the_same_bits_and_in_order()
    {
        JsonElement answer = await s_service.SucceedAsync(RunningService.EmbeddingsPath, RunningService.Json(new { input = RunningService.Pictures.Select(RunningService.DataUrl), encoding_format = "base64", dimensions = 96 }));
        JsonElement[] data = [.. answer.GetProperty("data").EnumerateArray()];
        Assert.HasCount(RunningService.Pictures.Length, data);
        for (int i = 0; i < data.Length; i++)
        {
            Assert.AreEqual(i, data[i].GetProperty("index").GetInt32());
            float[] expected = RunningService.Direct(RunningService.DemoWeights, FeatureSelection.Pooled(), RunningService.Pictures[i]);
            Assert.IsTrue(data[i].GetProperty("embedding").GetBytesFromBase64().AsSpan().SequenceEqual(MemoryMarshal.AsBytes(expected.AsSpan())));
        }
    }

    [TestMethod]
    public async Task Slashes_may_be_escaped_and_base64_may_have_line_breaks()
    {
        float[] expected = RunningService.Direct(RunningService.DemoWeights, FeatureSelection.Pooled(), RunningService.Pictures[1]);
        string base64 = Convert.ToBase64String(RunningService.Pictures[1], Base64FormattingOptions.InsertLineBreaks);
        string body = $$"""{"input": ["data:image\/jpeg;base64,{{base64.Replace("/", "\\/").Replace("\r\n", "\\r\\n")}}"]}""";
        JsonElement answer = await s_service.SucceedAsync(RunningService.EmbeddingsPath, RunningService.Json(body));
        CollectionAssert.AreEqual(expected, answer.GetProperty("data")[0].GetProperty("embedding").EnumerateArray().Select(v => v.GetSingle()).ToArray());
    }

    [TestMethod]
    [DataRow("""{"input": "a text"}""", "input: 'a text' is no picture")]
    [DataRow("""{"input": "https://example.com/cat.jpg"}""", "nothing is fetched from addresses")]
    [DataRow("""{"input": [{"image_url": {"url": "http://127.0.0.1/secret.png"}}]}""", "input[0]: 'http://127.0.0.1/secret.png' is an address")]
    [DataRow("""{"input": "file:///etc/hostname"}""", "is an address")]
    [DataRow("""{"input": "data:image/png,abc"}""", "without ';base64,'")]
    [DataRow("""{"input": "data:image/png;base64,AAA!"}""", "is not base64")]
    [DataRow("""{"input": [1, 2, 3]}""", "input[0] is to be a data URL")]
    [DataRow("""{"input": [{"text": "a"}]}""", "input[0] has 'text'")]
    [DataRow("""{"input": [{"type": "image_url"}]}""", "input[0] has no image_url")]
    [DataRow("""{"input": []}""", "no picture")]
    [DataRow("{}", "no picture")]
    [DataRow("[]", "a JSON object")]
    [DataRow("""{"imput": "a"}""", "Did you mean 'input'?")]
    [DataRow("""{"input": [], "encoding_format": "hex"}""", "float or base64")]
    [DataRow("""{"input": [], "dimensions": 1.5}""", "'dimensions' is to be a whole number")]
    [DataRow("""{"input": [], "input": []}""", "'input' is there twice")]
    public async Task What_is_wrong_is_OpenAIs_error_object(string body, string message)
        => await s_service.FailAsync(422, RunningService.EmbeddingsPath, RunningService.Json(body), message);

    [TestMethod]
    public async Task Embeddings_are_not_cut()
        => await s_service.FailAsync(422, RunningService.EmbeddingsPath, RunningService.Json(new { input = RunningService.DataUrl(RunningService.Pictures[0]), dimensions = 64 }), "96 dimensions", "64");

    [TestMethod]
    public async Task The_models_are_listed()
    {
        JsonElement list = JsonDocument.Parse(await s_service.Client.GetStringAsync("/v1/models")).RootElement;
        Assert.AreEqual(RunningService.Model, list.GetProperty("data").EnumerateArray().Single().GetProperty("id").GetString());
    }
}
