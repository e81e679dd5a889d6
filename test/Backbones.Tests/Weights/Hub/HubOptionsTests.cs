using Backbones.Weights.Hub;

namespace Backbones.Tests.Weights.Hub;

/// <summary>The variables are those of huggingface_hub ("Environment variables") and torch.</summary>
[TestClass]
public sealed class HubOptionsTests
{
    [TestMethod]
    [DataRow("", null)]
    [DataRow("TIMM_FEATURES_OFFLINE=1", "TIMM_FEATURES_OFFLINE=1")]
    [DataRow("TIMM_FEATURES_OFFLINE=0", null)]
    [DataRow("HF_HUB_OFFLINE=yes", "HF_HUB_OFFLINE=yes")]
    [DataRow("TRANSFORMERS_OFFLINE=True", "TRANSFORMERS_OFFLINE=True")]
    [DataRow("HF_ENDPOINT=hub.example", "HF_ENDPOINT=hub.example is no address such as https://huggingface.co")]
    [DataRow("HF_ENDPOINT=ftp://hub.example", "HF_ENDPOINT=ftp://hub.example is no address such as https://huggingface.co")]
    public void The_environment_can_forbid_downloads(string variables, string? reason) => Assert.AreEqual(reason, Read(variables).Offline);

    [TestMethod]
    [DataRow("", "https://huggingface.co/")]
    [DataRow("HF_ENDPOINT=https://mirror.example/hf/", "https://mirror.example/hf")]
    public void The_environment_says_the_endpoint(string variables, string endpoint) => Assert.AreEqual(endpoint, Read(variables).Endpoint.AbsoluteUri);

    [TestMethod]
    [DataRow("HF_TOKEN=hf_a HUGGING_FACE_HUB_TOKEN=hf_b", "hf_a")]
    [DataRow("HUGGING_FACE_HUB_TOKEN=hf_b HF_TOKEN_PATH={0}", "hf_b")]
    [DataRow("HF_TOKEN_PATH={0}", "hf_file")]
    [DataRow("HF_HOME={1}", "hf_file")]
    [DataRow("HF_TOKEN_PATH={0} HF_HUB_DISABLE_IMPLICIT_TOKEN=1", null)]
    [DataRow("HF_TOKEN_PATH={0}.none", null)]
    public void The_token_is_where_Python_looks_for_it(string variables, string? token)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("token"), " hf_file\r\n");
        Assert.AreEqual(token, Read(string.Format(null, variables, folder.File("token"), folder.Path)).Token);
    }

    [TestMethod]
    public void Timeouts_and_links_are_settings()
    {
        HubOptions options = Read("HF_HUB_ETAG_TIMEOUT=3 HF_HUB_DOWNLOAD_TIMEOUT=40 HF_HUB_DISABLE_SYMLINKS=1");
        Assert.AreEqual((3, 40, false), (options.AnswerTimeout.TotalSeconds, options.ReadTimeout.TotalSeconds, options.UseLinks));
        options = Read("HF_HUB_ETAG_TIMEOUT=x HF_HUB_DOWNLOAD_TIMEOUT=-1");
        Assert.AreEqual((10, 10, true), (options.AnswerTimeout.TotalSeconds, options.ReadTimeout.TotalSeconds, options.UseLinks));
    }

    [TestMethod]
    public void Folders_may_name_variables() => Assert.AreEqual("/scratch/me/hub", Read("HF_HUB_CACHE=$SCRATCH/${USER}/hub SCRATCH=/scratch USER=me").CacheFolder);

    /// <summary>timm hands its cache_dir to huggingface_hub and to torch.</summary>
    [TestMethod]
    public void A_folder_of_ones_own_takes_the_place_of_both_caches()
    {
        Dictionary<string, string> values = new() { ["HF_HUB_CACHE"] = "/hub", ["TORCH_HOME"] = "/torch", ["HF_TOKEN"] = "hf_a" };
        HubOptions options = HubOptions.FromEnvironment(values.GetValueOrDefault, "/home/me", "/mine");
        string mine = Path.GetFullPath("/mine");
        Assert.AreEqual((mine, mine, "hf_a"), (options.CacheFolder, options.CheckpointFolder, options.Token));
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => HubOptions.FromEnvironment(values.GetValueOrDefault, "/home/me", " ")).Message, "CacheDir ' ' is no folder");
    }

    [TestMethod]
    public async Task A_token_that_is_none_is_refused_and_not_shown()
    {
        using LocalHub hub = new();
        HubOptions options = new() { CacheFolder = hub.Cache, CheckpointFolder = hub.Checkpoints, Endpoint = hub.Server.Address, Token = "hf_se cret" };
        DownloadException e = await hub.FailAsync(options: options);
        Assert.AreEqual(DownloadFailure.Denied, e.Failure);
        Assert.IsFalse(e.ToString().Contains("cret", StringComparison.Ordinal) && e.ToString().Contains("hf_se", StringComparison.Ordinal));
    }

    private static HubOptions Read(string variables)
    {
        Dictionary<string, string> values = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(v => v.Split('=', 2)).ToDictionary(v => v[0], v => v[1]);
        return HubOptions.FromEnvironment(values.GetValueOrDefault, "/home/me");
    }
}
