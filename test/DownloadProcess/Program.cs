using Backbones.Weights.Hub;

// DownloadProcess REPOSITORY FILE: downloads a file and prints its path.
using HubClient client = new();
Console.WriteLine(await client.DownloadFileAsync(args[0], args[1]));
