using Backbones.Engines;
using Backbones.Engines.Managed;
using Backbones.Graphs;

namespace Backbones.Tests.Engines;

[TestClass]
public sealed class ManagedConvolutionTests
{
    [TestMethod]
    [DataRow(64, 64, 1, 1, 14, 14, DisplayName = "pointwise")]
    [DataRow(24, 40, 1, 1, 7, 9, DisplayName = "pointwise, partial vectors")]
    [DataRow(3, 32, 7, 2, 32, 33, DisplayName = "7×7 on planar RGB")]
    [DataRow(3, 24, 3, 2, 17, 15, DisplayName = "3×3 on planar RGB")]
    [DataRow(3, 48, 4, 4, 16, 16, DisplayName = "patches on planar RGB")]
    [DataRow(1, 5, 3, 1, 6, 6, DisplayName = "one channel")]
    [DataRow(64, 96, 1, 2, 9, 14, DisplayName = "pointwise with stride")]
    [DataRow(32, 48, 2, 2, 8, 10, DisplayName = "2×2 patches")]
    public void MatchesReference(int channels, int outChannels, int kernel, int stride, int height, int width)
    {
        foreach (int batch in (int[])[1, 3])
            Check([channels, height, width], outChannels, kernel, stride, (kernel - 1) / 2, 1, 1, batch);
    }

    [TestMethod]
    public void RandomConvolutionsMatchReference()
    {
        var random = new Random(3);
        for (int i = 0; i < 60; i++)
        {
            int groups = random.Next(3) == 0 ? random.Next(2, 6) : 1;
            int channels = groups * random.Next(1, 40), outChannels = groups * random.Next(1, 70);
            int kernel = random.Next(1, 6), stride = random.Next(1, 4), dilation = random.Next(1, 3);
            int height = random.Next(kernel * dilation, 20), width = random.Next(kernel * dilation, 20);
            var padding = new Padding(random.Next(0, 4), random.Next(0, 4), random.Next(0, 4), random.Next(0, 4));
            Check([channels, height, width], outChannels, kernel, stride, padding, dilation, groups, random.Next(1, 6));
        }
    }

    [TestMethod]
    [DataRow(128, 32, DisplayName = "ResNeXt 32x4d")]
    [DataRow(128, 16, DisplayName = "groups of 8")]
    [DataRow(96, 4, DisplayName = "groups of 24")]
    [DataRow(224, 2, DisplayName = "groups of 112")]
    [DataRow(264, 1, DisplayName = "one group of 264")]
    [DataRow(30, 15, DisplayName = "groups of 2")]
    [DataRow(60, 15, DisplayName = "groups of 4, partial vectors")]
    [DataRow(96, 8, DisplayName = "groups of 12")]
    [DataRow(64, 4, DisplayName = "groups of 16")]
    [DataRow(72, 12, DisplayName = "groups of 6")]
    [DataRow(33, 3, DisplayName = "groups of 11")]
    [DataRow(60, 3, DisplayName = "groups of 20")]
    [DataRow(84, 3, DisplayName = "groups of 28, several blocks")]
    [DataRow(120, 3, DisplayName = "groups of 40")]
    [DataRow(36, 2, DisplayName = "groups of 18")]
    public void GroupedConvolutionsMatchReference(int channels, int groups)
    {
        foreach (int stride in (int[])[1, 2])
        {
            Check([channels, 9, 10], channels, 3, stride, 1, 1, groups, 2);
            Check([channels, 9, 10], channels, 3, stride, 1, 2, groups, 1);
            Check([channels, 9, 10], channels, 2, stride, 0, 1, groups, 1);
            Check([channels, 9, 10], 2 * channels, 3, stride, 1, 1, groups, 1);
        }
    }

    /// <summary>Maps of several runs of pixels, tiles and bands, and of less than one; borders on one side, wider than the kernel, and none.</summary>
    [TestMethod]
    [DataRow(32, 8, 37, 61)]
    [DataRow(20, 5, 3, 4)]
    [DataRow(48, 2, 6, 15)]
    [DataRow(56, 2, 23, 29)]
    [DataRow(24, 2, 1, 33)]
    [DataRow(130, 65, 8, 1)]
    [DataRow(464, 2, 4, 9)]
    public void GroupedConvolutionsOfMapsOfAllSizesMatchReference(int channels, int groups, int height, int width)
    {
        foreach (Padding padding in (Padding[])[1, new Padding(0, 1, 2, 3), new Padding(5, 4, 0, 2)])
        {
            if (padding.Top + padding.Bottom + height < 3 || padding.Left + padding.Right + width < 3)
                continue;
            foreach (Size2 stride in (Size2[])[1, 2, new Size2(3, 1), new Size2(1, 2), 3])
                Check([channels, height, width], channels, 3, stride, padding, 1, groups, 2);
        }
        if (height >= 3 && width >= 3)
            Check([channels, height, width], channels, 3, 1, 0, 1, groups, 2);
    }

    [TestMethod]
    [DataRow(18, 18, 56, 56)]
    [DataRow(256, 18, 14, 15)]
    [DataRow(24, 96, 15, 30)]
    [DataRow(5, 7, 6, 4)]
    [DataRow(700, 3, 8, 40)]
    public void ConvolutionsOfFewChannelsMatchReference(int channels, int outChannels, int height, int width)
    {
        foreach (Padding padding in (Padding[])[1, 0, new Padding(0, 1, 2, 3)])
            Check([channels, height, width], outChannels, 3, 1, padding, 1, 1, 2);
    }

    [TestMethod]
    [DataRow(24, 3)]
    [DataRow(48, 2)]
    [DataRow(18, 1)]
    [DataRow(44, 4)]
    public void ResidualsAndActivationsOfGroupedConvolutionsAreFusedRight(int channels, int groups)
    {
        foreach (UnaryKind kind in (UnaryKind[])[UnaryKind.Relu, UnaryKind.Relu6, UnaryKind.Silu])
        {
            foreach (int stride in (int[])[1, 2])
            {
                var b = new GraphBuilder([5, 20, 19]);
                Node x = b.Conv2d("conv0", b.Input, channels, 1);
                Node shortcut = b.Conv2d("conv1", b.Input, channels, 1, stride);
                Node y = b.Act("act", b.Add(b.BatchNorm("bn", b.Conv2d("conv2", x, channels, 3, stride, 1, groups: groups)), shortcut), kind);
                Node z = b.Act("act2", b.BatchNorm("bn2", b.Conv2d("conv3", y, channels, 3, 1, 1, groups: groups)), kind);
                EngineComparison.Check(b.Build(z, y), 3, what: $"{channels} channels, {groups} groups, stride {stride}, {kind}");
            }
        }
    }

    [TestMethod]
    [DataRow(32, 3, 1, 56, 56)]
    [DataRow(40, 3, 2, 31, 20)]
    [DataRow(72, 5, 1, 14, 14)]
    [DataRow(16, 5, 2, 28, 29)]
    [DataRow(96, 7, 1, 7, 13)]
    [DataRow(20, 7, 2, 9, 9)]
    [DataRow(1030, 3, 1, 7, 7)]
    [DataRow(24, 2, 2, 8, 8)]
    [DataRow(7, 9, 1, 9, 12)]
    [DataRow(21, 4, 1, 10, 31)]
    [DataRow(18, 11, 1, 23, 26)]
    [DataRow(35, 5, 3, 16, 40)]
    public void DepthwiseConvolutionsMatchReference(int channels, int kernel, int stride, int height, int width)
    {
        Check([channels, height, width], channels, kernel, stride, kernel / 2, 1, channels, 2);
        Check([channels, height, width], channels, kernel, stride, new Padding(0, 1, kernel, kernel - 1), 2, channels, 1);
        Check([channels, height, width], 2 * channels, kernel, stride, kernel / 2, 1, channels, 1);

        var b = new GraphBuilder([channels, height, width]);
        Node x = b.Conv2d("conv0", b.Input, channels, 1);
        Node y = b.Act("act", b.BatchNorm("bn", b.Conv2d("conv1", x, channels, kernel | 1, 1, kernel / 2, groups: channels)), UnaryKind.Relu6);
        Node z = b.Act("act2", b.Add(b.BatchNorm("bn2", b.Conv2d("conv2", y, channels, kernel | 1, 1, kernel / 2, groups: channels)), x), UnaryKind.HardSwish);
        EngineComparison.Check(b.Build(y, z), 2, what: $"depthwise {channels}, kernel {kernel}");
    }

    /// <summary>A batch normalisation behind the activation, alone and with a residual behind it, which is the input or another map; where somebody else needs a value between, and where the residual is not there yet.</summary>
    [TestMethod]
    [DataRow(32, 7, 1, 1, 32, 30)]
    [DataRow(21, 9, 1, 1, 13, 5)]
    [DataRow(40, 3, 2, 1, 17, 16)]
    [DataRow(7, 5, 1, 2, 12, 25)]
    [DataRow(50, 4, 1, 3, 11, 14)]
    public void NormsBehindActivationsOfDepthwiseConvolutionsMatchReference(int channels, int kernel, int stride, int dilation, int height, int width)
    {
        foreach (UnaryOp? activation in (UnaryOp?[])[new(UnaryKind.Relu), new(UnaryKind.Relu6), new(UnaryKind.Clamp, -0.2f, 0.3f), new(UnaryKind.Gelu), null])
        {
            int span = (kernel - 1) * dilation, half = span / 2;
            var padding = new Padding(half, half, span - half, span - half);
            var b = new GraphBuilder([6, height, width]);
            Node x = b.Conv2d("conv", b.Input, channels, 1), before = stride == 1 ? x : b.Conv2d("shortcut", b.Input, channels, 1, stride);
            Node alone = Norm("1", x), first = b.Add(Norm("2", x), before), second = b.Add(before, Norm("3", x)), used = Norm("4", x), late = Norm("5", x);
            Node wide = Norm("6", b.Conv2d("expand", b.Input, channels, 1));
            // The other summand comes after the convolution.
            Node sum = b.Add(late, b.Conv2d("late", before, channels, 1));
            Graph graph = b.Build(b.Add(b.Add(alone, first), b.Add(second, wide)), b.Add(used, before), used, sum, b.Add(Norm("7", x), b.Conv2d("number", b.Unary(before, UnaryKind.Tanh, "tanh"), channels, 1)));
            EngineComparison.Check(graph, 3, what: $"{channels} channels, kernel {kernel}, stride {stride}, dilation {dilation}, {activation}");

            Node Norm(string name, Node x)
            {
                x = b.Conv2d($"depthwise{name}", x, channels, kernel, stride, padding, dilation, channels, bias: name != "2");
                return b.BatchNorm($"bn{name}", activation is null ? b.Multiply(x, b.Parameter($"number{name}", [1])) : b.Function($"act{name}", activation, x));
            }
        }
    }

    /// <summary>A factor of zero leaves the shift, a negative one exchanges the bounds; what is unbounded stays so.</summary>
    [TestMethod]
    public void BoundsAreScaledByChannel()
    {
        ChannelBounds relu = ChannelBounds.Of(new UnaryOp(UnaryKind.Relu), 3).Scaled([2, -2, 0], [1, 1, 1]), relu6 = ChannelBounds.Of(new UnaryOp(UnaryKind.Relu6), 3).Scaled([2, -2, 0], [1, 1, 1]);
        CollectionAssert.AreEqual((float[])[1, float.NegativeInfinity, 1], relu.Low);
        CollectionAssert.AreEqual((float[])[float.PositiveInfinity, 1, 1], relu.High);
        CollectionAssert.AreEqual((float[])[1, -11, 1], relu6.Low);
        CollectionAssert.AreEqual((float[])[13, 1, 1], relu6.High);
        Assert.IsNull(ChannelBounds.OfAll(new UnaryOp(UnaryKind.Gelu)));
    }

    /// <summary>A norm behind the ReLU of a depthwise convolution and the residual behind it are no steps of their own.</summary>
    [TestMethod]
    public void NormsAndSumsBehindClampsOfDepthwiseConvolutionsAreTakenIn()
    {
        var b = new GraphBuilder([24, 9, 9]);
        Node x = b.Conv2d("conv", b.Input, 24, 1);
        Graph graph = b.Build(b.Conv2d("project", b.Add(b.BatchNorm("bn", b.Act("act", b.Conv2d("depthwise", x, 24, 3, padding: 1, groups: 24), UnaryKind.Relu)), x), 8, 1));
        using var plan = (ManagedPlan)new ManagedEngine().Compile(graph, new RandomParameters(1), EngineOptions.Default);
        string[] steps = [.. plan.Steps.ToArray().Select(s => s.Step.GetType().Name.Split('`')[0])];
        CollectionAssert.DoesNotContain(steps, "ChannelAffineStep");
        CollectionAssert.DoesNotContain(steps, "ElementwiseStep");
        CollectionAssert.Contains(steps, "DepthwiseStep");
    }

    /// <summary>Channel attention's gates before a 1×1 convolution, which multiplies its rows by them; where somebody else needs the gated map, where it is the residual too, and where the gates are no map's own.</summary>
    [TestMethod]
    [DataRow(40, 24, 56, 55, DisplayName = "pieces with parts of images")]
    [DataRow(130, 100, 13, 11, DisplayName = "partial vectors")]
    [DataRow(450, 70, 12, 9, DisplayName = "two blocks of K")]
    [DataRow(33, 321, 15, 14, DisplayName = "more columns than are worth it")]
    [DataRow(20, 16, 1, 2, DisplayName = "two rows")]
    public void GatedPointwiseConvolutionsMatchReference(int channels, int outChannels, int height, int width)
    {
        var b = new GraphBuilder([7, height, width]);
        Node x = b.Conv2d("conv", b.Input, channels, 1), gates = b.Unary(b.Conv2d("gate", b.Reduce(x, ReduceKind.Mean, [1, 2], keepDims: true), channels, 1), UnaryKind.Sigmoid, "sigmoid");
        Node shortcut = b.Conv2d("shortcut", b.Input, outChannels, 1);
        Node plain = b.Act("act", b.Conv2d("project1", b.Multiply(x, gates), outChannels, 1), UnaryKind.Silu), residual = b.Add(b.Conv2d("project2", b.Multiply(gates, x), outChannels, 1, bias: false), shortcut);
        Node used = b.Multiply(x, gates), own = b.Multiply(gates, x), line = b.Multiply(x, b.Reduce(x, ReduceKind.Mean, [2], keepDims: true));
        Graph graph = b.Build(plain, residual, used, b.Conv2d("project3", used, outChannels, 1), b.Add(b.Conv2d("project4", own, channels, 1), own), b.Conv2d("project5", line, outChannels, 1),
            b.Conv2d("depthwise", b.Conv2d("project6", b.Multiply(x, gates), outChannels, 1), outChannels, 3, padding: 1, groups: outChannels), b.Conv2d("project7", b.Multiply(gates, gates), outChannels, 1));
        foreach (int batch in (int[])[1, 3])
            EngineComparison.Check(graph, batch, threads: batch, what: $"{channels} to {outChannels}, {height}×{width}");

        float[] inputs = RandomParameters.Values(2 * 7 * height * width, 3);
        using IPlan floats = new ManagedEngine().Compile(graph, new RandomParameters(1), EngineOptions.Default), halves = new ManagedEngine().Compile(graph, new RandomParameters(1), EngineOptions.Default with { Precision = Precision.Float16Weights });
        foreach ((float[] expected, float[] actual) in EngineComparison.Run(floats, 2, [inputs]).Zip(EngineComparison.Run(halves, 2, [inputs])))
            Assert.IsLessThan(1e-3, EngineComparison.RelativeError(expected, actual));
    }

    /// <summary>A batch normalisation and its activation before a 1×1 convolution, which does them itself; where somebody else needs a value between, where it is the residual too, behind a depthwise convolution that takes
    /// the norm in, and before another convolution.</summary>
    [TestMethod]
    [DataRow(40, 24, 56, 55, DisplayName = "pieces with parts of images")]
    [DataRow(450, 70, 12, 9, DisplayName = "two blocks of K")]
    [DataRow(33, 321, 15, 14, DisplayName = "more columns than are worth it")]
    [DataRow(21, 16, 1, 2, DisplayName = "two rows")]
    public void NormalizedPointwiseConvolutionsMatchReference(int channels, int outChannels, int height, int width)
    {
        foreach (UnaryOp? activation in (UnaryOp?[])[new(UnaryKind.Relu), new(UnaryKind.Clamp, -0.2f, 0.3f), new(UnaryKind.Silu), null])
        {
            var b = new GraphBuilder([7, height, width]);
            Node x = b.Concat(0, [b.Conv2d("conv1", b.Input, channels - 5, 1), b.Conv2d("conv2", b.Input, 5, 1)]), shortcut = b.Conv2d("shortcut", b.Input, outChannels, 1);
            Node used = Norm("1", x), usedNorm = b.BatchNorm("norm2", x), own = Norm("3", x);
            Node depthwise = Norm("4", b.Act("act", b.Conv2d("depthwise1", x, channels, 3, padding: 1, groups: channels), UnaryKind.Relu));
            Graph graph = b.Build(b.Act("last", b.Conv2d("project1", Norm("5", x), outChannels, 1), UnaryKind.Gelu), b.Add(b.Conv2d("project2", Norm("6", x), outChannels, 1, bias: false), shortcut), used, b.Conv2d("project3", used, outChannels, 1),
                b.Conv2d("project4", Act("7", usedNorm), outChannels, 1), usedNorm, b.Add(b.Conv2d("project5", own, channels, 1), own), b.Conv2d("project6", depthwise, outChannels, 1),
                b.Conv2d("depthwise2", b.Conv2d("project7", Norm("8", x), outChannels, 1), outChannels, 3, padding: 1, groups: outChannels), b.Conv2d("other", Norm("9", x), outChannels, 3, padding: 1));
            foreach (int batch in (int[])[1, 3])
                EngineComparison.Check(graph, batch, threads: batch, what: $"{channels} to {outChannels}, {height}×{width}, {activation}");

            Node Norm(string name, Node x) => Act(name, b.BatchNorm($"norm{name}", x));

            Node Act(string name, Node x) => activation is null ? x : b.Function($"act{name}", activation, x);
        }
    }

    /// <summary>Neither gates nor a normalisation with its activation are steps of their own before a 1×1 convolution of few columns.</summary>
    [TestMethod]
    [DataRow(24, false)]
    [DataRow(321, true)]
    public void WhatComesBeforePointwiseConvolutionsIsTakenIn(int outChannels, bool ownStep)
    {
        var b = new GraphBuilder([24, 10, 10]);
        Graph graph = b.Build(b.Conv2d("project1", b.Multiply(b.Input, b.Reduce(b.Input, ReduceKind.Mean, [1, 2], keepDims: true)), outChannels, 1),
            b.Conv2d("project2", b.Act("act", b.BatchNorm("norm", b.Input), UnaryKind.Silu), outChannels, 1));
        using var plan = (ManagedPlan)new ManagedEngine().Compile(graph, new RandomParameters(1), EngineOptions.Default);
        string[] steps = [.. plan.Steps.ToArray().Select(s => s.Step.GetType().Name.Split('`')[0])];
        Assert.AreEqual(ownStep, steps.Contains("ElementwiseStep"));
        Assert.AreEqual(ownStep, steps.Contains("ChannelAffineStep"));
    }

    [TestMethod]
    [DataRow(24, 70, 3, 1, 56, 56, DisplayName = "bands, partial vectors")]
    [DataRow(16, 96, 3, 2, 112, 111, DisplayName = "bands, stride 2")]
    [DataRow(40, 130, 5, 2, 28, 27, DisplayName = "5×5, stride 2")]
    [DataRow(9, 20, 5, 1, 4, 3, DisplayName = "kernel larger than the map")]
    [DataRow(33, 64, 3, 3, 17, 16, DisplayName = "columns that the stride leaves out")]
    public void InvertedBottlenecksMatchReference(int channels, int wide, int kernel, int stride, int height, int width)
    {
        foreach (UnaryKind kind in (UnaryKind[])[UnaryKind.Silu, UnaryKind.Relu6])
        {
            foreach (Padding padding in (Padding[])[kernel / 2, new Padding(0, 1, kernel - 1, 2)])
            {
                var b = new GraphBuilder([channels, height, width]);
                Node x = b.Act("act1", b.BatchNorm("bn1", b.Conv2d("expand", b.Input, wide, 1)), kind);
                Node y = b.Act("act2", b.BatchNorm("bn2", b.Conv2d("depthwise", x, wide, kernel, stride, padding, groups: wide)), kind);
                Node z = b.Conv2d("again", b.Conv2d("project", y, channels, 1), wide, 1);
                int dilation = height > 2 * kernel ? 2 : 1;
                z = b.Add(b.Conv2d("dilated", z, wide, kernel, 1, padding, dilation, wide), b.Conv2d("other", y, wide, kernel, 1, padding, dilation, wide));
                EngineComparison.Check(b.Build(y, z), 2, what: $"{channels} to {wide}, kernel {kernel}, stride {stride}, {padding}, {kind}");
            }
        }
    }

    [TestMethod]
    [DataRow(64, 64, 14, 14, 1, DisplayName = "4×4 tiles, partial at the border")]
    [DataRow(40, 72, 13, 17, 1, DisplayName = "4×4 tiles, partial vectors")]
    [DataRow(32, 200, 30, 11, 1, DisplayName = "4×4 tiles, several bands")]
    [DataRow(40, 48, 17, 15, 1, DisplayName = "4×4 tiles, one row and three columns at the edges")]
    [DataRow(40, 48, 19, 13, 1, DisplayName = "4×4 tiles, three rows and one column at the edges")]
    [DataRow(256, 160, 14, 18, 1, DisplayName = "4×4 tiles, many weights, two rows and two columns at the edges")]
    [DataRow(160, 256, 12, 11, 1, DisplayName = "4×4 tiles, many weights, three columns at the edge")]
    [DataRow(48, 64, 8, 9, 1, DisplayName = "2×2 tiles")]
    [DataRow(48, 72, 7, 7, 1, DisplayName = "lines")]
    [DataRow(36, 40, 5, 9, 1, DisplayName = "2×2 tiles, partial vectors")]
    [DataRow(272, 40, 7, 8, 1, DisplayName = "2×2 tiles, one row at the edge")]
    [DataRow(64, 128, 14, 14, 2, DisplayName = "two groups, 4×4 tiles")]
    [DataRow(192, 96, 13, 17, 3, DisplayName = "three groups, 4×4 tiles")]
    [DataRow(256, 128, 7, 9, 4, DisplayName = "four groups, 2×2 tiles")]
    public void WinogradMatchesReference(int channels, int outChannels, int height, int width, int groups)
    {
        foreach (Padding padding in (Padding[])[1, 0, new Padding(0, 1, 2, 3)])
            Check([channels, height, width], outChannels, 3, 1, padding, 1, groups, 3);
    }

    [TestMethod]
    [DataRow(64, 48, 28, 23, 2, 1, DisplayName = "4×4 tiles")]
    [DataRow(40, 72, 14, 15, 2, 1, DisplayName = "2×2 tiles, partial vectors")]
    [DataRow(32, 64, 31, 36, 3, 1, DisplayName = "dilation 3")]
    [DataRow(64, 128, 16, 20, 2, 2, DisplayName = "two groups")]
    public void DilatedWinogradMatchesReference(int channels, int outChannels, int height, int width, int dilation, int groups)
    {
        foreach (Padding padding in (Padding[])[dilation, 0, new Padding(0, 1, 2, 3), 5])
            Check([channels, height, width], outChannels, 3, 1, padding, dilation, groups, 2);
    }

    [TestMethod]
    [DataRow(40, 2, 7, 2)]
    [DataRow(16, 4, 3, 1)]
    [DataRow(9, 2, 3, 2)]
    [DataRow(5, 8, 5, 1)]
    [DataRow(12, 3, 3, 1)]
    public void DepthwiseConvolutionsWithSeveralOutputsMatchReference(int channels, int multiplier, int kernel, int stride)
    {
        Check([channels, 13, 10], multiplier * channels, kernel, stride, kernel / 2, 1, channels, 2);
        Check([channels, 17, 16], multiplier * channels, kernel, stride, new Padding(0, 1, kernel, 2), 2, channels, 1);
    }

    [TestMethod]
    public void BatchNormResidualAndActivationAreFusedRight()
    {
        foreach (UnaryKind kind in (UnaryKind[])[UnaryKind.Relu, UnaryKind.Relu6, UnaryKind.Silu, UnaryKind.HardSwish, UnaryKind.Gelu, UnaryKind.Mish])
        {
            foreach (int channels in (int[])[64, 20])
            {
                var b = new GraphBuilder([3, 12, 12]);
                Node x = b.Act("act0", b.BatchNorm("bn0", b.Conv2d("conv0", b.Input, channels, 3, padding: 1)), kind);
                Node y = b.BatchNorm("bn1", b.Conv2d("conv1", x, channels, 3, padding: 1));
                y = b.Act("act1", b.Add(y, x), kind);
                Node z = b.Act("act2", b.Add(b.BatchNorm("bn2", b.Conv2d("conv2", y, channels, 1)), x), kind);
                EngineComparison.Check(b.Build(z, y), 2, what: $"{kind}, {channels} channels");
            }
        }
    }

    /// <summary>One number times what a convolution has clamped, and one added, go into the convolution: whatever their sign, by every kernel, and not where somebody else needs the value between.</summary>
    [TestMethod]
    public void ScaleAndShiftBehindAClampMatchReference()
    {
        foreach (UnaryKind? kind in (UnaryKind?[])[null, UnaryKind.Relu, UnaryKind.Relu6, UnaryKind.Silu])
        {
            foreach ((int channels, int kernel, int groups) in ((int, int, int)[])[(40, 1, 1), (40, 3, 1), (24, 3, 24), (20, 5, 1)])
            {
                foreach (int seed in (int[])[1, 2, 3, 4])
                {
                    var b = new GraphBuilder([channels, 13, 11]);
                    Node x = b.Conv2d("conv", b.Input, channels, kernel, padding: kernel / 2, groups: groups, bias: seed % 2 == 0);
                    x = kind is { } act ? b.Act("act", x, act) : x;
                    Node scaled = b.Multiply(b.Parameter($"scale{seed}", [1]), x);
                    Node y = b.Multiply(b.Add(scaled, b.Parameter($"shift{seed}", [1])), b.Parameter($"again{seed}", [1]));
                    Node z = b.Conv2d("next", y, 8, 1);
                    string what = $"{kind}, {channels} channels, kernel {kernel}, {groups} groups, seed {seed}";
                    EngineComparison.Check(b.Build(z), 2, what: what);
                    EngineComparison.Check(b.Build(z, y), 2, what: what);
                    EngineComparison.Check(b.Build(z, scaled), 1, what: what);
                }
            }
        }
    }

    /// <summary>Two small factors are nothing together, and bounds times nothing no numbers; two large ones more than a number.</summary>
    [TestMethod]
    [DataRow(1e-30f)]
    [DataRow(1e-22f)]
    [DataRow(1e25f)]
    [DataRow(0f)]
    public void FactorsOfAnySizeBehindAClampMatchReference(float factor)
    {
        var b = new GraphBuilder([20, 9, 8]);
        Node x = b.Act("act", b.Conv2d("conv", b.Affine(b.Input, factor > 1 ? 1e-25f : 1), 20, 3, padding: 1), UnaryKind.Relu);
        x = b.Multiply(b.Multiply(x, b.Constant([1], [factor], "one")), b.Constant([1], [factor], "another"));
        EngineComparison.Check(b.Build(b.Add(x, b.Constant([1], [0.5f], "shift"))));
    }

    /// <summary>A depthwise convolution does not make its own input where that is the residual too: with a stride, maps of one pixel have the residual's shape.</summary>
    [TestMethod]
    [DataRow(1, 14)]
    [DataRow(2, 1)]
    public void ExpansionsThatAreTheResidualTooMatchReference(int stride, int size)
    {
        var b = new GraphBuilder([24, size, size]);
        Node x = b.Act("act", b.Conv2d("expand", b.Conv2d("conv", b.Input, 24, 3, padding: 1), 72, 1, bias: true), UnaryKind.Relu);
        EngineComparison.Check(b.Build(b.Add(b.Conv2d("depthwise", x, 72, 3, stride, 1, groups: 72), x)));
    }

    /// <summary>Convolutions of one channel by one pixel are both an expansion and depthwise.</summary>
    [TestMethod]
    public void PointwiseConvolutionsOfOneChannelMatchReference()
    {
        var b = new GraphBuilder([8, 9, 5]);
        Node x = b.Input;
        for (int i = 0; i < 4; i++)
            x = b.Conv2d($"conv{i}", x, 1, 1, padding: i / 3);
        EngineComparison.Check(b.Build(x));
    }

    /// <summary>Expansion and depthwise convolution as one step, with panels of two to four vectors for as many threads.</summary>
    [TestMethod]
    public void ExpansionsOfAnyWidthMatchReferenceForAnyNumberOfThreads()
    {
        foreach ((int channels, int wide, int size, int stride) in ((int, int, int, int)[])[(16, 72, 9, 1), (24, 192, 14, 1), (40, 200, 7, 2), (8, 30, 15, 2), (32, 96, 7, 1)])
        {
            foreach (int threads in (int[])[1, 2, 3, 7])
            {
                var b = new GraphBuilder([channels, size, size]);
                Node x = b.Act("act1", b.Conv2d("expand", b.Input, wide, 1, bias: true), UnaryKind.HardSwish);
                x = b.Act("act2", b.Conv2d("depthwise", x, wide, 5, stride, 2, groups: wide), UnaryKind.Relu);
                EngineComparison.Check(b.Build(b.Conv2d("project", x, 12, 1)), 2, threads: threads, what: $"{channels} → {wide}, {size}×{size}, stride {stride}, {threads} threads");
            }
        }
    }

    [TestMethod]
    public void ManyThreadsAndBatchesMatchReference()
    {
        var b = new GraphBuilder([3, 20, 20]);
        Node x = b.Conv2d("conv1", b.Input, 40, 3, 2, 1);
        x = b.Conv2d("conv2", x, 70, 3, padding: 1);
        x = b.Conv2d("conv3", x, 130, 1);
        Graph graph = b.Build(x);
        foreach (int batch in (int[])[1, 2, 5, 19])
            EngineComparison.Check(graph, batch, threads: 5);
    }

    private static void Check(Shape input, int outChannels, int kernel, Size2 stride, Padding padding, int dilation, int groups, int batch)
    {
        var b = new GraphBuilder(input);
        Node y = b.Conv2d("conv", b.Input, outChannels, kernel, stride, padding, dilation, groups, bias: true);
        // The second convolution reads what the first wrote, channels last.
        Node z = b.Conv2d("again", y, 20, 1);
        EngineComparison.Check(b.Build(y, z), batch, what: $"{input} → {outChannels}, kernel {kernel}, stride {stride}, {padding}, dilation {dilation}, {groups} groups");

        var channelsLast = new GraphBuilder(input);
        Node first = channelsLast.Conv2d("conv0", channelsLast.Input, input[0], 1);
        EngineComparison.Check(channelsLast.Build(channelsLast.Conv2d("conv", first, outChannels, kernel, stride, padding, dilation, groups)), batch,
            what: $"channels last {input} → {outChannels}, kernel {kernel}, stride {stride}, {padding}, dilation {dilation}, {groups} groups");
    }
}
