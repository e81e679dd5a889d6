using System.CommandLine;
using Classify;

var model = new Option<string>("--model") { Description = "timm's name of the backbone, such as resnet50.a1_in1k.", DefaultValueFactory = _ => "test_resnet.textures16" };
var weights = new Option<string?>("--weights") { Description = "Weights file (safetensors, .pth) or folder. Without it they are looked up by the model's name in weights/ and samples/weights/." };
var images = new Option<DirectoryInfo>("--images") { Description = "Folder of pictures; its sub-folders are the labels.", DefaultValueFactory = _ => new DirectoryInfo(Path.Combine("samples", "textures")) };
var testFraction = new Option<double>("--test-fraction") { Description = "Part of the pictures that is held out for the evaluation.", DefaultValueFactory = _ => 0.3 };
var batch = new Option<int>("--batch") { Description = "Pictures computed together; 0 for a sensible number." };
var threads = new Option<int>("--threads") { Description = "Threads of the engine; 0 for all cores." };
var save = new Option<FileInfo>("--save") { Description = "Where the trained pipeline is written.", DefaultValueFactory = _ => new FileInfo(Path.Combine("artifacts", "run", "model.zip")) };

var root = new RootCommand("Learns to tell pictures apart: timm's features of every picture, a linear classifier on top, evaluated on held-out pictures, saved, and loaded again in a new process.")
{
    model, weights, images, testFraction, batch, threads, save,
};
root.SetAction(result => Guarded(() => TrainingJob.Run(new JobSettings(
    result.GetValue(model)!, result.GetValue(weights), result.GetValue(images)!.FullName, result.GetValue(testFraction),
    result.GetValue(batch), result.GetValue(threads), result.GetValue(save)!.FullName))));

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
    catch (Exception e) when (e is IOException or ArgumentException or FormatException or InvalidOperationException or NotSupportedException or UnauthorizedAccessException
        or Backbones.Weights.ParameterMismatchException or Backbones.Graphs.GraphException)
    {
        Console.Error.WriteLine(e.Message);
        return 1;
    }
}
