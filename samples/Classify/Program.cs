using System.CommandLine;
using Classify;
using Microsoft.ML.TimmFeatures;

// Its weights are the repository's, from whatever folder this is called.
const string DemoModel = "test_resnet.textures16";

var model = new Option<string>("--model") { Description = "timm's name of the backbone, such as resnet50.a1_in1k.", DefaultValueFactory = _ => DemoModel };
var weights = new Option<string?>("--weights") { Description = "Weights file (safetensors, .pth) or folder. Without it they are found by the model's name: in weights/ and samples/weights/ here and beside the program, in the folders of TIMM_FEATURES_WEIGHTS, in what timm and torchvision downloaded, on the Hugging Face Hub." };
var random = new Option<bool>("--random-weights") { Description = "Weights made from their names: to try a model without its weights. The accuracy means nothing then." };
var images = new Option<DirectoryInfo>("--images") { Description = "Folder of pictures; its sub-folders are the labels. Without it: samples/textures of the repository.", DefaultValueFactory = _ => new DirectoryInfo(Repository.In("samples", "textures")) };
var exif = new Option<bool>("--exif") { Description = "Turn photographs upright by their EXIF orientation. timm does not." };
var testFraction = new Option<double>("--test-fraction") { Description = "Part of the pictures that is held out for the evaluation.", DefaultValueFactory = _ => 0.3 };
var batch = new Option<int>("--batch") { Description = "Pictures computed together; 0 for a sensible number." };
var threads = new Option<int>("--threads") { Description = "Threads of the engine; 0 for all cores." };
var save = new Option<FileInfo>("--save") { Description = "Where the trained pipeline is written. Without it: artifacts/run/model.zip of the repository.", DefaultValueFactory = _ => new FileInfo(Repository.In("artifacts", "run", "model.zip")) };

var root = new RootCommand("Learns to tell pictures apart: timm's features of every picture, a linear classifier on top, evaluated on held-out pictures, saved, and loaded again in a new process.")
{
    model, weights, random, images, exif, testFraction, batch, threads, save,
};
root.SetAction(result => Guarded(() => TrainingJob.Run(new JobSettings(
    new FeaturizerOptions
    {
        ModelName = result.GetValue(model)!,
        WeightsPath = result.GetValue(weights) ?? (result.GetValue(model) == DemoModel && !result.GetValue(random) ? Repository.In("samples", "weights", DemoModel) : null),
        RandomWeights = result.GetValue(random),
        ApplyExifOrientation = result.GetValue(exif),
        BatchSize = result.GetValue(batch),
        Threads = result.GetValue(threads),
    },
    result.GetValue(images)!.FullName, result.GetValue(testFraction), result.GetValue(save)!.FullName))));

var savedModel = new Argument<FileInfo>("model") { Description = "A pipeline saved by this program." };
var list = new Argument<FileInfo>("list") { Description = "A text file with a picture's path per line." };
var predict = new Command("predict", "Prints the label that a saved pipeline gives to each picture of a list.") { savedModel, list };
predict.SetAction(result => Guarded(() => PredictionJob.Run(result.GetValue(savedModel)!.FullName, result.GetValue(list)!.FullName)));
root.Subcommands.Add(predict);

return root.Parse(args).Invoke();

// What a user can mend is told in a sentence; anything else is a defect and shows where it happened.
static int Guarded(Func<int> job)
{
    try
    {
        return job();
    }
    catch (Exception e) when (FeaturizerErrors.CauseOf(e) is IOException or InvalidDataException or ArgumentException or FormatException or InvalidOperationException or NotSupportedException or UnauthorizedAccessException
        or Backbones.Weights.ParameterMismatchException or Backbones.Graphs.GraphException)
    {
        // ML.NET wraps what a row throws; the cause names row, column and path.
        Console.Error.WriteLine(FeaturizerErrors.CauseOf(e).Message);
        return 1;
    }
}
