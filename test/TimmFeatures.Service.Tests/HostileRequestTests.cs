using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace TimmFeatures.Service.Tests;

/// <summary>Requests that are meant badly, or made badly: each gets its 4xx, and others are answered meanwhile.</summary>
[TestClass]
public sealed class HostileRequestTests
{
    private const string Features = RunningService.FeaturesPath;

    private static RunningService s_service = null!;

    [ClassInitialize]
    public static async Task Start(TestContext _) => s_service = await RunningService.StartAsync(service: new ServiceOptions
    {
        Limits = new ServiceLimits { MaxBody = 4 << 20, MaxPictures = 16, MaxValues = 100_000, MaxPixels = 1_000_000, BodyGrace = TimeSpan.FromSeconds(1.1) },
    });

    [ClassCleanup]
    public static async Task Stop() => await s_service.DisposeAsync();

    [TestCleanup]
    public async Task Others_are_answered()
    {
        await s_service.SucceedAsync(Features, RunningService.Form(RunningService.Pictures[..1]));
        await RunningService.UntilAsync(() => s_service.Service.PicturesUnderWay == 0);
        Assert.AreEqual("", s_service.Log.ToString());
    }

    [TestMethod]
    [DataRow(60_000, 60_000, "image bomb")]
    [DataRow(1001, 1000, "more than the limit of 1000000")]
    [DataRow(0, 10, "at least one")]
    public async Task A_picture_that_says_it_is_huge_is_not_decoded(int width, int height, string message)
        => await s_service.FailAsync(422, Features, RunningService.Form([Png(width, height)]), "images[0]", message);

    [TestMethod]
    public async Task Pictures_that_are_none()
    {
        byte[] cut = RunningService.Pictures[0][..2000];
        foreach (byte[] picture in (byte[][])[[], "plain text"u8.ToArray(), "<svg/>"u8.ToArray(), cut, [0xFF, 0xD8, 0xFF], new byte[100_000]])
            await s_service.FailAsync(422, Features, RunningService.Form([RunningService.Pictures[0], picture]), "images[1]: The image");
    }

    /// <summary>A picture's text is taken apart after the body was read: what is wrong with it is the request's fault all the same.</summary>
    [TestMethod]
    public async Task Texts_that_are_half_a_character()
    {
        await s_service.FailAsync(422, Features, RunningService.Json("{\"images\": [\"\\ud800\"]}"), "images[0]", "It is no text");
        await s_service.FailAsync(422, RunningService.EmbeddingsPath, RunningService.Json("{\"input\": [\"data:image/png;base64,\\udc00\"]}"), "input[0]", "It is no text");
    }

    /// <summary>Clients mark the field that the cause names.</summary>
    [TestMethod]
    [DataRow("nodes", "layer9", """{"nodes": ["layer9"]}""")]
    [DataRow("pool", "Unknown pool type 'mean'", """{"pool": "mean"}""")]
    [DataRow("indices", "5 levels", """{"kind": "pyramid", "indices": [1, 7]}""")]
    [DataRow("indices", "No level asked for", """{"kind": "pyramid", "indices": []}""")]
    [DataRow("output_stride", "output_stride 12", """{"kind": "pyramid", "output_stride": 12, "indices": [1]}""")]
    [DataRow("output_stride", "output_stride 12", """{"kind": "pyramid", "output_stride": 12, "indices": [7]}""")]
    [DataRow("indices", "5 blocks", """{"kind": "intermediates", "indices": [-9], "tokens": true}""")]
    [DataRow("tokens", "is for token models", """{"kind": "intermediates", "indices": [1], "tokens": true}""")]
    [DataRow("kind", "There is no kind 'pooling'", """{"kind": "pooling"}""")]
    public async Task What_the_model_does_not_have_is_named_by_its_field(string cause, string message, string fields)
    {
        using HttpResponseMessage response = await s_service.PostAsync(Features, RunningService.Json($"{fields[..^1]}, \"images\": [\"{Convert.ToBase64String(RunningService.Pictures[0])}\"]}}"));
        await RunningService.CheckProblemAsync(response, 422, Features, message);
        Assert.AreEqual(cause, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("cause").GetString());
    }

    [TestMethod]
    public async Task Too_many_pictures_and_none_are_named_by_the_field_that_has_them()
    {
        string urls = string.Join(',', Enumerable.Repeat($"\"{RunningService.DataUrl(RunningService.Pictures[0])}\"", 17));
        foreach ((string path, string field) in new[] { (Features, "images"), (RunningService.EmbeddingsPath, "input") })
        {
            foreach ((int status, string list) in new[] { (422, ""), (413, urls) })
            {
                using HttpResponseMessage response = await s_service.PostAsync(path, RunningService.Json($"{{\"{field}\": [{list}]}}"));
                await RunningService.CheckProblemAsync(response, status, path, "picture");
                JsonElement problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
                Assert.AreEqual(field, (path == Features ? problem.GetProperty("cause") : problem.GetProperty("error").GetProperty("param")).GetString());
            }
        }
    }

    [TestMethod]
    public async Task Bodies_that_are_compressed()
    {
        foreach (string path in (string[])[Features, RunningService.EmbeddingsPath])
        {
            StringContent body = RunningService.Json("{}");
            body.Headers.ContentEncoding.Add("gzip");
            await s_service.FailAsync(415, path, body, "The body is encoded ('gzip')");
        }
    }

    [TestMethod]
    public async Task Ten_thousand_tiny_parts()
    {
        byte[] tiny = [1];
        await FailWithoutReadingAsync(413, RunningService.Form(Enumerable.Repeat(tiny, 10_000)));
        await FailWithoutReadingAsync(413, RunningService.Json(new { images = Enumerable.Repeat("AA==", 10_000) }));
        await FailWithoutReadingAsync(413, RunningService.Json(new { input = Enumerable.Repeat("AA==", 10_000) }), RunningService.EmbeddingsPath);
        var fields = new MultipartFormDataContent();
        for (int i = 0; i < 10_000; i++)
            fields.Add(new StringContent("a"), $"field{i}");
        await s_service.FailAsync(422, Features, fields, "There is no field 'field0'");
    }

    [TestMethod]
    public async Task Bodies_that_are_too_large()
    {
        byte[] large = new byte[(4 << 20) + 1];
        await FailWithoutReadingAsync(413, RunningService.Form([large]));
        await FailWithoutReadingAsync(413, new ByteArrayContent(large) { Headers = { ContentType = new("application/json") } });
        // The same without saying before how long it is.
        await FailWithoutReadingAsync(413, new StreamContent(new UnseekableStream(large)) { Headers = { ContentType = new("application/json") } });
    }

    [TestMethod]
    [DataRow("text/plain")]
    [DataRow("image/jpeg")]
    [DataRow("application/x-www-form-urlencoded")]
    [DataRow("not a type")]
    [DataRow(null)]
    public async Task Bodies_of_other_types(string? type)
    {
        var content = new ByteArrayContent(RunningService.Pictures[0]);
        if (type is not null)
            content.Headers.TryAddWithoutValidation("Content-Type", type);
        await s_service.FailAsync(415, Features, content, "multipart/form-data or application/json");
    }

    [TestMethod]
    [DataRow("--x\r\nContent-Disposition: form-data; name=images; filename=a.jpg\r\n\r\nabc", "ends too early")]
    [DataRow("--x\r\nContent-Disposition: form-data; name=images; filename=a.jpg\r\n\r\nabc\r\n--x", "Part 2 of the form has no name")]
    [DataRow("--y\r\n", "ends too early")]
    [DataRow("", "ends too early")]
    [DataRow("--x\r\nContent-Type: text/plain\r\n\r\nabc\r\n--x--\r\n", "Part 1 of the form has no name")]
    [DataRow("--x\r\nno header at all\r\n\r\nabc\r\n--x--\r\n", "malformed")]
    public async Task Forms_that_are_cut_off_or_malformed(string body, string message) => await s_service.FailAsync(400, Features, Multipart(body, "x"), message);

    [TestMethod]
    public async Task Forms_without_a_boundary() => await s_service.FailAsync(400, Features, Multipart("--x--\r\n", null), "boundary");

    [TestMethod]
    public async Task Headers_of_a_part_without_end()
        => await s_service.FailAsync(400, Features, Multipart($"--x\r\nContent-Disposition: form-data; name=images\r\nX: {new string('a', 1 << 20)}\r\n\r\nabc\r\n--x--\r\n", "x"), "malformed");

    [TestMethod]
    [DataRow(400, "")]
    [DataRow(400, "{")]
    [DataRow(400, """{"images": [NaN]}""")]
    [DataRow(400, """{"indices": [NaN]}""")]
    [DataRow(400, """{"images": "\ud800"}x""")]
    [DataRow(400, """{"images": []} {}""")]
    [DataRow(422, "[]")]
    [DataRow(422, "null")]
    [DataRow(422, """{"images": [1]}""")]
    [DataRow(422, """{"images": {"a": 1}}""")]
    [DataRow(422, """{"images": ["http://localhost/a.jpg"]}""")]
    [DataRow(422, """{"images": ["AAA"]}""")]
    [DataRow(422, """{"indices": [1e999]}""")]
    [DataRow(422, """{"indices": [1, "a"]}""")]
    [DataRow(422, """{"indices": [[[1]]]}""")]
    [DataRow(422, """{"output_stride": 1.5}""")]
    [DataRow(422, """{"norm": "yes"}""")]
    [DataRow(422, """{"kind": {}}""")]
    [DataRow(422, """{"kind": "pooled", "kind": "logits"}""")]
    [DataRow(422, """{"kind": "pooled", "indices": [1]}""")]
    [DataRow(422, """{"kind": "nodes"}""")]
    [DataRow(422, """{"nodes": []}""")]
    [DataRow(422, """{"image": ["AA=="]}""")]
    public async Task JSON_that_is_none_or_says_nothing_sensible(int status, string body) => await s_service.FailAsync(status, Features, RunningService.Json(body));

    [TestMethod]
    public async Task JSON_that_is_deep_or_long()
    {
        await s_service.FailAsync(400, Features, RunningService.Json($"{{\"nodes\": {new string('[', 100_000)}"), "depth");
        await s_service.FailAsync(400, RunningService.EmbeddingsPath, RunningService.Json($"{{\"input\": {string.Concat(Enumerable.Repeat("{\"image_url\":", 100_000))}"), "depth");
        await s_service.FailAsync(422, Features, RunningService.Json($"{{\"indices\": [{string.Join(',', Enumerable.Repeat(1, 1_000_000))}]}}"), "at most 1024 entries");
        await s_service.FailAsync(422, Features, RunningService.Json(new { model = new string('a', 1_000_000), images = new[] { "AA==" } }), "longer than");
        await s_service.FailAsync(422, Features, RunningService.Json($"{{\"{new string('a', 1_000_000)}\": 1}}"), "longer than");
    }

    [TestMethod]
    public async Task Features_that_the_model_does_not_have()
    {
        byte[][] picture = RunningService.Pictures[..1];
        await s_service.FailAsync(422, Features, RunningService.Form(picture, ("kind", "pyramid"), ("indices", "9")), "valid indices are 0 to 4");
        await s_service.FailAsync(422, Features, RunningService.Form(picture, ("nodes", "layer5")), "Did you mean 'layer1'");
        await s_service.FailAsync(422, Features, RunningService.Form(picture, ("kind", "pyramid"), ("output_stride", "7")), "7");
        await s_service.FailAsync(422, Features, RunningService.Form(picture, ("pool", "best")), "best");
        await s_service.FailAsync(422, Features, RunningService.Form(picture, ("kind", "pyramids")), "Did you mean 'pyramid'?");
        await s_service.FailAsync(422, Features, RunningService.Form(picture, ("indices", "a,b")), "'indices' is to be a list");
        await s_service.FailAsync(404, Features, RunningService.Form(picture, ("model", "texture")), "Did you mean 'textures'?");
        await s_service.FailAsync(404, Features, RunningService.Form(picture, ("model", RunningService.DemoWeights)), "is not served here");
        await s_service.FailAsync(422, Features, RunningService.Form([], ("kind", "pooled")), "no picture");
        await s_service.FailAsync(422, Features, RunningService.Form(RunningService.Pictures[..8], ("kind", "pyramid"), ("indices", "0")), "more than the 100000 values");
    }

    /// <summary>The server's clock, not the test's: it is waited for the answer, however long it takes.</summary>
    [TestMethod]
    public async Task A_body_that_comes_too_slowly_is_given_up()
    {
        using TcpClient slow = await ConnectAsync();
        await slow.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"POST {Features} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{{"));
        Task<string> answer = new StreamReader(slow.GetStream()).ReadToEndAsync();
        await s_service.SucceedAsync(Features, RunningService.Form(RunningService.Pictures[..1]));
        Assert.StartsWith("HTTP/1.1 408 ", await answer);
    }

    [TestMethod]
    public async Task Connections_that_end_within_a_request_are_forgotten()
    {
        foreach (string start in (string[])["POST", $"POST {Features} HTTP/1.1\r\nHost: a\r\n", $"POST {Features} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{{\"images\": [\"AAAA"])
        {
            using TcpClient broken = await ConnectAsync();
            NetworkStream stream = broken.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes(start));
            broken.Client.Shutdown(SocketShutdown.Send);
            try
            {
                await new StreamReader(stream).ReadToEndAsync();
            }
            catch (IOException)
            {
                // The server may end it as hard as the client.
            }
        }
    }

    [TestMethod]
    public async Task What_is_no_HTTP()
    {
        using TcpClient client = await ConnectAsync();
        await client.GetStream().WriteAsync("\u0016\u0003\u0001 hello\r\n\r\n"u8.ToArray());
        Assert.StartsWith("HTTP/1.1 400 ", await new StreamReader(client.GetStream()).ReadToEndAsync());
    }

    [TestMethod]
    public async Task Paths_and_methods_that_are_not_there()
    {
        using (HttpResponseMessage response = await s_service.Client.GetAsync("/v1/feature"))
            await RunningService.CheckProblemAsync(response, 404, "", "Did you mean '/v1/features'");
        using (HttpResponseMessage response = await s_service.Client.GetAsync(Features))
            await RunningService.CheckProblemAsync(response, 405, "", "it takes POST");
        using (HttpResponseMessage response = await s_service.Client.GetAsync("/../../etc/passwd"))
            await RunningService.CheckProblemAsync(response, 404, "", "There are /v1/features, /v1/embeddings, ");
    }

    /// <summary>The server may answer and close before it has read everything: then the client sees the answer, or a broken connection.</summary>
    private static async Task FailWithoutReadingAsync(int status, HttpContent content, string path = Features)
    {
        try
        {
            await s_service.FailAsync(status, path, content);
        }
        catch (HttpRequestException e) when (e.InnerException is IOException)
        {
        }
    }

    private static async Task<TcpClient> ConnectAsync()
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, s_service.Service.Address.Port);
        return client;
    }

    private static ByteArrayContent Multipart(string body, string? boundary)
    {
        var content = new ByteArrayContent(Encoding.ASCII.GetBytes(body));
        content.Headers.ContentType = MediaTypeHeaderValue.Parse($"multipart/form-data{(boundary is null ? "" : $"; boundary={boundary}")}");
        return content;
    }

    /// <summary>A few bytes that say they are a large picture.</summary>
    private static byte[] Png(int width, int height)
    {
        using var png = new MemoryStream();
        png.Write([0x89, .. "PNG\r\n\u001a\n"u8]);
        Chunk(png, "IHDR", [(byte)(width >> 24), (byte)(width >> 16), (byte)(width >> 8), (byte)width, (byte)(height >> 24), (byte)(height >> 16), (byte)(height >> 8), (byte)height, 8, 2, 0, 0, 0]);
        using var data = new MemoryStream();
        using (var zip = new ZLibStream(data, CompressionLevel.SmallestSize, leaveOpen: true))
            zip.Write(new byte[1 << 20]);
        Chunk(png, "IDAT", data.ToArray());
        Chunk(png, "IEND", []);
        return png.ToArray();
    }

    private static void Chunk(Stream png, string type, byte[] data)
    {
        byte[] named = [.. Encoding.ASCII.GetBytes(type), .. data];
        png.Write([(byte)(data.Length >> 24), (byte)(data.Length >> 16), (byte)(data.Length >> 8), (byte)data.Length, .. named]);
        uint crc = ~0u;
        foreach (byte b in named)
        {
            crc ^= b;
            for (int i = 0; i < 8; i++)
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
        }
        png.Write([(byte)(~crc >> 24), (byte)(~crc >> 16), (byte)(~crc >> 8), (byte)~crc]);
    }

    private sealed class UnseekableStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }
}
