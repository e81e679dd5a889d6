using System.Diagnostics;
using System.Net.Sockets;
using TimmFeatures.Cli.Tests;

namespace TimmFeatures.Orleans.Tests.Servers;

/// <summary>A real Redis or PostgreSQL of Debian's packages, on loopback, at a port and in a folder of its own.</summary>
internal abstract class DatabaseServer : IDisposable
{
    private ServerProcess? _server;

    protected TemporaryFolder Folder { get; } = new();

    protected int Port { get; } = FreePorts.Next();

    public abstract ClusterAddress Address { get; }

    public static DatabaseServer StartRedis() => Started(new RedisServer(Find("redis-server", "/usr/bin")));

    public static DatabaseServer StartPostgres() => Started(new PostgresServer(Find("postgres", [.. Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").Select(d => $"{d}/bin") : []])));

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

    public void Dispose()
    {
        Stop();
        Folder.Dispose();
    }

    protected abstract ServerProcess Launch();

    protected virtual string StopSignal => "TERM";

    private static DatabaseServer Started(DatabaseServer server)
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

    /// <summary>Says why a test is skipped where the program is not installed; eng/servers.sh installs it where it can.</summary>
    private static string Find(string program, params string[] folders)
    {
        string? path = folders.Select(f => Path.Combine(f, program)).FirstOrDefault(File.Exists);
        if (path is null)
            Assert.Inconclusive($"There is no {program} of Debian's packages here.");
        return path;
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

    protected virtual bool IsReady() => true;

    private sealed class RedisServer(string program) : DatabaseServer
    {
        public override ClusterAddress Address => ClusterAddress.Parse($"redis://127.0.0.1:{Port}");

        protected override ServerProcess Launch() => new(program, "--port", $"{Port}", "--bind", "127.0.0.1", "--dir", Folder.Path, "--appendonly", "yes", "--save", "");
    }

    private sealed class PostgresServer(string program) : DatabaseServer
    {
        public override ClusterAddress Address => ClusterAddress.Parse($"postgres://postgres:x@127.0.0.1:{Port}/postgres");

        /// <summary>At SIGTERM it would wait for connections that are pooled.</summary>
        protected override string StopSignal => "INT";

        private string Data => Folder["data"];

        protected override ServerProcess Launch()
        {
            if (!Directory.Exists(Data))
            {
                if (Environment.UserName == "root")
                    Run("chown", "postgres", Folder.Path);
                Run([.. AsOwner(), Path.Combine(Path.GetDirectoryName(program)!, "initdb"), "-D", Data, "-A", "trust", "-U", "postgres", "--no-sync"]);
            }
            string[] command = [.. AsOwner(), program, "-D", Data, "-p", $"{Port}", "-k", Folder.Path, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"];
            return new ServerProcess(command[0], command[1..]);
        }

        protected override bool IsReady()
        {
            using var connection = new Npgsql.NpgsqlConnection(Address.ToPostgres());
            try
            {
                connection.Open();
                return true;
            }
            catch (Npgsql.NpgsqlException)
            {
                return false;
            }
        }

        /// <summary>It refuses to run as root.</summary>
        private static string[] AsOwner() => Environment.UserName == "root" ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];

        private static void Run(params string[] command)
        {
            using var process = new ServerProcess(command[0], command[1..]);
            process.Process.WaitForExit();
            Assert.AreEqual(0, process.Process.ExitCode, process.Said);
        }
    }
}
