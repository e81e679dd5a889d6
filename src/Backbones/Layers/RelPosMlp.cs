using Backbones.Graphs;

namespace Backbones.Layers;

/// <summary>
/// timm.layers.RelPosMlp: relative position bias from a small perceptron over the logarithms of distances, which other windows can use too. All of it is parameter arithmetic.
/// Paper: Swin Transformer V2, https://arxiv.org/abs/2111.09883
/// </summary>
internal static class RelPosMlp
{
    /// <summary>The bias <c>[heads, h · w, h · w]</c> by timm's own way (modes 'cr' and 'rw'): sign(Δ) · ln(1 + |Δ|), a perceptron <paramref name="name"/>.</summary>
    public static Node LogDistances(GraphBuilder b, string name, Size2 window, int heads, int hidden)
    {
        Node coordinates = Coordinates(b, window, (dy, dx) => (Log(dy), Log(dx)));
        return RelPosBias.Lookup(b, Perceptron(b, $"{name}.fc1", $"{name}.fc2", coordinates, heads, hidden, bias: true), window);

        static double Log(double d) => Math.CopySign(Math.Log(1 + Math.Abs(d)), d);
    }

    /// <summary>
    /// The bias <c>[heads, h · w, h · w]</c> by the paper's way (mode 'swin'): distances relative to the window, 16 times the sigmoid of the perceptron.
    /// </summary>
    /// <param name="b">The builder.</param>
    /// <param name="fc1">Name of the perceptron's first layer.</param>
    /// <param name="fc2">Name of its second layer, which has no bias.</param>
    /// <param name="window">The window.</param>
    /// <param name="pretrainedWindow">The window that the distances are relative to; 0 for this one.</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="hidden">Width of the perceptron.</param>
    /// <exception cref="GraphException">The distances are relative to a window of one row or column, which has none: timm divides by zero, and all features are NaN.</exception>
    public static Node RelativeDistances(GraphBuilder b, string fc1, string fc2, Size2 window, int pretrainedWindow, int heads, int hidden)
    {
        Size2 unit = pretrainedWindow > 0 ? pretrainedWindow : window;
        if (unit.H == 1 || unit.W == 1)
            throw new GraphException($"A window of {unit} has no distances that its position bias could be made of; choose a larger image, whose windows have two rows and columns or more in every stage.");
        Node coordinates = Coordinates(b, window, (dy, dx) => (Log(dy / (unit.H - 1)), Log(dx / (unit.W - 1))));
        Node bias = RelPosBias.Lookup(b, Perceptron(b, fc1, fc2, coordinates, heads, hidden, bias: false), window);
        return b.Affine(b.Unary(bias, UnaryKind.Sigmoid, "sigmoid"), 16);

        static double Log(double d) => Math.CopySign(Math.Log2(1 + Math.Abs(8 * d)), d) / 3;
    }

    private static Node Coordinates(GraphBuilder b, Size2 window, Func<double, double, (double, double)> map)
    {
        int columns = 2 * window.W - 1, distances = RelPosBias.Distances(window);
        var values = new float[2 * distances];
        for (int i = 0; i < distances; i++)
        {
            (double y, double x) = map(i / columns - (window.H - 1), i % columns - (window.W - 1));
            (values[2 * i], values[2 * i + 1]) = ((float)y, (float)x);
        }
        return b.Constant([distances, 2], values, "rel_coords_log");
    }

    private static Node Perceptron(GraphBuilder b, string fc1, string fc2, Node x, int heads, int hidden, bool bias)
        => b.Linear(fc2, b.Unary(b.Linear(fc1, x, hidden), UnaryKind.Relu, "relu"), heads, bias);
}
