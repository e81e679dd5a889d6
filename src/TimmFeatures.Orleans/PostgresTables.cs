using Npgsql;

namespace TimmFeatures.Orleans;

/// <summary>
/// The tables of a cluster at PostgreSQL. Orleans reads the statements that it works with from a table, <c>OrleansQuery</c>; their names, parameters and columns are Orleans' own (dotnet/orleans, src/AdoNet,
/// 10.4), the statements are plain ones that each change all or nothing.
/// </summary>
public static class PostgresTables
{
    private const string Tables = """
        CREATE TABLE IF NOT EXISTS OrleansQuery (QueryKey varchar(64) PRIMARY KEY, QueryText varchar(8000) NOT NULL);
        CREATE TABLE IF NOT EXISTS OrleansMembershipVersionTable (DeploymentId varchar(150) PRIMARY KEY, Timestamp timestamptz(3) NOT NULL DEFAULT now(), Version integer NOT NULL DEFAULT 0);
        CREATE TABLE IF NOT EXISTS OrleansMembershipTable (
            DeploymentId varchar(150) NOT NULL REFERENCES OrleansMembershipVersionTable, Address varchar(45) NOT NULL, Port integer NOT NULL, Generation integer NOT NULL, SiloName varchar(150) NOT NULL,
            HostName varchar(150) NOT NULL, Status integer NOT NULL, ProxyPort integer NULL, SuspectTimes varchar(8000) NULL, StartTime timestamptz(3) NOT NULL, IAmAliveTime timestamptz(3) NOT NULL,
            PRIMARY KEY (DeploymentId, Address, Port, Generation));
        CREATE TABLE IF NOT EXISTS OrleansStorage (
            GrainIdHash integer NOT NULL, GrainIdN0 bigint NOT NULL, GrainIdN1 bigint NOT NULL, GrainTypeHash integer NOT NULL, GrainTypeString varchar(512) NOT NULL, GrainIdExtensionString varchar(512) NULL,
            ServiceId varchar(150) NOT NULL, PayloadBinary bytea NULL, ModifiedOn timestamp NOT NULL, Version integer NOT NULL);
        CREATE UNIQUE INDEX IF NOT EXISTS OrleansStorage_Grain ON OrleansStorage (ServiceId, GrainTypeString, GrainIdN0, GrainIdN1, coalesce(GrainIdExtensionString, ''));
        """;

    private const string Silo = "DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation";

    private const string Grain = "ServiceId = @ServiceId AND GrainTypeString = @GrainTypeString AND GrainIdN0 = @GrainIdN0 AND GrainIdN1 = @GrainIdN1 "
        + "AND coalesce(GrainIdExtensionString, '') = coalesce(@GrainIdExtensionString::varchar, '') AND GrainIdHash = @GrainIdHash AND GrainTypeHash = @GrainTypeHash";

    private const string MembershipColumns = "SELECT v.DeploymentId, m.Address, m.Port, m.Generation, m.SiloName, m.HostName, m.Status, m.ProxyPort, m.SuspectTimes, m.StartTime, m.IAmAliveTime, v.Version "
        + "FROM OrleansMembershipVersionTable v LEFT JOIN OrleansMembershipTable m ON m.DeploymentId = v.DeploymentId";

    // Whoever changes the membership has seen its last version: the row is changed only if the version could be raised.
    private const string RaiseVersion = "WITH raised AS (UPDATE OrleansMembershipVersionTable SET Timestamp = now(), Version = Version + 1 WHERE DeploymentId = @DeploymentId AND Version = @Version RETURNING 1)";

    private static readonly (string Key, string Text)[] s_queries =
    [
        ("GatewaysQueryKey", "SELECT Address, ProxyPort, Generation FROM OrleansMembershipTable WHERE DeploymentId = @DeploymentId AND Status = @Status AND ProxyPort > 0"),
        ("MembershipReadRowKey", $"{MembershipColumns} AND m.Address = @Address AND m.Port = @Port AND m.Generation = @Generation WHERE v.DeploymentId = @DeploymentId"),
        ("MembershipReadAllKey", $"{MembershipColumns} WHERE v.DeploymentId = @DeploymentId"),
        ("InsertMembershipVersionKey", "WITH added AS (INSERT INTO OrleansMembershipVersionTable (DeploymentId) VALUES (@DeploymentId) ON CONFLICT DO NOTHING RETURNING 1) SELECT count(*)::integer FROM added"),
        ("InsertMembershipKey", $"""
            {RaiseVersion}, added AS (INSERT INTO OrleansMembershipTable (DeploymentId, Address, Port, Generation, SiloName, HostName, Status, ProxyPort, StartTime, IAmAliveTime)
            SELECT @DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime FROM raised RETURNING 1) SELECT count(*)::integer FROM added
            """),
        ("UpdateMembershipKey", $"{RaiseVersion}, changed AS (UPDATE OrleansMembershipTable SET Status = @Status, SuspectTimes = @SuspectTimes, IAmAliveTime = @IAmAliveTime FROM raised WHERE {Silo} RETURNING 1) "
            + "SELECT count(*)::integer FROM changed"),
        ("UpdateIAmAlivetimeKey", $"UPDATE OrleansMembershipTable SET IAmAliveTime = @IAmAliveTime WHERE {Silo}"),
        ("DeleteMembershipTableEntriesKey", "DELETE FROM OrleansMembershipTable WHERE DeploymentId = @DeploymentId; DELETE FROM OrleansMembershipVersionTable WHERE DeploymentId = @DeploymentId"),
        ("CleanupDefunctSiloEntriesKey", "DELETE FROM OrleansMembershipTable WHERE DeploymentId = @DeploymentId AND IAmAliveTime < @IAmAliveTime AND Status <> 3"),
        ("ReadFromStorageKey", $"SELECT PayloadBinary, (now() AT TIME ZONE 'utc'), Version FROM OrleansStorage WHERE {Grain}"),
        ("WriteToStorageKey", $"""
            WITH changed AS (UPDATE OrleansStorage SET PayloadBinary = @PayloadBinary, ModifiedOn = now() AT TIME ZONE 'utc', Version = Version + 1 WHERE {Grain} AND Version = @GrainStateVersion RETURNING Version),
            added AS (INSERT INTO OrleansStorage (GrainIdHash, GrainIdN0, GrainIdN1, GrainTypeHash, GrainTypeString, GrainIdExtensionString, ServiceId, PayloadBinary, ModifiedOn, Version)
            SELECT @GrainIdHash, @GrainIdN0, @GrainIdN1, @GrainTypeHash, @GrainTypeString, @GrainIdExtensionString, @ServiceId, @PayloadBinary, now() AT TIME ZONE 'utc', 1 WHERE @GrainStateVersion::integer IS NULL
            ON CONFLICT DO NOTHING RETURNING Version)
            SELECT coalesce((SELECT Version FROM changed), (SELECT Version FROM added), @GrainStateVersion) AS NewGrainStateVersion
            """),
        ("ClearStorageKey", $"UPDATE OrleansStorage SET PayloadBinary = NULL, Version = Version + 1 WHERE {Grain} AND Version = @GrainStateVersion RETURNING Version AS NewGrainStateVersion"),
        ("DeleteStorageKey", $"DELETE FROM OrleansStorage WHERE {Grain} AND Version = @GrainStateVersion RETURNING Version + 1 AS NewGrainStateVersion"),
    ];

    internal static int QueryCount => s_queries.Length;

    /// <summary>Makes the tables where they are missing. What is in them stays.</summary>
    /// <param name="address">A cluster at PostgreSQL, whose user may make tables.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ArgumentException">The cluster is none at PostgreSQL.</exception>
    /// <exception cref="IOException">The server does not answer, or refuses.</exception>
    public static async Task CreateAsync(ClusterAddress address, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.Kind != ClusterKind.Postgres)
            throw new ArgumentException($"'{address}' needs no tables; expected postgres://USER:PASSWORD@HOST:PORT/DATABASE.");
        try
        {
            await using var connection = new NpgsqlConnection(address.ToPostgres());
            await connection.OpenAsync(cancellation);
            await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellation);
            await using (var tables = new NpgsqlCommand(Tables, connection, transaction))
                await tables.ExecuteNonQueryAsync(cancellation);
            foreach ((string key, string text) in s_queries)
            {
                await using var query = new NpgsqlCommand("INSERT INTO OrleansQuery VALUES ($1, $2) ON CONFLICT (QueryKey) DO UPDATE SET QueryText = excluded.QueryText", connection, transaction)
                {
                    Parameters = { new NpgsqlParameter { Value = key }, new NpgsqlParameter { Value = text } },
                };
                await query.ExecuteNonQueryAsync(cancellation);
            }
            await transaction.CommitAsync(cancellation);
        }
        catch (NpgsqlException e)
        {
            throw new IOException($"The tables of '{address}' cannot be made: {e.Message.Split('\n')[0].Trim()}", e);
        }
    }
}
