using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Backbones.Weights.Hub;

/// <summary>The hash that a file must have: SHA-256 for large files of the Hub, git's SHA-1 of a blob for small ones, the first digits of SHA-256 in torch's file names.</summary>
internal sealed partial class ContentHash
{
    private readonly HashAlgorithmName _algorithm;
    private readonly string _digits;

    private ContentHash(HashAlgorithmName algorithm, string digits)
    {
        _algorithm = algorithm;
        _digits = digits;
    }

    /// <summary>The hash that an etag of the Hub is; null for another kind of etag.</summary>
    public static ContentHash? OfEtag(string etag) => !HexPattern().IsMatch(etag) ? null : etag.Length switch
    {
        40 => new ContentHash(HashAlgorithmName.SHA1, etag),
        64 => new ContentHash(HashAlgorithmName.SHA256, etag),
        _ => null,
    };

    /// <summary>The digits in a name such as <c>resnet50-0676ba61.pth</c>; null where there are none. Fewer than eight are part of the name.</summary>
    public static ContentHash? OfFileName(string name)
        => DigitsPattern().Match(name) is { Success: true } digits ? new ContentHash(HashAlgorithmName.SHA256, digits.Groups[1].Value) : null;

    /// <summary>The hash of a file's bytes, as many digits as are known of the right one.</summary>
    public string Of(Stream file)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(_algorithm);
        if (_algorithm == HashAlgorithmName.SHA1)
        {
            hash.AppendData(Encoding.ASCII.GetBytes($"blob {file.Length}\0")); // as git stores it
        }
        byte[] buffer = GC.AllocateUninitializedArray<byte>(1 << 20);
        file.Position = 0;
        for (int read; (read = file.Read(buffer)) > 0;)
        {
            hash.AppendData(buffer, 0, read);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset())[.._digits.Length];
    }

    public bool Is(string digits) => digits == _digits;

    public override string ToString() => $"{_algorithm.Name} {_digits}";

    [GeneratedRegex(@"\A[0-9a-f]+\z")]
    private static partial Regex HexPattern();

    [GeneratedRegex(@"-([0-9a-f]{8,64})\.")]
    private static partial Regex DigitsPattern();
}
