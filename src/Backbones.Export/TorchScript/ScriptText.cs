using System.Globalization;
using System.Text;
using Backbones.Graphs;

namespace Backbones.TorchScript;

/// <summary>Names and literals of TorchScript's source language, which is a part of Python.</summary>
internal static class ScriptText
{
    /// <summary>Words that no name of ours may be: Python's keywords, and what sources refer to.</summary>
    private static readonly HashSet<string> s_reserved =
    [
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except", "finally",
        "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "print", "raise", "return", "try", "while", "with", "yield",
        "CONSTANTS", "Module", "Tensor", "List", "annotate", "fork", "getattr", "inf", "infj", "nan", "nanj", "ops", "self", "torch", "uninitialized",
    ];

    /// <summary>A name as near to this one as Python allows: <c>layer1.0.conv1</c> becomes <c>layer1_0_conv1</c>.</summary>
    public static string Identifier(string name)
    {
        string mangled = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
        return mangled.Length == 0 || char.IsAsciiDigit(mangled[0]) || s_reserved.Contains(mangled) ? $"_{mangled}" : mangled;
    }

    public static bool IsIdentifier(string name) => Identifier(name) == name;

    /// <summary>The first of NAME, NAME_1, NAME_2, … that is free, taken now.</summary>
    public static string Unique(string name, HashSet<string> taken)
    {
        string candidate = name;
        for (int i = 1; !taken.Add(candidate); i++)
            candidate = $"{name}_{i}";
        return candidate;
    }

    /// <summary>Reads an attribute: <c>self.conv1</c>, or <c>getattr(self.layer1, "0")</c> where the name is none of Python's.</summary>
    public static string Attribute(string owner, string name) => IsIdentifier(name) ? $"{owner}.{name}" : $"getattr({owner}, {Text(name)})";

    public static string Text(string value)
    {
        var literal = new StringBuilder("\"");
        foreach (char c in value)
            literal.Append(c is '"' or '\\' ? $"\\{c}" : char.IsControl(c) ? "_" : c.ToString());
        return literal.Append('"').ToString();
    }

    /// <summary>A number that is no integer to the parser. The shortest decimal of a float is what the model's author wrote.</summary>
    public static string Number(float value)
    {
        if (float.IsInfinity(value))
            return value > 0 ? "inf" : "-inf";
        string text = value.ToString("R", CultureInfo.InvariantCulture).ToLowerInvariant();
        return text.AsSpan().ContainsAny('.', 'e', 'n') ? text : $"{text}.";
    }

    public static string Truth(bool value) => value ? "True" : "False";

    public static string Integers(params IEnumerable<int> values) => $"[{string.Join(", ", values.Select(v => $"{v}"))}]";

    public static string Integers(Size2 size) => Integers(size.H, size.W);
}
