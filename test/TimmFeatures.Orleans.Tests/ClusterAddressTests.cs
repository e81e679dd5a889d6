namespace TimmFeatures.Orleans.Tests;

[TestClass]
public sealed class ClusterAddressTests
{
    [TestMethod]
    [DataRow("local", ClusterKind.Local, null, "timm-features", "local")]
    [DataRow("redis://queue", ClusterKind.Redis, "queue", "timm-features", "redis://queue")]
    [DataRow("rediss://:secret@queue:7000/2?cluster=night", ClusterKind.Redis, "queue", "night", "rediss://:…@queue:7000/2?cluster=night")]
    [DataRow("postgres://timm:p%40ss@db:5433/features", ClusterKind.Postgres, "db", "timm-features", "postgres://timm:…@db:5433/features")]
    public void Addresses_are_read_and_said_without_the_password(string text, ClusterKind kind, string? host, string name, string said)
    {
        var address = ClusterAddress.Parse(text);
        Assert.AreEqual((kind, host, name, said), (address.Kind, address.Host, address.Name, address.ToString()));
    }

    [TestMethod]
    public void What_they_come_to()
    {
        Assert.Contains("queue:7000", ClusterAddress.Parse("rediss://:secret@queue:7000/2").ToRedis().ToString());
        Assert.Contains("password=secret", ClusterAddress.Parse("rediss://:secret@queue:7000/2").ToRedis().ToString());
        Assert.Contains("ssl=True", ClusterAddress.Parse("rediss://:secret@queue:7000/2").ToRedis().ToString());
        Assert.Contains("Password=p@ss;Database=features", ClusterAddress.Parse("postgres://timm:p%40ss@db:5433/features").ToPostgres());
    }

    [TestMethod]
    [DataRow("foo", "'foo' is no cluster")]
    [DataRow("http://x", "'http://x' is no cluster")]
    [DataRow("http://a:secret@x", "'http://a:…@x' is no cluster")]
    [DataRow("redis://", "'redis://' is no cluster")]
    [DataRow("redis://x?foo=1", "'?foo=1'")]
    [DataRow("postgres://u@h", "lacks a database")]
    [DataRow("postgres://h/d", "lacks a user")]
    public void What_is_none_is_refused_with_the_forms_there_are(string text, string message)
    {
        FormatException e = Assert.ThrowsExactly<FormatException>(() => ClusterAddress.Parse(text));
        Assert.Contains(message, e.Message);
        Assert.Contains("expected local, redis://HOST:PORT", e.Message);
    }
}
