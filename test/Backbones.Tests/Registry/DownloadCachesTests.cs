using Backbones.Registry;
using Backbones.Tests.Weights;
using Backbones.Weights.Hub;

namespace Backbones.Tests.Registry;

/// <summary>The layouts are those of huggingface_hub ("Manage your cache") and torch.hub.</summary>
[TestClass]
public sealed class DownloadCachesTests
{
    private const string Commit = "0123456789abcdef0123456789abcdef01234567";

    [TestMethod]
    [DataRow("", "/home/me/.cache/huggingface/hub", "/home/me/.cache/torch/hub/checkpoints")]
    [DataRow("XDG_CACHE_HOME=/c", "/c/huggingface/hub", "/c/torch/hub/checkpoints")]
    [DataRow("HF_HOME=~/hf XDG_CACHE_HOME=/c", "/home/me/hf/hub", "/c/torch/hub/checkpoints")]
    [DataRow("HF_HUB_CACHE=/hub HF_HOME=/hf TORCH_HOME=/t", "/hub", "/t/hub/checkpoints")]
    [DataRow("HUGGINGFACE_HUB_CACHE=/old HF_HUB_CACHE=", "/old", "/home/me/.cache/torch/hub/checkpoints")]
    public void The_folders_are_those_that_Python_would_use(string variables, string hub, string checkpoints)
    {
        Dictionary<string, string> values = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(v => v.Split('=')).ToDictionary(v => v[0], v => v[1]);
        DownloadCaches caches = new(HubOptions.FromEnvironment(values.GetValueOrDefault, "/home/me"));
        Assert.AreEqual((hub, checkpoints), (caches.Hub.Replace('\\', '/'), caches.Checkpoints.Replace('\\', '/')));
    }

    [TestMethod]
    public void A_model_that_timm_downloaded_is_found_by_its_name()
    {
        using TemporaryFolder folder = new();
        DownloadCaches caches = new(folder.Path, folder.File("none"));
        PretrainedConfig config = ModelNames.GetConfig("resnet50.a1_in1k");
        Assert.IsNull(caches.FindWeights(config));
        string snapshot = Download(folder.Path, "models--timm--resnet50.a1_in1k");
        Assert.IsNull(caches.FindWeights(config), "A snapshot may have the config alone.");
        File.WriteAllBytes(Path.Combine(snapshot, "pytorch_model.bin"), []);
        File.WriteAllBytes(Path.Combine(snapshot, "model.safetensors"), []);
        Assert.AreEqual(Path.Combine(snapshot, "model.safetensors"), caches.FindWeights(config));
        Assert.IsNull(caches.FindWeights(config with { HfHubFilename = "other.bin" }));
        Assert.AreEqual(Path.Combine(snapshot, "model.safetensors"), caches.FindWeights(config with { HfHubFilename = "pytorch_model.bin" }), "timm prefers the safe alternative.");
        File.Delete(Path.Combine(snapshot, "model.safetensors"));
        Assert.AreEqual(Path.Combine(snapshot, "pytorch_model.bin"), caches.FindWeights(config with { HfHubFilename = "pytorch_model.bin" }));
    }

    [TestMethod]
    public void A_checkpoint_that_torchvision_downloaded_is_found_by_its_files_name()
    {
        using TemporaryFolder folder = new();
        DownloadCaches caches = new(folder.File("none"), folder.Path);
        PretrainedConfig config = ModelNames.GetConfig("torchvision/resnet50");
        Assert.IsNull(caches.FindWeights(config));
        string file = folder.File(Path.GetFileName(config.Url!));
        File.WriteAllBytes(file, []);
        Assert.AreEqual(file, caches.FindWeights(config));
    }

    [TestMethod]
    [DataRow("main", true)]
    [DataRow(Commit, true)]
    [DataRow("v2", false)]
    [DataRow("../refs", false)]
    [DataRow("..", false)]
    public void A_revision_is_a_branch_or_a_commit_and_leads_nowhere_else(string revision, bool isThere)
    {
        using TemporaryFolder folder = new();
        string snapshot = Download(folder.Path, "models--a--b");
        Assert.AreEqual(isThere ? snapshot : null, new DownloadCaches(folder.Path, "").FindSnapshot("a/b", revision));
    }

    [TestMethod]
    public void A_branch_file_that_leads_elsewhere_is_ignored()
    {
        using TemporaryFolder folder = new();
        Download(folder.Path, "models--a--b");
        File.WriteAllText(Path.Combine(folder.Path, "models--a--b", "refs", "main"), "../refs");
        Assert.IsNull(new DownloadCaches(folder.Path, "").FindSnapshot("a/b"));
    }

    [TestMethod]
    public void Names_find_downloads_after_folders_and_hub_names_find_them_with_their_config()
    {
        using TemporaryFolder folder = new();
        string? before = Environment.GetEnvironmentVariable("HF_HUB_CACHE");
        Environment.SetEnvironmentVariable("HF_HUB_CACHE", folder.Path);
        try
        {
            string missing = Assert.ThrowsExactly<FileNotFoundException>(() => WeightsLocator.Find("hf-hub:me/textures")).Message;
            StringAssert.Contains(missing, folder.Path);
            StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => WeightsLocator.Find("resnet50.a1_in1k")).Message, $"nothing downloaded in '{folder.Path}'");

            string published = Path.Combine(Download(folder.Path, "models--timm--resnet50.a1_in1k"), "model.safetensors");
            File.WriteAllBytes(published, []);
            Assert.AreEqual((published, "resnet50.a1_in1k"), (WeightsLocator.Find("resnet50").WeightsFile, WeightsLocator.Find("resnet50").Config.Name));

            string own = Download(folder.Path, "models--me--textures");
            foreach (string file in Directory.GetFiles(WeightsTestData.DemoFolder))
                File.Copy(file, Path.Combine(own, Path.GetFileName(file)));
            LocatedModel found = WeightsLocator.Find("hf-hub:me/textures");
            Assert.AreEqual((Path.Combine(own, "model.safetensors"), "test_resnet.textures16"), (found.WeightsFile, found.Config.Name));
            Assert.AreEqual("test_resnet.textures16", WeightsLocator.FindConfig("hf-hub:me/textures@main").Config.Name);
            using var backbone = Backbone.Create("hf-hub:me/textures");
            Assert.AreEqual(16, backbone.Config.NumClasses);
        }
        finally
        {
            Environment.SetEnvironmentVariable("HF_HUB_CACHE", before);
        }
    }

    [TestMethod]
    public void A_folder_of_ones_own_is_looked_into_instead()
    {
        using TemporaryFolder folder = new();
        string own = Download(folder.Path, "models--me--textures");
        foreach (string file in Directory.GetFiles(WeightsTestData.DemoFolder))
            File.Copy(file, Path.Combine(own, Path.GetFileName(file)));
        var options = new BackboneOptions { CacheDir = folder.Path };
        using (Backbone backbone = Backbone.Create("hf-hub:me/textures", options))
            Assert.AreEqual(Path.Combine(own, "model.safetensors"), backbone.Parameters.Source);
        Assert.AreEqual(16, Backbone.Describe("hf-hub:me/textures", FeatureSelection.Logits, options)[0].Shape[0]);
        Assert.ThrowsExactly<FileNotFoundException>(() => Backbone.Create("hf-hub:me/textures"));
        StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => Backbone.Create("resnet50", options)).Message, $"nothing downloaded in '{folder.Path}'. Give");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => Backbone.Create("resnet50", new BackboneOptions { CacheDir = "" })).Message, "CacheDir '' is no folder");

        // Weights that have an address lie beside the folders.
        string file18 = new Uri(ModelNames.GetConfig("torchvision/resnet18").Url!).Segments[^1];
        File.WriteAllBytes(folder.File(file18), []);
        Assert.AreEqual(folder.File(file18), WeightsLocator.Find("torchvision/resnet18", downloader: options.Downloader).WeightsFile);
    }

    /// <summary>A repository with one commit, its main branch; gives back the commit's folder.</summary>
    private static string Download(string hub, string repository)
    {
        Directory.CreateDirectory(Path.Combine(hub, repository, "refs"));
        File.WriteAllText(Path.Combine(hub, repository, "refs", "main"), Commit);
        return Directory.CreateDirectory(Path.Combine(hub, repository, "snapshots", Commit)).FullName;
    }
}
