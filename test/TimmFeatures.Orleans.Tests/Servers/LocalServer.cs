using System.Net.Sockets;
using TimmFeatures.Cli.Tests;

namespace TimmFeatures.Orleans.Tests.Servers;

/// <summary>A server on loopback that a test starts, at a port and in a folder of its own.</summary>
internal abstract class LocalServer : IDisposable
{
    private ServerProcess? _server;

    protected TemporaryFolder Folder { get; } = new();

    protected int Port { get; } = FreePorts.Next();

    /// <summary>Starts it, or starts it again with what it had.</summary>
    public void Start()
    {
        _server = Launch();
        for (int i = 0; i < 600 && !Answers(); i++)
        {
            Assert.IsFalse(_server.Process.HasExited, _server.Said);
            Thread.Sleep(100);
        }
        Assert.IsTrue(Answers(), _server.Said);
    }

    /// <summary>Stops it in good order.</summary>
    public void Stop()
    {
        _server?.Terminate(StopSignal);
        _server?.Dispose();
        _server = null;
    }

    public virtual void Dispose()
    {
        Stop();
        Folder.Dispose();
    }

    protected abstract ServerProcess Launch();

    protected virtual string StopSignal => "TERM";

    protected virtual bool IsReady() => true;

    protected static T Started<T>(T server) where T : LocalServer
    {
        try
        {
            server.Start();
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    private bool Answers()
    {
        try
        {
            using var client = new TcpClient();
            client.Connect("127.0.0.1", Port);
            return IsReady();
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
