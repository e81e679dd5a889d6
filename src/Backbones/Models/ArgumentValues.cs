using System.Collections.Immutable;
using System.Text.Json;
using Backbones.Graphs;
using Backbones.Layers;

namespace Backbones.Models;

/// <summary>A value of an argument that a model cannot have; the message says what would be valid.</summary>
internal sealed class ArgumentValueException(string valid) : Exception(valid);

/// <summary>Values of timm's arguments, for the tables of families. Their types and limits <c>ModelArgs</c> has checked; what depends on the family is checked here.</summary>
internal static class ArgumentValues
{
    /// <summary>A number, of an argument that is a list in other families.</summary>
    public static int Number(this JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : throw new ArgumentValueException("a whole number");

    /// <summary>A number on a condition.</summary>
    public static int Number(this JsonElement value, Func<int, bool> isValid, string valid) => value.Number() is var number && isValid(number) ? number : throw new ArgumentValueException(valid);

    /// <summary>A number for each stage.</summary>
    public static ImmutableArray<int> PerStage(this JsonElement value, int stages) => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == stages
        ? [.. value.EnumerateArray().Select(v => v.GetInt32())]
        : throw new ArgumentValueException($"a list of {stages} whole numbers, one for each stage");

    /// <summary>The same, or one number for all stages.</summary>
    public static ImmutableArray<int> ForStages(this JsonElement value, int stages)
        => value.ValueKind == JsonValueKind.Number ? [.. Enumerable.Repeat(value.GetInt32(), stages)] : value.PerStage(stages);

    /// <summary>A ratio, of an argument that is a list in other families.</summary>
    public static double Ratio(this JsonElement value) => value.ValueKind == JsonValueKind.Number ? value.GetDouble() : throw new ArgumentValueException("a number");

    /// <summary>A ratio for each stage.</summary>
    public static ImmutableArray<double> RatioPerStage(this JsonElement value, int stages) => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == stages
        ? [.. value.EnumerateArray().Select(v => v.GetDouble())]
        : throw new ArgumentValueException($"a list of {stages} numbers, one for each stage");

    /// <summary>The stages that have it, of a list with true or false for each.</summary>
    public static ImmutableArray<int> StagesWith(this JsonElement value, int stages) => value.GetArrayLength() == stages
        ? [.. value.EnumerateArray().Index().Where(v => v.Item.ValueKind == JsonValueKind.True).Select(v => v.Index)]
        : throw new ArgumentValueException($"a list of {stages} times true or false, one for each stage");

    /// <summary>The side of a kernel that has a middle.</summary>
    public static int OddKernel(this JsonElement value, int least = 1) => value.Number(n => n >= least && n % 2 == 1, $"an odd number, {least} or more");

    /// <summary>Sides of kernels that have a middle.</summary>
    public static ImmutableArray<int> OddKernels(this JsonElement value, int? count = null)
        => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == (count ?? value.GetArrayLength()) && value.EnumerateArray().All(v => v.GetInt32() % 2 == 1)
            ? [.. value.EnumerateArray().Select(v => v.GetInt32())]
            : throw new ArgumentValueException($"a list of {(count is null ? "" : $"{count} ")}odd numbers");

    /// <summary>Two numbers, or one for both.</summary>
    public static (int First, int Second) Pair(this JsonElement value) => value.ValueKind == JsonValueKind.Number ? (value.GetInt32(), value.GetInt32())
        : value.GetArrayLength() == 2 ? (value[0].GetInt32(), value[1].GetInt32())
        : throw new ArgumentValueException("a whole number or a list of two");

    /// <summary>Three numbers.</summary>
    public static (int First, int Second, int Third) Triple(this JsonElement value) => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 3
        ? (value[0].GetInt32(), value[1].GetInt32(), value[2].GetInt32())
        : throw new ArgumentValueException("a list of 3 whole numbers");

    /// <summary>What the names of a list stand for.</summary>
    public static ImmutableArray<T> EachOf<T>(this JsonElement value, int count, params (string Name, T Meaning)[] choices) => value.GetArrayLength() == count
        ? [.. value.EnumerateArray().Select(v => v.OneOf(choices))]
        : throw new ArgumentValueException($"a list of {count} names");

    /// <summary>What a name stands for.</summary>
    public static T OneOf<T>(this JsonElement value, params (string Name, T Meaning)[] choices)
    {
        string name = value.GetString()!;
        foreach ((string choice, T meaning) in choices)
        {
            if (choice == name)
                return meaning;
        }
        string[] names = [.. choices.Select(c => $"'{c.Name}'")];
        throw new ArgumentValueException($"{(names.Length > 1 ? $"{string.Join(", ", names[..^1])} or " : "")}{names[^1]}.{NearestName.Suggest(name, choices.Select(c => c.Name))}".TrimEnd('.'));
    }

    /// <summary>An activation by timm's name (<c>get_act_layer</c>).</summary>
    public static UnaryKind Activation(this JsonElement value) => value.OneOf(
        ("gelu", UnaryKind.Gelu), ("gelu_tanh", UnaryKind.GeluTanh), ("quick_gelu", UnaryKind.QuickGelu), ("silu", UnaryKind.Silu), ("swish", UnaryKind.Silu), ("relu", UnaryKind.Relu), ("relu6", UnaryKind.Relu6),
        ("leaky_relu", UnaryKind.LeakyRelu), ("hard_swish", UnaryKind.HardSwish), ("mish", UnaryKind.Mish));

    /// <summary>A norm of tokens by timm's name (<c>get_norm_layer</c>), with timm's eps.</summary>
    public static NormLayer TokenNorm(this JsonElement value) => value.OneOf(("layernorm", Norms.LayerNorm()), ("rmsnorm", Norms.RmsNorm()));
}
