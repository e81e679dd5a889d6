namespace Microsoft.ML.Numeric;

/// <summary>The value of a function at <paramref name="x"/>; its gradient is written to <paramref name="gradient"/>.</summary>
internal delegate float DifferentiableFunction(ReadOnlySpan<float> x, Span<float> gradient);

/// <summary>
/// Minimises a smooth function by limited-memory BFGS with a line search for the strong Wolfe conditions
/// (Nocedal and Wright, Numerical Optimization, 2nd edition, algorithms 7.4, 3.5 and 3.6).
/// </summary>
internal class LbfgsOptimizer
{
    private const float SufficientDecrease = 1e-4f;
    private const float Curvature = 0.9f;
    private const int MaximumZoomSteps = 10;

    private readonly DifferentiableFunction _function;
    private readonly LbfgsHistory _history;
    private readonly bool _nonNegative;

    /// <param name="function">The function to minimise.</param>
    /// <param name="start">Where to start; becomes the optimizer's own.</param>
    /// <param name="historySize">How many steps to remember for the approximation of the Hessian.</param>
    /// <param name="nonNegative">Keep every coordinate at or above zero.</param>
    public LbfgsOptimizer(DifferentiableFunction function, float[] start, int historySize, bool nonNegative)
    {
        _function = function;
        _history = new LbfgsHistory(historySize);
        _nonNegative = nonNegative;
        X = start;
        NewX = new float[start.Length];
        Gradient = new float[start.Length];
        NewGradient = new float[start.Length];
        Direction = new float[start.Length];
        SteepestDescent = new float[start.Length];
    }

    /// <summary>The last accepted point.</summary>
    protected float[] X { get; private set; }

    /// <summary>The point under trial.</summary>
    protected float[] NewX { get; private set; }

    /// <summary>The gradient of the smooth part at <see cref="X"/>.</summary>
    protected float[] Gradient { get; private set; }

    /// <summary>The gradient of the smooth part at <see cref="NewX"/>.</summary>
    protected float[] NewGradient { get; private set; }

    /// <summary>Where the next line search goes.</summary>
    protected float[] Direction { get; }

    /// <summary>The direction of steepest descent at <see cref="X"/>, where constraints or a kink make it differ from the negative gradient.</summary>
    protected float[] SteepestDescent { get; }

    /// <summary>The value at <see cref="X"/>.</summary>
    protected float LastValue { get; private set; }

    /// <summary>The value at <see cref="NewX"/>.</summary>
    protected float Value { get; set; }

    /// <summary>The number of the step under way, from 1.</summary>
    protected int Iteration { get; private set; } = 1;

    /// <summary>Why the last <see cref="Minimize"/> ended before its criterion was met; null when it was met.</summary>
    public string PrematureConvergence { get; private set; }

    /// <summary>Runs until <paramref name="criterion"/> is met, or until no step gets any further.</summary>
    /// <returns>The point with the lowest value.</returns>
    /// <exception cref="InvalidOperationException">The function yields a value that is not finite, or a gradient that is not one.</exception>
    public float[] Minimize(MeanImprovementCriterion criterion)
    {
        Value = LastValue = Evaluate(X, Gradient);
        if (!float.IsFinite(LastValue))
            throw NotFinite(LastValue);
        while (true)
        {
            UpdateDirection();
            if (!TryStep(out string reason))
            {
                PrematureConvergence = reason;
                return X;
            }
            if (criterion.IsMet(LastValue, Value, Iteration))
                return NewX;
            if (!_history.Add(X, NewX, Gradient, NewGradient))
            {
                PrematureConvergence = "The step and the change of the gradient are orthogonal; the function may be linear.";
                return NewX;
            }
            (X, NewX) = (NewX, X);
            (Gradient, NewGradient) = (NewGradient, Gradient);
            LastValue = Value;
            Iteration++;
        }
    }

    /// <summary>Sets <see cref="Direction"/> for the step from <see cref="X"/>.</summary>
    protected virtual void UpdateDirection()
    {
        for (int i = 0; i < X.Length; i++)
            SteepestDescent[i] = _nonNegative && X[i] <= 0 ? -Math.Min(Gradient[i], 0) : -Gradient[i];
        SteepestDescent.CopyTo(Direction, 0);
        MapDirectionByInverseHessian();
        if (_nonNegative)
            ClearDirectionWhereStationary();
    }

    /// <summary>Searches along <see cref="Direction"/> for an acceptable <see cref="NewX"/>.</summary>
    /// <param name="force">Go on until a point is found; otherwise give up when the search drags on.</param>
    /// <param name="reason">Why no step can be made at all; null if the search was given up or has succeeded.</param>
    protected virtual bool LineSearch(bool force, out string reason)
    {
        float slope = VectorMath.Dot(Direction, Gradient);
        if (!CheckSlope(slope, out reason))
            return false;

        float decrease = SufficientDecrease * slope;
        float curvature = Curvature * slope;
        float alpha = FirstStep();
        var last = new LinePoint(0, LastValue, slope);
        LinePoint low, high;

        // Bracketing: lengthen the step until a minimum lies between two points.
        while (true)
        {
            LinePoint current = EvaluateAt(alpha);
            if (float.IsPositiveInfinity(current.Value))
            {
                alpha /= 2;
                continue;
            }
            if (current.Value > LastValue + decrease * alpha || (last.Alpha > 0 && current.Value >= last.Value))
            {
                (low, high) = (last, current);
                break;
            }
            if (Math.Abs(current.Slope) <= -curvature)
                return true;
            if (current.Slope >= 0)
            {
                (low, high) = (current, last);
                break;
            }
            last = current;
            alpha = alpha == 0 ? float.Epsilon : alpha * 2;
        }

        // Zoom: shrink the bracket around the minimum.
        for (int step = 0; step < MaximumZoomSteps || force; step++)
        {
            LinePoint current = EvaluateAt(LinePoint.Interpolate(low, high));
            if (current.Value > LastValue + decrease * current.Alpha || current.Value >= low.Value)
            {
                if (high.Alpha == current.Alpha)
                    return GiveUp(force, out reason);
                high = current;
                continue;
            }
            if (Math.Abs(current.Slope) <= -curvature)
                return true;
            if (current.Slope * (high.Alpha - low.Alpha) >= 0)
                high = low;
            if (low.Alpha == current.Alpha)
                return GiveUp(force, out reason);
            low = current;
        }
        return false;

        static bool GiveUp(bool force, out string reason)
        {
            reason = force ? "The step is numerically zero." : null;
            return false;
        }
    }

    /// <summary>The value of the whole function at <paramref name="x"/>; the gradient is that of its smooth part.</summary>
    protected virtual float Evaluate(float[] x, float[] gradient) => _function(x, gradient);

    /// <summary>The length of the first trial step: one unit of distance at the start, the quasi-Newton step later on.</summary>
    protected float FirstStep() => Iteration == 1 ? 1 / MathF.Sqrt(VectorMath.NormSquared(Direction)) : 1;

    /// <summary>Multiplies <see cref="Direction"/> by the approximation of the inverse Hessian.</summary>
    protected void MapDirectionByInverseHessian() => _history.MapByInverseHessian(Direction);

    /// <summary>Keeps coordinates where they are that have no direction of descent.</summary>
    protected void ClearDirectionWhereStationary()
    {
        for (int i = 0; i < Direction.Length; i++)
        {
            if (SteepestDescent[i] == 0)
                Direction[i] = 0;
        }
    }

    /// <summary>Sees to it that <see cref="Direction"/> leads downhill.</summary>
    /// <exception cref="InvalidOperationException">It leads uphill.</exception>
    protected static bool CheckSlope(float slope, out string reason)
    {
        reason = slope == 0 ? "The directional derivative is zero: this may be the optimum." : null;
        if (reason == null && !(slope < 0))
            throw new InvalidOperationException("L-BFGS chose a non-descent direction.");
        return reason == null;
    }

    private bool TryStep(out string reason)
    {
        if (LineSearch(force: false, out reason))
            return true;
        if (reason != null)
            return false;
        // The remembered gradients may carry numerical errors: forget them and start over with steepest descent.
        _history.Clear();
        UpdateDirection();
        return LineSearch(force: true, out reason);
    }

    private LinePoint EvaluateAt(float alpha)
    {
        for (int i = 0; i < NewX.Length; i++)
        {
            float value = X[i] + alpha * Direction[i];
            NewX[i] = _nonNegative && value < 0 ? 0 : value;
        }
        Value = Evaluate(NewX, NewGradient);
        if (!float.IsFinite(Value) && !float.IsPositiveInfinity(Value))
            throw NotFinite(Value);
        return new LinePoint(alpha, Value, VectorMath.Dot(Direction, NewGradient));
    }

    private static InvalidOperationException NotFinite(float value)
        => new($"Optimizer unable to proceed with loss function yielding {value}");
}
