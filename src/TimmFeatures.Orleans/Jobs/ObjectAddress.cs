using System.Text.RegularExpressions;

namespace TimmFeatures.Orleans.Jobs;

/// <summary>Addresses of objects, <c>s3://BUCKET/FOLDER/FILE</c>. They are printed and kept with the job, so that credentials in them are refused, and not repeated.</summary>
internal static partial class ObjectAddress
{
    /// <summary>What stands before <c>://</c>, in lower case; null where it is a path. A single letter is a drive.</summary>
    public static string? SchemeOf(string address) => Scheme().Match(address) is { Success: true } match ? match.Groups[1].Value.ToLowerInvariant() : null;

    /// <summary>Whether an object can have this name: no part of it is empty, or a step through folders.</summary>
    public static bool IsName(string name) => !name.Split('/').Any(s => s is "" or "." or "..") && !name.Contains('\\');

    /// <summary>Takes an address apart.</summary>
    /// <param name="address">The address.</param>
    /// <param name="form">How it should be.</param>
    /// <returns>What stands between the scheme and the first slash, and the rest.</returns>
    /// <exception cref="FormatException">It is none, or has credentials in it.</exception>
    public static (string Host, string Path) Split(string address, string form)
    {
        string rest = address[(address.IndexOf("://", StringComparison.Ordinal) + 3)..];
        if (Credentials().IsMatch(address))
            throw new FormatException($"'{Said(address)}' has more than a name in it; expected {form}. Credentials come from the environment: what is in an address is printed and kept with the job.");
        int slash = rest.IndexOf('/');
        if (slash <= 0 || !IsName(rest[(slash + 1)..]) || rest[..slash].Contains('\\'))
            throw new FormatException($"'{Said(address)}' is no address of an object; expected {form}.");
        return (rest[..slash], rest[(slash + 1)..]);
    }

    /// <summary>An address without what may be credentials: a query, and what stands before an <c>@</c>, of which a secret may have slashes in it; but not a port.</summary>
    public static string Said(string address) => Credentials().Replace(address, "…");

    [GeneratedRegex("^([A-Za-z][A-Za-z0-9+.-]+)://")]
    private static partial Regex Scheme();

    [GeneratedRegex(@"(?<=://)([^/?]*:(?!\d+/)[^?]*|[^/?]*)(?=@)|(?<=\?).*", RegexOptions.Singleline)]
    private static partial Regex Credentials();
}
