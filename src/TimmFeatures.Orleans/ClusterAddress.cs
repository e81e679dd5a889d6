using System.Globalization;
using Npgsql;
using StackExchange.Redis;

namespace TimmFeatures.Orleans;

/// <summary>What the machines of a cluster meet at.</summary>
public enum ClusterKind
{
    /// <summary>Nothing: one process, which is gone with its jobs when it ends.</summary>
    Local,

    /// <summary>A Redis server.</summary>
    Redis,

    /// <summary>A PostgreSQL database.</summary>
    Postgres,
}

/// <summary>A cluster: <c>local</c>, <c>redis://HOST:PORT</c> or <c>postgres://USER:PASSWORD@HOST:PORT/DATABASE</c>; <c>?cluster=NAME</c> tells clusters at the same server apart.</summary>
public sealed class ClusterAddress
{
    private const string DefaultName = "timm-features", Expected = "expected local, redis://HOST:PORT, rediss://HOST:PORT (TLS) or postgres://USER:PASSWORD@HOST:PORT/DATABASE, each with ?cluster=NAME where several share a server";

    private readonly Uri? _uri;

    private ClusterAddress(ClusterKind kind, Uri? uri, string name) => (Kind, _uri, Name) = (kind, uri, name);

    /// <summary>What the machines meet at.</summary>
    public ClusterKind Kind { get; }

    /// <summary>The cluster's name among those at the same server; <c>timm-features</c> unless said otherwise.</summary>
    public string Name { get; }

    /// <summary>The server's host; null for <see cref="ClusterKind.Local"/>.</summary>
    public string? Host => _uri?.Host;

    /// <summary>Reads an address.</summary>
    /// <exception cref="FormatException">It is none; the message has the forms there are.</exception>
    public static ClusterAddress Parse(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address == "local")
            return new ClusterAddress(ClusterKind.Local, null, DefaultName);
        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) || uri.Host.Length == 0 || KindOf(uri.Scheme) is not { } kind)
            throw new FormatException($"'{Redacted(address)}' is no cluster; {Expected}.");
        string[] query = uri.Query.TrimStart('?').Split('=', 2);
        string name = query is ["cluster", { Length: > 0 } given] ? Uri.UnescapeDataString(given) : DefaultName;
        if (uri.Query.Length > 1 && query is not ["cluster", { Length: > 0 }])
            throw new FormatException($"'{uri.Query}' of '{Redacted(address)}' is not known; {Expected}.");
        if (kind == ClusterKind.Postgres && (uri.AbsolutePath.Length < 2 || uri.UserInfo.Length == 0))
            throw new FormatException($"'{Redacted(address)}' lacks a {(uri.UserInfo.Length == 0 ? "user" : "database")}; {Expected}.");
        return new ClusterAddress(kind, uri, name);
    }

    /// <summary>The address without its password.</summary>
    public override string ToString() => _uri is null ? "local" : Redacted(_uri.OriginalString);

    internal ConfigurationOptions ToRedis()
    {
        var options = new ConfigurationOptions { Ssl = _uri!.Scheme == "rediss", ConnectTimeout = 5000, AbortOnConnectFail = false };
        options.EndPoints.Add(_uri.Host, _uri.Port > 0 ? _uri.Port : 6379);
        string[] user = _uri.UserInfo.Split(':', 2);
        if (user is [var name, var password])
            (options.User, options.Password) = (name.Length > 0 ? Uri.UnescapeDataString(name) : null, Uri.UnescapeDataString(password));
        if (int.TryParse(_uri.AbsolutePath.TrimStart('/'), NumberStyles.None, CultureInfo.InvariantCulture, out int database))
            options.DefaultDatabase = database;
        return options;
    }

    internal string ToPostgres()
    {
        string[] user = _uri!.UserInfo.Split(':', 2);
        return new NpgsqlConnectionStringBuilder
        {
            Host = _uri.Host,
            Port = _uri.Port > 0 ? _uri.Port : NpgsqlConnection.DefaultPort,
            Username = Uri.UnescapeDataString(user[0]),
            Password = user.Length > 1 ? Uri.UnescapeDataString(user[1]) : null,
            Database = Uri.UnescapeDataString(_uri.AbsolutePath[1..]),
            Timeout = 5,
        }.ConnectionString;
    }

    private static ClusterKind? KindOf(string scheme) => scheme switch
    {
        "redis" or "rediss" => ClusterKind.Redis,
        "postgres" or "postgresql" => ClusterKind.Postgres,
        _ => null,
    };

    private static string Redacted(string address)
    {
        int scheme = address.IndexOf("://", StringComparison.Ordinal), at = address.LastIndexOf('@');
        int colon = scheme < 0 || at < scheme ? -1 : address.IndexOf(':', scheme + 3);
        return colon < 0 || colon > at ? address : $"{address[..colon]}:…{address[at..]}";
    }
}
