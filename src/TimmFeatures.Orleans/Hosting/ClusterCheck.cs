using Npgsql;
using StackExchange.Redis;

namespace TimmFeatures.Orleans.Hosting;

/// <summary>Looks at a cluster's server before Orleans does, whose own words for it are long.</summary>
internal static class ClusterCheck
{
    /// <exception cref="IOException">The server does not answer, or lacks what is needed; one line.</exception>
    public static async Task Run(ClusterAddress address, CancellationToken cancellation)
    {
        try
        {
            if (address.Kind == ClusterKind.Redis)
                await CheckRedis(address);
            else if (address.Kind == ClusterKind.Postgres)
                await CheckPostgres(address, cancellation);
        }
        catch (Exception e) when (e is RedisException or NpgsqlException or TimeoutException or System.Net.Sockets.SocketException)
        {
            throw new IOException($"Cannot reach the cluster '{address}': {FirstSentence(e)} Is its server running, and is this the right address?", e);
        }
    }

    private static async Task CheckRedis(ClusterAddress address)
    {
        ConfigurationOptions options = address.ToRedis();
        options.AbortOnConnectFail = true;
        options.ConnectRetry = 1;
        await using ConnectionMultiplexer redis = await ConnectionMultiplexer.ConnectAsync(options);
        await redis.GetDatabase().PingAsync();
    }

    private static async Task CheckPostgres(ClusterAddress address, CancellationToken cancellation)
    {
        await using var connection = new NpgsqlConnection(address.ToPostgres());
        await connection.OpenAsync(cancellation);
        try
        {
            await using var command = new NpgsqlCommand("SELECT count(*) FROM OrleansQuery", connection);
            if (await command.ExecuteScalarAsync(cancellation) is long count && count >= PostgresTables.QueryCount)
                return;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            // Said below.
        }
        throw new IOException($"The database of '{address}' lacks the tables of a cluster. Make them once: timm-features cluster-tables --cluster {address}");
    }

    private static string FirstSentence(Exception e)
    {
        string line = e.Message.Split('\n')[0].Trim();
        int end = line.IndexOf(". ", StringComparison.Ordinal);
        return end > 0 ? line[..(end + 1)] : line.EndsWith('.') ? line : $"{line}.";
    }
}
