using Backbones.Graphs;
using Backbones.Imaging;
using Backbones.Models;
using Backbones.Registry;
using Backbones.Weights;
using Backbones.Weights.Hub;

namespace Backbones;

/// <summary>How <see cref="Backbone.Create"/> makes a backbone. Weights are the file given, or those found by name, downloaded if need be; random ones only when asked for.</summary>
public sealed record BackboneOptions
{
    /// <summary>A weights file (safetensors, .pth, the index of several files), or a folder with config.json and weights as timm saves it; null to look the name up.</summary>
    public string? WeightsPath { get; init; }

    /// <summary>Where the weights are a part of a larger model's file: what stands before this model's keys (<c>backbone.</c>, <c>encoder.</c>); other keys are left
    /// aside. What timm drops by itself, <c>module.</c> and <c>_orig_mod.</c>, need not be given.</summary>
    public string? KeyPrefix { get; init; }

    /// <summary>Whether published weights that are not on this machine are downloaded. Default <see cref="DownloadMode.WhenMissing"/>, as timm's <c>pretrained=True</c>;
    /// the environment can forbid it (<c>TIMM_FEATURES_OFFLINE=1</c>, <c>HF_HUB_OFFLINE=1</c>).</summary>
    public DownloadMode Download { get; init; }

    /// <summary>Folder where downloads are kept and looked for, as timm's <c>cache_dir</c>; null for the caches of the Hugging Face Hub and of torch, which are Python's, too, and which variables of the
    /// environment can move. It has the layout of the Hub's cache, and beside its folders the files that have an address.</summary>
    public string? CacheDir { get; init; }

    /// <summary>Gets reports of a download: name, size, license and source first.</summary>
    public IProgress<DownloadProgress>? DownloadProgress { get; init; }

    /// <summary>Use deterministic random weights, made from the parameters' names: for tests and demonstrations of speed, never for features that mean something.</summary>
    public bool RandomWeights { get; init; }

    /// <summary>Input height and width, 1 or more; null for the model's own. Position embeddings are resampled as timm does.</summary>
    public Size2? ImageSize { get; init; }

    /// <summary>Take the input size and crop that test best (<c>test_input_size</c>, <c>test_crop_pct</c>) where the weights' config has them, as timm's <c>use_test_size</c>. An <see cref="ImageSize"/> of one's own counts before.</summary>
    public bool UseTestSize { get; init; }

    /// <summary>Input channels, 1 or more; null for the model's own. The first convolution is adapted as timm does (<c>adapt_input_conv</c>).</summary>
    public int? InChannels { get; init; }

    /// <summary>Changes what the weights' config says, before the model is made: crop, filter, mean and deviation of the image transform, or how the model is made
    /// (<see cref="PretrainedConfig.WithModelArgs"/>). timm's <c>pretrained_cfg_overlay</c>, and the arguments of <c>create_model</c> that have no setting here.</summary>
    /// <example><code>ConfigOverlay = config => config with { CropPct = 1, CropMode = "squash" }</code></example>
    public Func<PretrainedConfig, PretrainedConfig>? ConfigOverlay { get; init; }

    /// <summary>Check every weight for NaN and infinity when loading.</summary>
    public bool CheckFinite { get; init; } = true;

    internal WeightsDownloader Downloader => new(Download, DownloadProgress, cacheDir: CacheDir);

    /// <summary>The config as it counts.</summary>
    /// <param name="config">What the weights are.</param>
    /// <param name="file">The config.json that says so; null where it is the registry.</param>
    /// <exception cref="ArgumentException">The overlay gives none, or one with an image transform that does not exist.</exception>
    /// <exception cref="WeightsFormatException">The config.json has an image transform that does not exist.</exception>
    /// <exception cref="UnknownModelException">The config.json is of an architecture that there is not.</exception>
    internal PretrainedConfig Overlaid(PretrainedConfig config, string? file = null)
    {
        if (ConfigOverlay is not { } change)
            return file is null ? config : Checked(config, file);
        config = change(config) ?? throw new ArgumentException($"{nameof(ConfigOverlay)} gave null for the config of '{config.Name}'.", nameof(ConfigOverlay));
        // What is wrong with the transform is told of now, not by the first picture.
        ImageTransformOptions transform = ImageTransformOptions.Resolve(config.ToDataConfig());
        if (transform.Channels is 1 or 3)
            _ = new ImageTransform(transform);
        return config;
    }

    /// <summary>A config.json may be anybody's: what it has that there is not is told with its name and the field.</summary>
    private static PretrainedConfig Checked(PretrainedConfig config, string file)
    {
        try
        {
            TransformFields.Check(config);
            // Files of older versions of timm have its names.
            if (!ModelCatalog.Contains(config.Architecture))
                config = config with { Architecture = ModelNames.GetConfig(config.Architecture).Architecture };
            return config;
        }
        catch (FormatException e)
        {
            throw new WeightsFormatException(file, e.Message, e);
        }
        catch (UnknownModelException e)
        {
            throw new UnknownModelException(e, $"{file}: 'architecture': {e.Message}");
        }
        catch (ArgumentException e)
        {
            throw new WeightsFormatException(file, $"'architecture': {e.Message}", e);
        }
    }
}
