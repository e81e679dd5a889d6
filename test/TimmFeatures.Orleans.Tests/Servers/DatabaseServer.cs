namespace TimmFeatures.Orleans.Tests.Servers;

/// <summary>A real Redis or PostgreSQL of Debian's packages.</summary>
internal abstract class DatabaseServer : LocalServer
{
    public abstract ClusterAddress Address { get; }

    public static DatabaseServer StartRedis() => Started<DatabaseServer>(new RedisServer(Find("redis-server", "/usr/bin")));

    public static DatabaseServer StartPostgres() => Started<DatabaseServer>(new PostgresServer(Find("postgres", [.. Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").Select(d => $"{d}/bin") : []])));

    /// <summary>Says why a test is skipped where the program is not installed; eng/servers.sh installs it where it can.</summary>
    private static string Find(string program, params string[] folders)
    {
        string? path = folders.Select(f => Path.Combine(f, program)).FirstOrDefault(File.Exists);
        if (path is null)
            Assert.Inconclusive($"There is no {program} of Debian's packages here.");
        return path;
    }

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
