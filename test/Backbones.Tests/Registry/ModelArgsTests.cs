using Backbones.Registry;
using Backbones.Tests.Weights;
using Backbones.Weights;

namespace Backbones.Tests.Registry;

[TestClass]
public sealed class ModelArgsTests
{
    [TestMethod]
    [DataRow("""{"img_size":384}""", "[3, 384, 384]", 1000, null, 32)]
    [DataRow("""{"img_size":[320,192],"in_chans":1}""", "[1, 320, 192]", 1000, null, 32)]
    [DataRow("""{"num_classes":0,"global_pool":""}""", "[3, 224, 224]", 0, "", 32)]
    [DataRow("""{"global_pool":"max","output_stride":16,"drop_path_rate":0.1,"dynamic_img_size":true,"num_classes":null}""", "[3, 224, 224]", 1000, "max", 16)]
    public void ArgumentsBecomePartOfTheConfig(string arguments, string size, int classes, string? pool, int stride)
    {
        PretrainedConfig config = Read(arguments);
        Assert.AreEqual((size, classes, pool, stride), (config.InputSize.ToString(), config.NumClasses, config.GlobalPool, config.OutputStride));
        PretrainedConfig again = PretrainedConfigWriter.FromJson(PretrainedConfigWriter.ToJson(config));
        Assert.AreEqual((size, classes, pool, stride), (again.InputSize.ToString(), again.NumClasses, again.GlobalPool, again.OutputStride));
    }

    [TestMethod]
    [DataRow("""{"globl_pool":"max"}""", "'model_args' has 'globl_pool', which is not known here. All models take 'global_pool', 'img_size', 'in_chans', ")]
    [DataRow("""{"globl_pool":"max"}""", "Did you mean 'global_pool'")]
    [DataRow("""{"img_size":"384"}""", "'img_size' of 'model_args' is \"384\"; it must be a whole number, 1 or more")]
    [DataRow("""{"img_size":[384,0]}""", "'img_size' of 'model_args' is 0")]
    [DataRow("""{"global_pool":1}""", "'global_pool' of 'model_args' is 1; it must be a text")]
    [DataRow("""{"num_classes":-1}""", "it must be a whole number, 0 or more")]
    [DataRow("""{"layers":[2,2,0,2]}""", "'layers' of 'model_args' is [2,2,0,2]; it must be a list of at most 16 whole numbers from 1 to 512")]
    [DataRow("""{"mean_image":"yes"}""", "'mean_image' of 'model_args' is \"yes\"; it must be true or false")]
    [DataRow("""{"depth":513}""", "'depth' of 'model_args' is 513; it must be a whole number from 1 to 512")]
    [DataRow("""{"patch_size":[14,14]}""", "'patch_size' of 'model_args' is [14,14]; it must be a whole number, 1 or more")]
    [DataRow("""{"mlp_ratio":"4"}""", "'mlp_ratio' of 'model_args' is \"4\"; it must be a number from 0 to 64")]
    [DataRow("""{"qkv_bias":1}""", "'qkv_bias' of 'model_args' is 1; it must be true or false")]
    [DataRow("""[]""", "'model_args' is []; it must be an object")]
    public void WhatIsNotKnownIsRefusedByName(string arguments, string problem)
        => StringAssert.Contains(Assert.ThrowsExactly<WeightsFormatException>(() => Read(arguments)).Message, problem);

    private static PretrainedConfig Read(string arguments)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("config.json"), $$"""{"architecture":"resnet18","model_args":{{arguments}}}""");
        return ModelFolder.Read(folder.Path).Config;
    }
}
