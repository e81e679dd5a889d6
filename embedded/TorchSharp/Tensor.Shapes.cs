using Backbones.Graphs;

namespace TorchSharp;

/// <content>Moving elements, reductions, products.</content>
public static partial class torch
{
    public sealed partial class Tensor
    {
        /// <summary>Shares the memory: tensors are row-major always.</summary>
        public Tensor reshape(params long[] shape)
        {
            long known = shape.Where(d => d >= 0).Aggregate(1L, (a, b) => a * b);
            long[] full = [.. shape.Select(d => d >= 0 ? d : numel() / known)];
            return full.Aggregate(1L, (a, b) => a * b) == numel() ? new Tensor(Data, full, dtype)
                : throw new System.Runtime.InteropServices.ExternalException($"shape '[{string.Join(", ", shape)}]' is invalid for input of size {numel()}");
        }

        public Tensor permute(params long[] permutation) => Operators.Run(new PermuteOp([.. permutation.Select(a => (int)a)]), this);

        public Tensor transpose(long dim0, long dim1)
        {
            int rank = shape.Length;
            long[] axes = [.. Enumerable.Range(0, rank).Select(i => (long)i)];
            int a = (int)(dim0 < 0 ? dim0 + rank : dim0), b = (int)(dim1 < 0 ? dim1 + rank : dim1);
            (axes[a], axes[b]) = (axes[b], axes[a]);
            return permute(axes);
        }

        public Tensor expand(params long[] sizes) => Operators.Run(new ExpandOp(Operators.ShapeOf(sizes)), this);

        public Tensor slice(long dim, long start, long finish, long step)
            => Operators.Run(new SliceOp((int)dim, (int)start, (int)((Math.Min(finish, shape[dim]) - start + step - 1) / step), (int)step), this);

        public Tensor narrow(long dim, long start, long length) => slice(dim, start, start + length, 1);

        public Tensor roll(long shifts, long dims) => Operators.Run(new RollOp((int)dims, (int)shifts), this);

        public Tensor index_select(long dim, Tensor index) => Operators.Run(new GatherOp((int)dim, [.. index.ToArray().Select(i => (int)i)]), this);

        public Tensor matmul(Tensor target) => Operators.Run(new MatMulOp(), this, target);

        public Tensor mean(long[] dimensions, bool keepdim = false) => Reduce(ReduceKind.Mean, dimensions, keepdim);

        public Tensor sum(long[] dim, bool keepdim = false) => Reduce(ReduceKind.Sum, dim, keepdim);

        public Tensor amax(long[] dims, bool keepdim = false) => Reduce(ReduceKind.Max, dims, keepdim);

        public Tensor var(long[] dimensions, bool unbiased = true, bool keepdim = false)
        {
            Tensor variance = Reduce(ReduceKind.Variance, dimensions, keepdim);
            if (!unbiased)
                return variance;
            float n = numel() / Math.Max(1, variance.numel());
            return variance.mul_((Scalar)(n / (n - 1)));
        }

        public Tensor new_ones(long dim0, long dim1, long dim2, long dim3)
        {
            var values = new float[dim0 * dim1 * dim2 * dim3];
            Array.Fill(values, 1);
            return new Tensor(values, [dim0, dim1, dim2, dim3], dtype);
        }

        private Tensor Reduce(ReduceKind kind, long[] axes, bool keepDims) => Operators.Run(new ReduceOp(kind, [.. axes.Select(a => (int)a)], keepDims), this);
    }
}
