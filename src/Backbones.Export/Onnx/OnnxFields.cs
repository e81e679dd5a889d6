namespace Backbones.Onnx;

/// <summary>Field numbers of the ONNX messages that an exported file has, or that are read (onnx.proto), and the values of their enumerations.</summary>
internal static class OnnxFields
{
    public static class Model
    {
        public const int IrVersion = 1, ProducerName = 2, ProducerVersion = 3, Graph = 7, OpsetImport = 8, MetadataProps = 14;
    }

    public static class OperatorSet
    {
        public const int Domain = 1, Version = 2;
    }

    public static class Entry
    {
        public const int Key = 1, Value = 2;
    }

    public static class Graph
    {
        public const int Node = 1, Name = 2, Initializer = 5, Input = 11, Output = 12, ValueInfo = 13;
    }

    public static class Node
    {
        public const int Input = 1, Output = 2, Name = 3, OpType = 4, Attribute = 5;
    }

    public static class Attribute
    {
        public const int Name = 1, Float = 2, Integer = 3, Text = 4, Integers = 8, Type = 20;
        public const int TypeFloat = 1, TypeInteger = 2, TypeText = 3, TypeIntegers = 7;
    }

    public static class Tensor
    {
        public const int Dims = 1, DataType = 2, FloatData = 4, Name = 8, RawData = 9;
        public const int Float32 = 1, Int64 = 7;
    }

    public static class ValueInfo
    {
        public const int Name = 1, Type = 2;
    }

    public static class Type
    {
        public const int TensorType = 1;
    }

    public static class TensorType
    {
        public const int ElementType = 1, Shape = 2;
    }

    public static class TensorShape
    {
        public const int Dimension = 1;
    }

    public static class Dimension
    {
        public const int Value = 1, Parameter = 2;
    }
}
