using Backbones.Graphs;

namespace Backbones.Tests.Onnx;

/// <summary>What makes a file valid ONNX of opset 17 and the same graph, seen without running it.</summary>
internal static class OnnxStructure
{
    private const int Float32 = 1, Int64 = 7;

    /// <summary>The operators of opset 17 that are used: fewest and most inputs, and the attributes that there are.</summary>
    private static readonly Dictionary<string, (int Min, int Max, string[] Attributes)> s_operators = new()
    {
        ["Abs"] = (1, 1, []),
        ["Add"] = (2, 2, []),
        ["AveragePool"] = (1, 1, ["ceil_mode", "count_include_pad", "kernel_shape", "pads", "strides"]),
        ["BatchNormalization"] = (5, 5, ["epsilon", "momentum", "training_mode"]),
        ["Clip"] = (1, 3, []),
        ["Concat"] = (1, int.MaxValue, ["axis"]),
        ["Conv"] = (2, 3, ["dilations", "group", "kernel_shape", "pads", "strides"]),
        ["Cos"] = (1, 1, []),
        ["Div"] = (2, 2, []),
        ["Elu"] = (1, 1, ["alpha"]),
        ["Erf"] = (1, 1, []),
        ["Exp"] = (1, 1, []),
        ["Expand"] = (2, 2, []),
        ["Gather"] = (2, 2, ["axis"]),
        ["Gemm"] = (2, 3, ["alpha", "beta", "transA", "transB"]),
        ["GlobalAveragePool"] = (1, 1, []),
        ["HardSigmoid"] = (1, 1, ["alpha", "beta"]),
        ["HardSwish"] = (1, 1, []),
        ["Identity"] = (1, 1, []),
        ["InstanceNormalization"] = (3, 3, ["epsilon"]),
        ["LSTM"] = (3, 8, ["activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "input_forget", "layout"]),
        ["LayerNormalization"] = (2, 3, ["axis", "epsilon", "stash_type"]),
        ["LeakyRelu"] = (1, 1, ["alpha"]),
        ["Log"] = (1, 1, []),
        ["MatMul"] = (2, 2, []),
        ["Max"] = (1, int.MaxValue, []),
        ["MaxPool"] = (1, 1, ["ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"]),
        ["Min"] = (1, int.MaxValue, []),
        ["Mul"] = (2, 2, []),
        ["Neg"] = (1, 1, []),
        ["PRelu"] = (2, 2, []),
        ["Pad"] = (2, 3, ["mode"]),
        ["Pow"] = (2, 2, []),
        ["Reciprocal"] = (1, 1, []),
        ["ReduceL2"] = (1, 1, ["axes", "keepdims"]),
        ["ReduceMax"] = (1, 1, ["axes", "keepdims"]),
        ["ReduceMean"] = (1, 1, ["axes", "keepdims"]),
        ["ReduceSum"] = (1, 2, ["keepdims", "noop_with_empty_axes"]),
        ["Relu"] = (1, 1, []),
        ["Reshape"] = (2, 2, ["allowzero"]),
        ["Resize"] = (1, 4, ["coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside", "extrapolation_value", "mode", "nearest_mode"]),
        ["Selu"] = (1, 1, ["alpha", "gamma"]),
        ["Shape"] = (1, 1, ["end", "start"]),
        ["Sigmoid"] = (1, 1, []),
        ["Sin"] = (1, 1, []),
        ["Slice"] = (3, 5, []),
        ["Softmax"] = (1, 1, ["axis"]),
        ["Softplus"] = (1, 1, []),
        ["Sqrt"] = (1, 1, []),
        ["Sub"] = (2, 2, []),
        ["Tanh"] = (1, 1, []),
        ["Transpose"] = (1, 1, ["perm"]),
    };

    /// <summary>Checks a file that was made of a graph.</summary>
    public static void Check(OnnxModel model, Graph graph, IReadOnlyList<string> outputNames)
    {
        Assert.AreEqual(8, model.IrVersion);
        CollectionAssert.AreEqual(new[] { ("", 17L) }, model.Opsets);
        CheckValues(model.Inputs, [.. graph.Inputs.Select(i => i.Name)], [.. graph.Inputs.Select(i => i.Shape)]);
        CheckValues(model.Outputs, outputNames, [.. graph.Outputs.Select(o => o.Shape)]);
        CheckTensors(model);
        CheckNodes(model);
    }

    private static void CheckValues(OnnxModel.Value[] values, IReadOnlyList<string> names, IReadOnlyList<Shape> shapes)
    {
        CollectionAssert.AreEqual(names.ToArray(), values.Select(v => v.Name).ToArray());
        for (int i = 0; i < values.Length; i++)
        {
            Assert.AreEqual(Float32, values[i].ElementType, names[i]);
            CollectionAssert.AreEqual((object[])["N", .. shapes[i].Select(d => (object)(long)d)], values[i].Shape, names[i]);
        }
    }

    private static void CheckTensors(OnnxModel model)
    {
        string[] used = [.. model.Nodes.SelectMany(n => n.Inputs).Distinct()];
        foreach (OnnxModel.Tensor tensor in model.Tensors.Values)
        {
            Assert.IsTrue(tensor.DataType is Float32 or Int64, $"{tensor.Name}: data type {tensor.DataType}");
            long size = tensor.Dims.Aggregate(tensor.DataType == Float32 ? 4L : 8L, (a, b) => a * b);
            Assert.AreEqual(size, tensor.Data.Length, tensor.Name);
            CollectionAssert.Contains(used, tensor.Name, "an initializer that no node reads");
        }
    }

    private static void CheckNodes(OnnxModel model)
    {
        var defined = new HashSet<string>([.. model.Tensors.Keys, .. model.Inputs.Select(i => i.Name)]);
        Assert.HasCount(model.Tensors.Count + model.Inputs.Length, defined, "an input and an initializer share a name");
        foreach (OnnxModel.Node node in model.Nodes)
        {
            Assert.IsTrue(s_operators.TryGetValue(node.Type, out var known), $"{node.Name}: '{node.Type}' is no operator of opset 17 known here");
            Assert.IsInRange(known.Min, known.Max, node.Inputs.Length, $"{node.Name}: inputs of {node.Type}");
            CollectionAssert.IsSubsetOf(node.Attributes.Keys, known.Attributes, $"{node.Name}: attributes of {node.Type}");
            foreach (string input in node.Inputs.Where(i => i.Length > 0))
                Assert.Contains(input, defined, $"{node.Name} reads a value that is not there yet");
            foreach (string output in node.Outputs)
                Assert.IsTrue(defined.Add(output), $"{output} is defined twice");
        }
        foreach (OnnxModel.Value value in model.Outputs.Concat(model.Values))
            Assert.Contains(value.Name, defined, "a described value is not computed");
        Assert.HasCount(model.Nodes.Length, model.Nodes.Select(n => n.Name).Distinct(), "two nodes share a name");
    }
}
