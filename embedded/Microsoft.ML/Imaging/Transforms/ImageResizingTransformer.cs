using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Imaging;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

[assembly: LoadableClass(typeof(ImageResizingTransformer), null, typeof(SignatureLoadModel), "Image Resizer Transform", ImageResizingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms.Image;

/// <summary>Brings images to one size. Made by <see cref="ImageResizingEstimator"/>.</summary>
public sealed class ImageResizingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "ImageScalerTransform";

    internal ImageResizingTransformer(IHostEnvironment env, params ImageResizingEstimator.ColumnOptions[] columns)
        : base(Contracts.CheckRef(env, nameof(env)).Register(nameof(ImageResizingTransformer)), Array.ConvertAll(columns, c => (c.Name, c.InputColumnName)))
    {
        Columns = columns;
    }

    private ImageResizingTransformer(IHost host, ModelLoadContext ctx) : base(host, ctx)
    {
        Columns = Array.ConvertAll(ColumnPairs, pair =>
        {
            (int width, int height) = (ctx.Reader.ReadInt32(), ctx.Reader.ReadInt32());
            var resizing = (ImageResizingEstimator.ResizingKind)ctx.Reader.ReadByte();
            var anchor = (ImageResizingEstimator.Anchor)ctx.Reader.ReadByte();
            return new ImageResizingEstimator.ColumnOptions(pair.outputColumnName, width, height, pair.inputColumnName, resizing, anchor);
        });
    }

    internal ImageResizingEstimator.ColumnOptions[] Columns { get; }

    private static VersionInfo VersionInfo => new("IMGSCALF", 0x00010003, 0x00010003, 0x00010003,
        typeof(ImageResizingTransformer).Assembly.FullName, LoaderSignature);

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(VersionInfo);
        SaveColumns(ctx);
        foreach (ImageResizingEstimator.ColumnOptions column in Columns)
        {
            ctx.Writer.Write(column.ImageWidth);
            ctx.Writer.Write(column.ImageHeight);
            ctx.Writer.Write((byte)column.Resizing);
            ctx.Writer.Write((byte)column.Anchor);
        }
    }

    private static ImageResizingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        Contracts.CheckValue(env, nameof(env));
        env.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel(VersionInfo);
        return new ImageResizingTransformer(env.Register(nameof(ImageResizingTransformer)), ctx);
    }

    private protected override void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol) => ImageColumns.CheckIsImage(Host, inputSchema[srcCol]);

    private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private sealed class Mapper(ImageResizingTransformer parent, DataViewSchema inputSchema) : OneToOneMapperBase(parent.Host, parent, inputSchema)
    {
        protected override DataViewSchema.DetachedColumn[] GetOutputColumnsCore() =>
            Array.ConvertAll(parent.Columns, column => new DataViewSchema.DetachedColumn(column.Name, column.Type, null));

        protected override Delegate MakeGetter(DataViewRow input, int iinfo, Func<int, bool> activeOutput, out Action disposer)
        {
            ImageResizingEstimator.ColumnOptions column = parent.Columns[iinfo];
            var getImage = input.GetGetter<MLImage>(InputSchema[ColMapNewToOld[iinfo]]);
            MLImage image = null;
            disposer = null;
            return (ValueGetter<MLImage>)((ref MLImage dst) =>
            {
                dst?.Dispose();
                dst = null;
                getImage(ref image);
                if (image is null)
                {
                    return;
                }

                if (image.Width == column.ImageWidth && image.Height == column.ImageHeight)
                {
                    dst = image;
                    return;
                }

                dst = ImageResizer.Resize(image, column.ImageWidth, column.ImageHeight, column.Resizing, column.Anchor);
                dst.Tag = image.Tag;
            });
        }
    }
}
