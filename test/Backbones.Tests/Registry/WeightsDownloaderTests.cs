using System.Text;
using Backbones.Registry;
using Backbones.Tests.Weights;
using Backbones.Tests.Weights.Hub;
using Backbones.Weights;
using Backbones.Weights.Hub;

namespace Backbones.Tests.Registry;

/// <summary>From a name to a file that was not there before.</summary>
[TestClass]
public sealed class WeightsDownloaderTests
{
    private static readonly string[] NoFolders = [];

    [TestMethod]
    [DataRow("config.json model.safetensors pytorch_model.bin", "model.safetensors")]
    [DataRow("config.json pytorch_model.bin", "pytorch_model.bin")]
    [DataRow("config.json open_clip_model.safetensors", "open_clip_model.safetensors")]
    public void A_registrys_name_is_downloaded_from_its_repository(string files, string taken)
    {
        using LocalHub hub = new();
        hub.Files.Clear();
        foreach (string file in files.Split(' '))
            hub.Files[file] = Encoding.UTF8.GetBytes(file);
        hub.OnHub = r => Serve(hub, r, "timm/resnet50.a1_in1k");
        LocatedModel found = WeightsLocator.Find("resnet50", folders: NoFolders, downloader: Downloader(hub));
        Assert.AreEqual((Path.Combine(hub.Cache, "models--timm--resnet50.a1_in1k", "snapshots", LocalHub.Commit, taken), "resnet50.a1_in1k"), (found.WeightsFile, found.Config.Name));
        Assert.AreEqual(("timm/resnet50.a1_in1k/" + taken, "apache-2.0"), (hub.Reports[0].File, hub.Reports[0].License));

        int requests = hub.Server.Requests.Length;
        Assert.AreEqual(found.WeightsFile, WeightsLocator.Find("resnet50", folders: NoFolders, downloader: Downloader(hub, offline: "HF_HUB_OFFLINE=1")).WeightsFile, "Then it is there.");
        Assert.HasCount(requests, hub.Server.Requests);
    }

    [TestMethod]
    public void A_repository_without_weights_is_an_error_that_lists_what_was_asked_for()
    {
        using LocalHub hub = new();
        hub.Files.Remove(LocalHub.Large);
        hub.OnHub = r => Serve(hub, r, "timm/resnet50.a1_in1k");
        DownloadException e = Assert.ThrowsExactly<DownloadException>(() => WeightsLocator.Find("resnet50", folders: NoFolders, downloader: Downloader(hub)));
        StringAssert.Contains(e.Message, "The weights of 'resnet50.a1_in1k' are not on this machine and cannot be downloaded.");
        StringAssert.Contains(e.Message, "neither model.safetensors nor pytorch_model.bin");
        StringAssert.Contains(e.Message, "give the file or folder as weights path", "What else is possible.");
        StringAssert.Contains(e.Message, "'weights/resnet50.a1_in1k.safetensors'");
    }

    [TestMethod]
    public void A_repository_of_the_hub_is_downloaded_with_its_config()
    {
        using LocalHub hub = new();
        foreach (string file in Directory.GetFiles(WeightsTestData.DemoFolder))
            hub.Files[Path.GetFileName(file)] = File.ReadAllBytes(file);
        Assert.AreEqual("test_resnet.textures16", WeightsLocator.FindConfig("hf-hub:me/model", downloader: Downloader(hub)).Config.Name);
        Assert.IsEmpty(hub.Cdn.Requests, "The config needs no weights.");
        LocatedModel found = WeightsLocator.Find("hf-hub:me/model@main", downloader: Downloader(hub));
        using ParameterStore store = ParameterStore.Open(found.WeightsFile);
        Assert.AreEqual(("test_resnet.textures16", 16), (found.Config.Name, store["fc.weight"].Shape[0]));
        StringAssert.Contains(hub.Server.Requests.Last(r => r.Method == "HEAD").Path, $"/resolve/{LocalHub.Commit}/model.safetensors", "Weights and config are of one commit.");
        Assert.AreEqual(found.WeightsFile, WeightsLocator.Find("hf-hub:me/model", downloader: Downloader(hub, offline: "HF_HUB_OFFLINE=1")).WeightsFile);
    }

    [TestMethod]
    public void A_folder_of_ones_own_gets_downloads_of_both_kinds_and_is_looked_into()
    {
        using LocalHub hub = new();
        using TemporaryFolder folder = new();
        foreach (string file in Directory.GetFiles(WeightsTestData.DemoFolder))
            hub.Files[Path.GetFileName(file)] = File.ReadAllBytes(file);
        Dictionary<string, string> variables = new() { ["HF_ENDPOINT"] = hub.Server.Address.AbsoluteUri };
        LocatedModel found = WeightsLocator.Find("hf-hub:me/model", downloader: Downloader());
        StringAssert.StartsWith(found.WeightsFile, Path.Combine(folder.Path, "models--me--model", "snapshots"));
        hub.OnCdn = r => Answer.Part(r, [1, 2, 3]);
        string address = $"resnet50-{LocalHub.Sha256([1, 2, 3])[..8]}.pth";
        Assert.AreEqual(folder.File(address), Downloader().GetWeights(ModelNames.GetConfig("torchvision/resnet50") with { Url = $"{hub.Cdn.Address}{address}" }));
        Assert.IsFalse(Path.Exists(hub.Cache) || Path.Exists(hub.Checkpoints));
        variables["HF_HUB_OFFLINE"] = "1";
        Assert.AreEqual(found.WeightsFile, WeightsLocator.Find("hf-hub:me/model", downloader: Downloader()).WeightsFile);

        WeightsDownloader Downloader() => new(options: HubOptions.FromEnvironment(variables.GetValueOrDefault, folder.Path, folder.Path));
    }

    [TestMethod]
    public void Weights_in_several_files_are_downloaded_with_their_index()
    {
        using LocalHub hub = new();
        Shard(hub);
        LocatedModel found = WeightsLocator.Find("hf-hub:me/model", downloader: Downloader(hub));
        Assert.AreEqual("model.safetensors.index.json", Path.GetFileName(found.WeightsFile));
        using (ParameterStore store = ParameterStore.Open(found.WeightsFile))
        using (ParameterStore whole = ParameterStore.Open(WeightsTestData.DemoFile))
            Assert.AreEqual(whole.ContentHash, store.ContentHash);
        int requests = hub.Server.Requests.Length;
        using (Backbone backbone = Backbone.Open(WeightsLocator.Find("hf-hub:me/model", downloader: Downloader(hub)), new BackboneOptions()))
            Assert.AreEqual(16, backbone.Config.NumClasses);
        Assert.HasCount(requests, hub.Server.Requests, "Then it is there.");
    }

    [TestMethod]
    public void A_download_of_several_files_that_was_broken_off_is_gone_on_with()
    {
        using LocalHub hub = new();
        Shard(hub);
        byte[] second = hub.Files["model-00002-of-00002.safetensors"];
        hub.Files.Remove("model-00002-of-00002.safetensors");
        DownloadException e = Assert.ThrowsExactly<DownloadException>(() => WeightsLocator.Find("hf-hub:me/model", downloader: Downloader(hub)));
        StringAssert.Contains(e.Message, "There is no file me/model/model-00002-of-00002.safetensors");
        StringAssert.Contains(e.Message, "give that as 'local-dir:PATH'");
        hub.Files["model-00002-of-00002.safetensors"] = second;
        File.Delete(Path.Combine(hub.Folder, ".no_exist", LocalHub.Commit, "model-00002-of-00002.safetensors"));
        LocatedModel found = WeightsLocator.Find("hf-hub:me/model", downloader: Downloader(hub));
        using ParameterStore store = ParameterStore.Open(found.WeightsFile);
        Assert.HasCount(1, hub.Cdn.Requests.Where(r => r.Path.Contains(LocalHub.Sha256(second), StringComparison.Ordinal)).ToArray());
    }

    [TestMethod]
    [DataRow("""{"weight_map":{"a":"../config.json"}}""", "must name a file beside it")]
    [DataRow("""{"weight_map":""", "not valid JSON")]
    public void An_index_that_is_none_is_an_error(string index, string what)
    {
        using LocalHub hub = new();
        Shard(hub);
        hub.Files["model.safetensors.index.json"] = Encoding.UTF8.GetBytes(index);
        StringAssert.Contains(Assert.ThrowsExactly<WeightsFormatException>(() => WeightsLocator.Find("hf-hub:me/model", downloader: Downloader(hub))).Message, what);
    }

    [TestMethod]
    public void A_config_that_is_cut_off_is_called_so()
    {
        using LocalHub hub = new();
        hub.Files[LocalHub.Small] = """{"architecture":"test_res"""u8.ToArray();
        WeightsFormatException e = Assert.ThrowsExactly<WeightsFormatException>(() => WeightsLocator.Find("hf-hub:me/model", downloader: Downloader(hub)));
        StringAssert.Contains(e.Message, "config.json: not valid JSON");
    }

    [TestMethod]
    public void Weights_with_an_address_come_from_there()
    {
        using LocalHub hub = new();
        hub.OnCdn = r => Answer.Part(r, [1, 2, 3]);
        string digits = LocalHub.Sha256([1, 2, 3])[..8];
        PretrainedConfig config = ModelNames.GetConfig("torchvision/resnet50") with { Url = $"{hub.Cdn.Address}resnet50-{digits}.pth" };
        Assert.AreEqual(Path.Combine(hub.Checkpoints, $"resnet50-{digits}.pth"), Downloader(hub).GetWeights(config));
        StringAssert.Contains(Assert.ThrowsExactly<DownloadException>(() => Downloader(hub).GetWeights(config with { Url = null })).Message, "No weights of 'torchvision/resnet50.imagenet1k_v2' were published.");
    }

    [TestMethod]
    public void Every_address_of_the_registry_is_one_of_a_file()
    {
        foreach (string name in ModelNames.List(pretrained: true).Concat(ModelNames.List(module: ["torchvision"], pretrained: true)))
        {
            PretrainedConfig config = ModelNames.GetConfig(name);
            Assert.IsTrue(config.HfHubId is null || HubNames.IsRepository(config.HfHubId), config.HfHubId);
            Assert.IsTrue(config.Url is null || (new Uri(config.Url) is { Scheme: "https" } url && HubNames.IsPlain(url.Segments[^1])), config.Url);
        }
    }

    [TestMethod]
    [DataRow(DownloadMode.WhenMissing, "TIMM_FEATURES_OFFLINE=1")]
    [DataRow(DownloadMode.Never, "DownloadMode.Never was given")]
    public void Where_downloads_are_off_the_message_says_what_turned_them_off(DownloadMode mode, string reason)
    {
        BackboneOptions options = new() { Download = mode };
        string message = Assert.ThrowsExactly<FileNotFoundException>(() => Backbone.Create("resnet50", options)).Message;
        StringAssert.StartsWith(message, "No weights for 'resnet50' on this machine");
        StringAssert.EndsWith(message, $"It was not downloaded because {reason}.");
        message = Assert.ThrowsExactly<FileNotFoundException>(() => Backbone.Create("hf-hub:me/model", options)).Message;
        StringAssert.EndsWith(message, $"It was not downloaded because {reason}.");
    }

    [TestMethod]
    public void A_model_that_has_no_published_weights_is_not_asked_for()
    {
        using LocalHub hub = new();
        string name = ModelNames.List().First(n => !ModelNames.GetConfig(n).HasWeights);
        Assert.ThrowsExactly<FileNotFoundException>(() => WeightsLocator.Find(name, folders: NoFolders, downloader: Downloader(hub)));
        Assert.IsEmpty(hub.Server.Requests);
    }

    /// <summary>The demo model with its weights in two files.</summary>
    private static void Shard(LocalHub hub)
    {
        using ParameterStore whole = ParameterStore.Open(WeightsTestData.DemoFile);
        hub.Files.Clear();
        hub.Files["config.json"] = File.ReadAllBytes(Path.Combine(WeightsTestData.DemoFolder, "config.json"));
        StringBuilder map = new();
        for (int i = 0; i < 2; i++)
        {
            ParameterTensor[] part = [.. whole.Tensors.Where((_, n) => n % 2 == i)];
            string name = $"model-0000{i + 1}-of-00002.safetensors";
            MemoryStream file = new();
            SafetensorsWriter.Write(file, part);
            hub.Files[name] = file.ToArray();
            map.AppendJoin("", part.Select(t => $"{(map.Length > 0 || t != part[0] ? "," : "")}\"{t.Name}\":\"{name}\""));
        }
        hub.Files["model.safetensors.index.json"] = Encoding.UTF8.GetBytes($"{{\"metadata\":{{}},\"weight_map\":{{{map}}}}}");
    }

    private static WeightsDownloader Downloader(LocalHub hub, string? offline = null) => new(DownloadMode.WhenMissing, hub.Progress, hub.Options(offline));

    /// <summary>The hub's files under another repository's name.</summary>
    private static Answer? Serve(LocalHub hub, Request request, string repository)
        => request.Path.StartsWith($"/{repository}/", StringComparison.Ordinal) ? hub.Serve(request with { Path = $"/{LocalHub.Repository}{request.Path[(repository.Length + 1)..]}" }) : null;
}
