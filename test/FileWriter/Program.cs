using Backbones;

// FileWriter safetensors|onnx|torchscript PATH [forever]: writes a model's random weights, once or again and again; prints a line after the first time.
using var backbone = Backbone.Create("test_resnet", new BackboneOptions { RandomWeights = true });
Action write = args[0] switch
{
    "safetensors" => () => backbone.SaveWeights(args[1]),
    "onnx" => () => backbone.ExportOnnx(FeatureSelection.Pooled(), args[1]),
    "torchscript" => () => backbone.ExportTorchScript(FeatureSelection.Pooled(), args[1]),
    _ => throw new ArgumentException($"There is no kind '{args[0]}'; valid are safetensors, onnx and torchscript."),
};
try
{
    write();
}
catch (IOException e)
{
    Console.WriteLine($"IOException: {e.Message}");
    return;
}
Console.WriteLine("written");
while (args is [.., "forever"])
    write();
