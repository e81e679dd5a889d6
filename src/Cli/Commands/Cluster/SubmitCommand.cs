using System.CommandLine;
using Backbones;
using Backbones.Engines;
using TimmFeatures.Cli.Options;
using TimmFeatures.Orleans;
using TimmFeatures.Orleans.AzureBlobs;
using TimmFeatures.Orleans.S3;

namespace TimmFeatures.Cli.Commands.Cluster;

/// <summary><c>submit</c>: as <c>extract</c>, done by a cluster.</summary>
internal static class SubmitCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = new ModelArguments();
        var selection = new SelectionOptions();
        var engine = new EngineOptionSet();
        var cluster = new ClusterOptionSet();
        var images = new Argument<string[]>("IMAGES") { Description = "As for 'extract'; all workers need them under the same paths.", Arity = ArgumentArity.OneOrMore };
        Option<string> output = CommonOptions.Output("The file to write, as for 'extract', in a folder that all workers see under the same path; or s3://BUCKET/FILE, az://CONTAINER/FILE, https://ACCOUNT.blob.core.windows.net/CONTAINER/FILE.", withStorages: true);
        var folder = new Option<string?>("--image-folder") { Description = "Where relative paths of lists and tables start from; the current directory unless given.", HelpName = "FOLDER" };
        var pathColumn = new Option<string?>("--path-column") { Description = "The column of tables that has the paths; path, file_name, filename, image, image_path or file unless given.", HelpName = "NAME" };
        var exif = new Option<bool>("--exif") { Description = "Turn photographs upright by their EXIF orientation. timm does not." };
        Option<int?> partSize = CommonOptions.Count("--part-size", "Images of a part, which a worker does at a time; 1000 unless given.");
        var wait = new Option<bool>("--wait") { Description = "Wait until the file is there; with 'local' always." };
        Option<bool> json = CommonOptions.Json();
        var command = new Command("submit", "Hands the extraction of features over to the workers of a cluster, and prints the job's name. Images that cannot be read stay without features and are listed in the report.");
        model.AddTo(command);
        command.Arguments.Add(images);
        command.Options.Add(output);
        cluster.AddTo(command);
        selection.AddTo(command);
        engine.AddTo(command);
        foreach (Option option in (Option[])[folder, pathColumn, exif, partSize, wait, json])
            command.Options.Add(option);
        HelpWithExamples.Add(command,
            "timm-features submit resnet50.a1_in1k photos -o features.parquet",
            "timm-features submit resnet50.a1_in1k /data/photos -o /data/features.parquet --cluster redis://queue:6379",
            "timm-features submit resnet50.a1_in1k /data/photos -o s3://features/night/photos.parquet --cluster redis://queue:6379",
            "timm-features submit vit_base_patch14_dinov2 /data/list.csv -o /data/tokens.npz --part-size 200 --wait --cluster redis://queue:6379");
        command.SetAction(result =>
        {
            CommonOptions.KeepInputs(output.Name, result.GetValue(output), result.GetValue(images)!);
            model.CheckOrder(result, result.GetValue(images)!);
            DeviceEngine device = engine.Engine(result);
            var request = new JobRequest(result.GetValue(model.Model)!, result.GetValue(images)!, result.GetValue(output)!)
            {
                Selection = selection.Read(result) ?? FeatureSelection.Pooled(),
                Backbone = model.Read(result, terminal),
                Device = device.Device,
                Precision = device.Precision,
                Exif = result.GetValue(exif),
                PartSize = result.GetValue(partSize) ?? JobRequest.DefaultPartSize,
                PictureFolder = result.GetValue(folder),
                PathColumn = result.GetValue(pathColumn),
            };
            var local = new WorkerOptions { Device = device.Device, Threads = engine.Threads(result), Storages = { new AzureBlobStorage(), new S3Storage() } };
            return Run(terminal, cluster.Read(result), request, local, result.GetValue(wait), result.GetValue(json)).GetAwaiter().GetResult();
        });
        return command;
    }

    private static async Task<int> Run(Terminal terminal, ClusterAddress address, JobRequest request, WorkerOptions local, bool wait, bool json)
    {
        var lines = new HeldLines(line => ClusterLines.Write(terminal, line));
        await using ClusterClient client = await ClusterClient.ConnectAsync(address, lines.Write, local, terminal.Cancellation);
        JobStatus job = await client.SubmitAsync(request, terminal.In, terminal.Cancellation);
        lines.Release();
        if (wait || address.Kind == ClusterKind.Local)
            return JobLines.Report(terminal, await JobLines.Watch(terminal, client, job.Id), json);
        if (json)
            terminal.Json(job);
        else
            terminal.Out.WriteLine(job.Id);
        return ExitCode.Success;
    }
}
