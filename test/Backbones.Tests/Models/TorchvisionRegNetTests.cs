using Backbones.Models;

namespace Backbones.Tests.Models;

[TestClass]
public sealed class TorchvisionRegNetTests
{
    // num_params of torchvision's weights tables.
    [TestMethod]
    [DataRow("regnet_y_400mf", 4344144)]
    [DataRow("regnet_y_800mf", 6432512)]
    [DataRow("regnet_y_1_6gf", 11202430)]
    [DataRow("regnet_y_3_2gf", 19436338)]
    [DataRow("regnet_y_8gf", 39381472)]
    [DataRow("regnet_y_16gf", 83590140)]
    [DataRow("regnet_y_32gf", 145046770)]
    [DataRow("regnet_y_128gf", 644812894)]
    [DataRow("regnet_x_400mf", 5495976)]
    [DataRow("regnet_x_800mf", 7259656)]
    [DataRow("regnet_x_1_6gf", 9190136)]
    [DataRow("regnet_x_3_2gf", 15296552)]
    [DataRow("regnet_x_8gf", 39572648)]
    [DataRow("regnet_x_16gf", 54278536)]
    [DataRow("regnet_x_32gf", 107811560)]
    public void ParametersAreAsManyAsTorchvisions(string name, long count) => Assert.AreEqual(count, ModelCatalog.Find($"torchvision/{name}").Build(BuildOptions.Default).Graph.ParameterCount);

    [TestMethod]
    public void LevelsAreTheStemAndTheStages()
        => Assert.AreEqual("32/2 stem, 48/4 trunk_output.block1, 104/8 trunk_output.block2, 208/16 trunk_output.block3, 440/32 trunk_output.block4", string.Join(", ",
            SelectedFeatures.Create(ModelCatalog.Find("torchvision/regnet_y_400mf"), FeatureSelection.Pyramid()).Outputs.Select(o => $"{o.Level!.Channels}/{o.Level.Reduction} {o.Level.Module}")));
}
