namespace Backbones.Engines.Managed;

/// <summary>What a run of depthwise output pixels works on. Distances are in floats.</summary>
internal unsafe struct DepthwiseLine
{
    public float* Source;
    public float* Target;
    public float* Residual;
    public float* Weights;
    public nint SourcePixel;
    public nint TargetPixel;
    public nint ResidualPixel;
    public nint TapX;
    public nint TapY;
    public nint Lanes;
    public int KernelH;
    public int KernelW;
    public float Low;
    public float High;
    public bool Clamp;
}
