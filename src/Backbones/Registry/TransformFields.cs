using System.Globalization;
using Backbones.Graphs;
using Backbones.Imaging;

namespace Backbones.Registry;

/// <summary>Makes sure that a config's fields are an image transform, before a picture is blamed for them.</summary>
internal static class TransformFields
{
    /// <exception cref="FormatException">A field has a value that no transform has; the message names it and says what it must be.</exception>
    public static void Check(PretrainedConfig config)
    {
        int channels = config.InputSize[0];
        Exception? problem = null;
        if (channels is 1 or 3 && HasCount(config.Mean.Length, channels) && HasCount(config.Std.Length, channels))
        {
            // What the model will do with it anyway: a sound config costs the first output nothing more.
            try
            {
                _ = new ImageTransform(ImageTransformOptions.Resolve(config.ToDataConfig()));
                if (config.TestInputSize is not null || config.TestCropPct is not null)
                    _ = new ImageTransform(ImageTransformOptions.Resolve(config.ToDataConfig(), useTestSize: true));
                return;
            }
            catch (ArgumentException e)
            {
                problem = e;
            }
        }
        RequireName("interpolation", config.Interpolation, Enum.GetNames<Interpolation>());
        RequireName("crop_mode", config.CropMode, Enum.GetNames<CropMode>());
        RequireCropPct("crop_pct", config.CropPct);
        RequireCropPct("test_crop_pct", config.TestCropPct ?? 0);
        RequireValues("mean", config.Mean, channels, double.IsFinite, "finite numbers");
        RequireValues("std", config.Std, channels, s => double.IsFinite(s) && (float)s != 0, "finite numbers, none of them 0");
        if (problem is not null)
            throw new FormatException(problem.Message, problem);
    }

    /// <summary>Of colours there may be three values whatever the channels, as timm averages them.</summary>
    private static bool HasCount(int values, int channels) => values is 1 or 3 || values == channels;

    private static void RequireName(string field, string name, string[] names)
    {
        string[] valid = [.. names.Select(n => n.ToLowerInvariant())];
        if (!valid.Contains(name))
            throw new FormatException($"'{field}' is '{name}'; it must be {string.Join(", ", valid[..^1])} or {valid[^1]}.{NearestName.Suggest(name, valid)}");
    }

    /// <summary>0 is "not said" in timm.</summary>
    private static void RequireCropPct(string field, double value)
    {
        if (value < 0 || !double.IsFinite(value))
            throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"'{field}' is {value}; it must be a number above 0, usually 0.8 to 1."));
    }

    private static void RequireValues(string field, IReadOnlyCollection<double> values, int channels, Func<double, bool> isValid, string valid)
    {
        if (!HasCount(values.Count, channels) || !values.All(isValid))
            throw new FormatException(string.Create(CultureInfo.InvariantCulture,
                $"'{field}' is [{string.Join(", ", values.Select(v => v.ToString(CultureInfo.InvariantCulture)))}]; it must be a list of {(channels is 1 or 3 ? "" : $"{channels}, ")}3 or 1 {valid}."));
    }
}
