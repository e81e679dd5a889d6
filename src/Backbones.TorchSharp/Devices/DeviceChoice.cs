using System.Globalization;

namespace Backbones.Engines.Torch;

/// <summary>Turns a device's name into devices that are there, or says why it cannot.</summary>
internal static class DeviceChoice
{
    private const string Valid = "Valid devices are 'auto', 'cpu', 'cuda', 'cuda:N' and 'cuda:all'.";

    /// <summary>The devices that a name means.</summary>
    /// <param name="name">As in <see cref="TorchSharpOptions.Device"/>.</param>
    /// <param name="gpus">Number of CUDA devices.</param>
    /// <param name="noGpu">Why there is none, where there is none.</param>
    /// <exception cref="ArgumentException">The name is none.</exception>
    /// <exception cref="TorchSharpUnavailableException">The device is not there.</exception>
    public static IReadOnlyList<torch.Device> Resolve(string name, int gpus, string noGpu)
    {
        ArgumentNullException.ThrowIfNull(name);
        var cpu = new torch.Device(TorchSharp.DeviceType.CPU, -1);
        switch (name)
        {
            case "cpu": return [cpu];
            case "auto": return [gpus > 0 ? Gpu(0) : cpu];
        }
        if (name != "cuda" && !name.StartsWith("cuda:", StringComparison.Ordinal))
            throw new ArgumentException($"Unknown device '{name}'. {Valid}", nameof(name));

        string index = name == "cuda" ? "0" : name["cuda:".Length..];
        int number = 0;
        if (index != "all" && !int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out number))
            throw new ArgumentException($"Unknown device '{name}': '{index}' is no GPU number. {Valid}", nameof(name));
        if (number < gpus)
            return index == "all" ? [.. Enumerable.Range(0, gpus).Select(Gpu)] : [Gpu(number)];
        throw new TorchSharpUnavailableException(gpus == 0
            ? $"Device '{name}' was asked for. {noGpu}, or choose 'cpu' or 'auto'."
            : $"Device '{name}' was asked for and this machine has {gpus} CUDA device{(gpus == 1 ? "" : "s")}: 'cuda:0'{(gpus == 1 ? "" : $" to 'cuda:{gpus - 1}'")}.");
    }

    private static torch.Device Gpu(int index) => new(TorchSharp.DeviceType.CUDA, index);
}
