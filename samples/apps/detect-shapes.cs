#:project ../../src/Microsoft.ML.TimmFeatures.Detection/Microsoft.ML.TimmFeatures.Detection.csproj
#:project ../Shapes/Shapes.csproj
#:property PublishAot=false

// Finds circles, squares and triangles in pictures that the model has never seen, and draws their boxes and masks. The heads were learned by train-shapes.cs.
// dotnet run -c Release samples/apps/detect-shapes.cs [file for the picture]
using Backbones;
using Backbones.Detection;
using Backbones.Imaging;
using Backbones.Layers;
using Backbones.Segmentation;
using Microsoft.ML.Data;
using Samples.Shapes;

const int size = ShapePicture.Size, count = 4, zoom = 2, gap = 8;
string samples = Path.Combine((string)AppContext.GetData("EntryPointFileDirectoryPath")!, "..");
string file = args.Length > 0 ? args[0] : Path.Combine(Path.GetTempPath(), "timm-features-pictures", "shapes.png");
byte[][] colours = [[0, 0, 0], [255, 210, 0], [0, 230, 255], [255, 0, 200]];

// One backbone: a pyramid under FCOS's heads finds boxes and what is in them, two of its levels under LR-ASPP's head tell which pixels are not ground.
using var backbone = Backbone.Create("test_resnet.textures16", new BackboneOptions { WeightsPath = Path.Combine(samples, "weights", "test_resnet.textures16"), ImageSize = size });
using Fcos detector = Fcos.Create(backbone.Select(FeatureSelection.Pyramid([2, 3])), ShapePicture.ClassNames.Count, new FcosOptions
{
    WeightsPath = Path.Combine(samples, "Shapes", "fcos.safetensors"),
    Pyramid = new FeaturePyramid(OutChannels: 32, ExtraBlocks.None),
    AnchorGenerator = new AnchorGenerator([[8], [16]], [[1]]),
    Categories = [.. ShapePicture.ClassNames],
    MinSize = size,
    ScoreThresh = 0.4,
});
using SegmentationModel segmenter = SegmentationModel.Create(backbone.Select(FeatureSelection.Pyramid([1, 3])), ShapePicture.ClassNames.Count, SegmentationMethod.Lraspp,
    new SegmentationOptions { WeightsPath = Path.Combine(samples, "Shapes", "lraspp.safetensors") });

// Pictures that show more than one kind.
ShapePicture[] pictures = [.. Enumerable.Range(1, 100).Select(ShapePicture.Draw).Where(p => p.Shapes.DistinctBy(s => s.Label).Count() > 1).Take(count)];
ImagePixels[] images = [.. pictures.Select(p => new ImagePixels(p.Pixels, size, size, PixelFormat.Rgb24))];
IReadOnlyList<Detections> found = detector.Detect(images);
IReadOnlyList<SegmentedImage> maps = segmenter.Segment(images);

int width = count * (zoom * size + gap) - gap, height = zoom * size;
byte[] canvas = new byte[4 * width * height];
Array.Fill(canvas, byte.MaxValue);
for (int i = 0; i < count; i++)
{
    Console.WriteLine($"Picture {i + 1} shows {string.Join(", ", pictures[i].Shapes.Select(s => $"a {ShapePicture.ClassNames[s.Label]}"))}; found:");
    foreach (Detection detection in found[i])
    {
        double overlap = pictures[i].Shapes.Where(s => s.Label == detection.Label).Select(s => Overlap(detection.Box, s)).DefaultIfEmpty().Max();
        Console.WriteLine(FormattableString.Invariant($"  {detection.Category}, score {detection.Score:0.00}, box {detection.Box.X1:0} {detection.Box.Y1:0} {detection.Box.X2:0} {detection.Box.Y2:0}, IoU {overlap:0.00}"));
    }
    Draw(i);
}
Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
using MLImage drawn = MLImage.CreateFromPixels(width, height, MLPixelFormat.Rgba32, canvas);
drawn.Save(file);
Console.WriteLine($"Drawn to {file}.");

// The picture, half of the class's colour over the pixels of each box that are not ground, and the boxes.
void Draw(int picture)
{
    int left = picture * (zoom * size + gap);
    for (int y = 0; y < height; y++)
    {
        for (int x = 0; x < zoom * size; x++)
        {
            int pixel = y / zoom * size + x / zoom;
            Detection? shape = maps[picture][x / zoom, y / zoom] == 0 ? null
                : found[picture].FirstOrDefault(d => x >= zoom * d.Box.X1 && x < zoom * d.Box.X2 && y >= zoom * d.Box.Y1 && y < zoom * d.Box.Y2);
            for (int c = 0; c < 3; c++)
                canvas[4 * (y * width + left + x) + c] = shape is null ? pictures[picture].Pixels[3 * pixel + c] : (byte)((pictures[picture].Pixels[3 * pixel + c] + colours[shape.Label][c]) / 2);
        }
    }
    foreach (Detection d in found[picture])
    {
        (int x1, int y1, int x2, int y2) = (Pixel(d.Box.X1), Pixel(d.Box.Y1), Pixel(d.Box.X2), Pixel(d.Box.Y2));
        for (int y = y1; y < y2; y++)
        {
            for (int x = x1; x < x2; x++)
            {
                if (x < x1 + 3 || x >= x2 - 3 || y < y1 + 3 || y >= y2 - 3)
                    colours[d.Label].CopyTo(canvas, 4 * (y * width + left + x));
            }
        }
    }
}

static int Pixel(float coordinate) => Math.Clamp((int)MathF.Round(zoom * coordinate), 0, zoom * size);

static double Overlap(Box box, KnownShape shape)
{
    double across = Math.Min(box.X2, shape.X2) - Math.Max(box.X1, shape.X1), down = Math.Min(box.Y2, shape.Y2) - Math.Max(box.Y1, shape.Y1);
    double shared = Math.Max(across, 0) * Math.Max(down, 0);
    return shared / (box.Area + (shape.X2 - shape.X1) * (shape.Y2 - shape.Y1) - shared);
}
