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
    public static int Number(this JsonElement value) => value.ValueKind == JsonValueKind.Number ? value.GetInt32() : throw new ArgumentValueException("a whole number");

    /// <summary>A number on a condition.</summary>
    public static int Number(this JsonElement value, Func<int, bool> isValid, string valid) => value.Number() is var number && isValid(number) ? number : throw new ArgumentValueException(valid);

    /// <summary>A number for each stage.</summary>
    public static ImmutableArray<int> PerStage(this JsonElement value, int stages) => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == stages
        ? [.. value.EnumerateArray().Select(v => v.GetInt32())]
        : throw new ArgumentValueException($"a list of {stages} whole numbers, one for each stage");

    /// <summary>The same, or one number for all stages.</summary>
    public static ImmutableArray<int> ForStages(this JsonElement value, int stages)
        => value.ValueKind == JsonValueKind.Number ? [.. Enumerable.Repeat(value.GetInt32(), stages)] : value.PerStage(stages);

    /// <summary>Two numbers, or one for both.</summary>
    public static (int First, int Second) Pair(this JsonElement value) => value.ValueKind == JsonValueKind.Number ? (value.GetInt32(), value.GetInt32())
        : value.GetArrayLength() == 2 ? (value[0].GetInt32(), value[1].GetInt32())
        : throw new ArgumentValueException("a whole number or a list of two");

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
        throw new ArgumentValueException($"{string.Join(", ", names[..^1])} or {names[^1]}.{NearestName.Suggest(name, choices.Select(c => c.Name))}".TrimEnd('.'));
    }

    /// <summary>An activation by timm's name (<c>get_act_layer</c>).</summary>
    public static UnaryKind Activation(this JsonElement value) => value.OneOf(
        ("gelu", UnaryKind.Gelu), ("gelu_tanh", UnaryKind.GeluTanh), ("quick_gelu", UnaryKind.QuickGelu), ("silu", UnaryKind.Silu), ("swish", UnaryKind.Silu), ("relu", UnaryKind.Relu), ("relu6", UnaryKind.Relu6),
        ("leaky_relu", UnaryKind.LeakyRelu), ("hard_swish", UnaryKind.HardSwish), ("mish", UnaryKind.Mish));

    /// <summary>A norm of tokens by timm's name (<c>get_norm_layer</c>), with timm's eps.</summary>
    public static NormLayer TokenNorm(this JsonElement value) => value.OneOf(("layernorm", Norms.LayerNorm()), ("rmsnorm", Norms.RmsNorm()));
}
