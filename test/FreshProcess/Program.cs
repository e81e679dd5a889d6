using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;

// FreshProcess MODEL COLUMN PATH…: loads a model and prints a column's values, a line for each path.
// FreshProcess --culture NAME MODEL PATH: under that culture, prints what exports and saved models come to.
if (args[0] == "--culture")
{
    UnderCulture.Run(args[1], args[2], args[3]);
    return;
}
var context = new MLContext();
ITransformer model = context.Model.Load(args[0], out _);
IDataView data = context.Data.LoadFromEnumerable(args.Skip(2).Select(p => new Picture { Path = p }));
foreach (float[] values in model.Transform(data).GetColumn<float[]>(args[1]))
    Console.WriteLine(string.Join(' ', values.Select(v => v.ToString("R", CultureInfo.InvariantCulture))));

internal sealed class Picture
{
    public string Path { get; set; } = "";

    public string Label { get; set; } = "";
}
