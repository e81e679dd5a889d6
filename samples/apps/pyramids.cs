#:project ../../src/Microsoft.ML.TimmFeatures.Interactive/Microsoft.ML.TimmFeatures.Interactive.csproj
#:property PublishAot=false

// Draws a backbone's feature pyramid, its hidden states and a node chosen by name.
// dotnet run -c Release samples/apps/pyramids.cs [folder for the pictures]
using Backbones;
using Backbones.Imaging;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Interactive;

string samples = Path.Combine((string)AppContext.GetData("EntryPointFileDirectoryPath")!, "..");
string folder = args.Length > 0 ? args[0] : Path.Combine(Path.GetTempPath(), "timm-features-pictures");
string weights = Path.Combine(samples, "weights", "test_resnet.textures16"), texture = Path.Combine(samples, "textures", "scales", "scales_04.jpg");

// Levels are known without running anything.
using var backbone = Backbone.Create("test_resnet.textures16", new BackboneOptions { WeightsPath = weights });
Console.WriteLine(FeatureTable.Of(backbone.FeatureInfo));

// The pyramid of one picture: nine channels of every level beside the picture itself.
using MLImage image = MLImage.CreateFromFile(texture);
var pixels = new ImagePixels(image.Pixels.ToArray(), image.Width, image.Height, PixelFormat.Bgra32);
using FeatureExtractor pyramid = backbone.Extract(FeatureSelection.Pyramid());
FeatureBatch levels = pyramid.Run(pixels);
var nine = new GridOptions { MaxChannels = 9, CellSize = 58, Gap = 3 };
FeaturePictures.Row([FeaturePicture.Of(image, height: 180), .. levels.Tensors.Select(level => FeaturePictures.Grid(level, options: nine))])
    .Save(Path.Combine(folder, "pyramid.png"));

// Hidden states after the blocks, as maps of strength; then one node by name.
using FeatureExtractor blocks = backbone.Extract(FeatureSelection.Intermediates());
FeaturePictures.Row(blocks.Run(pixels).Tensors.Select(state => FeaturePictures.Strength(state))).Save(Path.Combine(folder, "intermediates.png"));
using FeatureExtractor node = backbone.Extract(FeatureSelection.Nodes("layer2.0.act2"));
FeaturePictures.Grid(node.Run(pixels)[0]).Save(Path.Combine(folder, "layer2.0.act2.png"));

// The same in an ML.NET pipeline: a column per level.
var mlContext = new MLContext();
IDataView data = mlContext.Data.LoadFromEnumerable([new Picture { Path = texture }]);
IDataView maps = mlContext.Transforms.TimmPyramid("Map", "Path", "test_resnet.textures16", outIndices: [2, 4], weightsPath: weights).Fit(data).Transform(data);
Console.WriteLine(string.Join("\n", maps.Schema.Where(column => column.Name.StartsWith("Map_")).Select(column => $"{column.Name}: {column.Type}")));
FeaturePictures.Grid(maps, "Map_4").Save(Path.Combine(folder, "map-4.png"));

// What a transformer gives, without having its weights.
Console.WriteLine(FeatureTable.Of(Backbone.Describe("vit_small_patch16_224", FeatureSelection.Intermediates([-1], norm: true, returnPrefixTokens: true))));
Console.WriteLine($"Pictures are in {folder}");

internal sealed class Picture
{
    public string Path { get; set; } = "";
}
