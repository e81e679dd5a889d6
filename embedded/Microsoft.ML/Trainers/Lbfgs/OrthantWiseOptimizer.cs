namespace Microsoft.ML.Numeric;

/// <summary>
/// Minimises a smooth function plus an L1 penalty by the orthant-wise variant of L-BFGS
/// (Andrew and Gao, Scalable Training of L1-Regularized Log-Linear Models, ICML 2007).
/// </summary>
/// <param name="function">The smooth part.</param>
/// <param name="start">Where to start; becomes the optimizer's own.</param>
/// <param name="biasCount">How many leading coordinates the penalty leaves alone.</param>
/// <param name="l1Weight">The weight of the penalty, positive.</param>
/// <param name="historySize">How many steps to remember for the approximation of the Hessian.</param>
/// <param name="nonNegative">Keep the penalised coordinates at or above zero.</param>
internal sealed class OrthantWiseOptimizer(
    DifferentiableFunction function, float[] start, int biasCount, float l1Weight, int historySize, bool nonNegative)
    : LbfgsOptimizer(function, ClampStart(start, biasCount, nonNegative), historySize, nonNegative: false)
{
    private const float SufficientDecrease = 1e-4f;
    private const int MaximumTrials = 8;

    protected override float Evaluate(float[] x, float[] gradient)
    {
        float sum = 0;
        for (int i = biasCount; i < x.Length; i++)
            sum += Math.Abs(x[i]);
        return l1Weight * sum + base.Evaluate(x, gradient);
    }

    protected override void UpdateDirection()
    {
        for (int i = 0; i < X.Length; i++)
            SteepestDescent[i] = i < biasCount ? -Gradient[i] : DescentAlong(X[i], Gradient[i]);
        SteepestDescent.CopyTo(Direction, 0);
        MapDirectionByInverseHessian();
        ClearDirectionWhereStationary();
    }

    // Backtracking with a condition like Armijo's, along a path that is projected onto the orthant of X.
    protected override bool LineSearch(bool force, out string reason)
    {
        if (!CheckSlope(-VectorMath.Dot(Direction, SteepestDescent), out reason))
            return false;

        float alpha = FirstStep();
        float gain = MoveTo(alpha);
        if (gain < 0)
        {
            // The projection turned the step uphill: drop what disagrees with steepest descent.
            for (int i = biasCount; i < Direction.Length; i++)
            {
                if (SteepestDescent[i] * Direction[i] < 0)
                    Direction[i] = 0;
            }
            gain = MoveTo(alpha);
        }
        for (int trial = 1; ; trial++)
        {
            Value = Evaluate(NewX, NewGradient);
            if (Value <= LastValue - SufficientDecrease * gain)
                return true;
            if (!force && trial == MaximumTrials)
                return false;
            if (alpha == 0)
            {
                reason = "The step is numerically zero.";
                return false;
            }
            alpha *= 0.25f;
            gain = MoveTo(alpha);
        }
    }

    // The direction of steepest descent of one penalised coordinate; at the kink the penalty holds it unless the gradient is stronger.
    private float DescentAlong(float x, float gradient)
    {
        if (nonNegative)
            return x > 0 ? -gradient - l1Weight : -Math.Min(gradient + l1Weight, 0);
        if (x != 0)
            return -gradient - Math.Sign(x) * l1Weight;
        if (gradient < -l1Weight)
            return -gradient - l1Weight;
        return gradient > l1Weight ? -gradient + l1Weight : 0;
    }

    // Sets NewX; returns how far it goes along the direction of steepest descent.
    private float MoveTo(float alpha)
    {
        for (int i = 0; i < NewX.Length; i++)
        {
            float value = X[i] + alpha * Direction[i];
            bool leavesOrthant = nonNegative ? value < 0 : X[i] * value < 0;
            NewX[i] = leavesOrthant && i >= biasCount ? 0 : value;
        }
        return VectorMath.Dot(SteepestDescent, NewX) - VectorMath.Dot(SteepestDescent, X);
    }

    private static float[] ClampStart(float[] start, int biasCount, bool nonNegative)
    {
        for (int i = biasCount; nonNegative && i < start.Length; i++)
            start[i] = Math.Max(start[i], 0);
        return start;
    }
}
