namespace Microsoft.ML.Numeric;

/// <summary>The last steps of an optimisation and the changes of gradient that came with them: what L-BFGS knows of the Hessian.</summary>
/// <param name="size">How many steps to keep.</param>
internal sealed class LbfgsHistory(int size)
{
    private readonly record struct Step(float[] Move, float[] GradientChange, float Product);

    private readonly List<Step> _steps = [];

    /// <summary>Takes in one step; false if move and change of gradient are orthogonal, which says nothing about the Hessian.</summary>
    public bool Add(float[] x, float[] newX, float[] gradient, float[] newGradient)
    {
        Step recycled = default;
        if (_steps.Count == size)
        {
            recycled = _steps[0];
            _steps.RemoveAt(0);
        }
        float[] move = recycled.Move ?? new float[x.Length];
        float[] change = recycled.GradientChange ?? new float[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            move[i] = newX[i] - x[i];
            change[i] = newGradient[i] - gradient[i];
        }
        float product = VectorMath.Dot(move, change);
        if (product == 0)
            return false;
        _steps.Add(new Step(move, change, product));
        return true;
    }

    /// <summary>Forgets every step.</summary>
    public void Clear() => _steps.Clear();

    /// <summary>Multiplies <paramref name="direction"/> by the inverse Hessian as far as the steps tell it (two-loop recursion).</summary>
    public void MapByInverseHessian(float[] direction)
    {
        // Steps along negative curvature would turn the direction uphill.
        int newest = _steps.FindLastIndex(step => step.Product > 0);
        if (newest < 0)
            return;
        var alphas = new float[newest + 1];
        for (int i = newest; i >= 0; i--)
        {
            Step step = _steps[i];
            if (step.Product <= 0)
                continue;
            alphas[i] = VectorMath.Dot(step.Move, direction) / step.Product;
            VectorMath.AddScaled(-alphas[i], step.GradientChange, direction);
        }
        VectorMath.Scale(direction, _steps[newest].Product / VectorMath.NormSquared(_steps[newest].GradientChange));
        for (int i = 0; i <= newest; i++)
        {
            Step step = _steps[i];
            if (step.Product <= 0)
                continue;
            float beta = VectorMath.Dot(step.GradientChange, direction) / step.Product;
            VectorMath.AddScaled(alphas[i] - beta, step.Move, direction);
        }
    }
}
