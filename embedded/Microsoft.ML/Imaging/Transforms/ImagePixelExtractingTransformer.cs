using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

[assembly: LoadableClass(typeof(ImagePixelExtractingTransformer), null, typeof(SignatureLoadModel), "Image Pixel Extractor Transform", ImagePixelExtractingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms.Image;

/// <summary>Turns images of one size into vectors of their pixels. Made by <see cref="ImagePixelExtractingEstimator"/>.</summary>
public sealed class ImagePixelExtractingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "ImagePixelExtractor";

    internal ImagePixelExtractingTransformer(IHostEnvironment env, params ImagePixelExtractingEstimator.ColumnOptions[] columns)
        : base(Contracts.CheckRef(env, nameof(env)).Register(nameof(ImagePixelExtractingTransformer)), Array.ConvertAll(columns, c => (c.Name, c.InputColumnName)))
    {
        Columns = columns;
    }

    private ImagePixelExtractingTransformer(IHost host, ModelLoadContext ctx) : base(host, ctx)
    {
        Columns = Array.ConvertAll(ColumnPairs, pair =>
        {
            var colors = (ImagePixelExtractingEstimator.ColorBits)ctx.Reader.ReadByte();
            var order = (ImagePixelExtractingEstimator.ColorsOrder)ctx.Reader.ReadByte();
            bool asFloats = ctx.Reader.ReadBoolean();
            (float offset, float scale) = (ctx.Reader.ReadSingle(), ctx.Reader.ReadSingle());
            return new ImagePixelExtractingEstimator.ColumnOptions(
                pair.outputColumnName, pair.inputColumnName, colors, order, ctx.Reader.ReadBoolean(), offset, scale, asFloats);
        });
    }

    internal ImagePixelExtractingEstimator.ColumnOptions[] Columns { get; }

    private static VersionInfo VersionInfo => new("IMGPXEXT", 0x00010003, 0x00010003, 0x00010003,
        typeof(ImagePixelExtractingTransformer).Assembly.FullName, LoaderSignature);

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(VersionInfo);
        SaveColumns(ctx);
        foreach (ImagePixelExtractingEstimator.ColumnOptions column in Columns)
        {
            ctx.Writer.Write((byte)column.ColorsToExtract);
            ctx.Writer.Write((byte)column.OrderOfExtraction);
            ctx.Writer.Write(column.OutputAsFloatArray);
            ctx.Writer.Write(column.OffsetImage);
            ctx.Writer.Write(column.ScaleImage);
            ctx.Writer.Write(column.InterleavePixelColors);
        }
    }

    private static ImagePixelExtractingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        Contracts.CheckValue(env, nameof(env));
        env.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel(VersionInfo);
        return new ImagePixelExtractingTransformer(env.Register(nameof(ImagePixelExtractingTransformer)), ctx);
    }

    private protected override void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol)
    {
        ImageDataViewType type = ImageColumns.CheckIsImage(Host, inputSchema[srcCol]);
        if (type.Height <= 0 || type.Width <= 0)
        {
            throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", ColumnPairs[col].inputColumnName, "known-size image", "unknown-size image");
        }
    }

    private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private sealed class Mapper(ImagePixelExtractingTransformer parent, DataViewSchema inputSchema) : OneToOneMapperBase(parent.Host, parent, inputSchema)
    {
        protected override DataViewSchema.DetachedColumn[] GetOutputColumnsCore() =>
            [.. parent.Columns.Select((column, i) => new DataViewSchema.DetachedColumn(column.Name, TypeOf(column, ImageType(i)), null))];

        protected override Delegate MakeGetter(DataViewRow input, int iinfo, Func<int, bool> activeOutput, out Action disposer) =>
            parent.Columns[iinfo].OutputAsFloatArray
                ? MakeGetter<float>(input, iinfo, Floats, out disposer)
                : MakeGetter<byte>(input, iinfo, Bytes, out disposer);

        private static VectorDataViewType TypeOf(ImagePixelExtractingEstimator.ColumnOptions column, ImageDataViewType image)
        {
            int channels = column.Channels.Length;
            return column.InterleavePixelColors
                ? new VectorDataViewType(column.ItemType, image.Height, image.Width, channels)
                : new VectorDataViewType(column.ItemType, channels, image.Height, image.Width);
        }

        private static void Floats(ReadOnlySpan<byte> pixels, Span<float> values, int step, ImagePixelExtractingEstimator.ColumnOptions column)
        {
            for (int from = 0, to = 0; from < pixels.Length; from += 4, to += step)
            {
                values[to] = (pixels[from] - column.OffsetImage) * column.ScaleImage;
            }
        }

        private static void Bytes(ReadOnlySpan<byte> pixels, Span<byte> values, int step, ImagePixelExtractingEstimator.ColumnOptions column)
        {
            for (int from = 0, to = 0; from < pixels.Length; from += 4, to += step)
            {
                values[to] = pixels[from];
            }
        }

        private ImageDataViewType ImageType(int iinfo) => (ImageDataViewType)InputSchema[ColMapNewToOld[iinfo]].Type;

        /// <summary>Copies a channel: every fourth byte to every <paramref name="step"/>th value.</summary>
        private delegate void CopyChannel<T>(ReadOnlySpan<byte> pixels, Span<T> values, int step, ImagePixelExtractingEstimator.ColumnOptions column);

        private ValueGetter<VBuffer<T>> MakeGetter<T>(DataViewRow input, int iinfo, CopyChannel<T> copy, out Action disposer)
        {
            ImagePixelExtractingEstimator.ColumnOptions column = parent.Columns[iinfo];
            ImageDataViewType type = ImageType(iinfo);
            ImagePixelExtractingEstimator.ColorBits[] channels = column.Channels;
            int size = type.Height * type.Width * channels.Length;
            var getImage = input.GetGetter<MLImage>(InputSchema[ColMapNewToOld[iinfo]]);
            MLImage image = null;
            disposer = () => image?.Dispose();
            return (ref VBuffer<T> dst) =>
            {
                getImage(ref image);
                if (image is null)
                {
                    // All zeros.
                    dst = VBufferEditor.Create(ref dst, size, 0).Commit();
                    return;
                }

                Host.Check(image.Width == type.Width && image.Height == type.Height,
                    $"An image of column '{column.InputColumnName}' has {image.Width} x {image.Height} pixels, but its type says {type.Width} x {type.Height}");
                var editor = VBufferEditor.Create(ref dst, size);
                int step = column.InterleavePixelColors ? channels.Length : 1;
                for (int i = 0; i < channels.Length; i++)
                {
                    int start = column.InterleavePixelColors ? i : i * type.Height * type.Width;
                    copy(image.Pixels[ByteOf(channels[i], image.PixelFormat)..], editor.Values[start..], step, column);
                }

                dst = editor.Commit();
            };
        }

        private static int ByteOf(ImagePixelExtractingEstimator.ColorBits channel, MLPixelFormat format)
        {
            bool blueFirst = format == MLPixelFormat.Bgra32;
            return channel switch
            {
                ImagePixelExtractingEstimator.ColorBits.Alpha => 3,
                ImagePixelExtractingEstimator.ColorBits.Green => 1,
                ImagePixelExtractingEstimator.ColorBits.Red => blueFirst ? 2 : 0,
                _ => blueFirst ? 0 : 2,
            };
        }
    }
}
