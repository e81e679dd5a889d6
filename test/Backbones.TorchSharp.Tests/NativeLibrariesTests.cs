using Backbones.Engines.Torch;

namespace Backbones.Tests.Torch;

[TestClass]
public sealed class NativeLibrariesTests
{
    private readonly string _folder = Directory.CreateTempSubdirectory("timm-features-").FullName;

    [TestCleanup]
    public void Delete() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void AMissingPackageIsSaid()
    {
        string text = new NativeLibraries([_folder, Path.Combine(_folder, "nowhere")]).Explain();
        StringAssert.Contains(text, "is missing");
        StringAssert.Contains(text, "reference TorchSharp-cpu, TorchSharp-cuda-linux or TorchSharp-cuda-windows");
    }

    [TestMethod]
    public void LibtorchWithoutItsShimIsSaid()
    {
        Write("torch_cpu");
        StringAssert.Contains(new NativeLibraries([_folder]).Explain(), $"{NativeLibraries.FileName("LibTorchSharp")} is in none");
    }

    [TestMethod]
    public void APackageThatDoesNotLoadIsNoMissingOne()
    {
        Write("torch_cpu");
        Write("LibTorchSharp");
        string text = new NativeLibraries([_folder]).Explain();
        StringAssert.Contains(text, $"cannot load {NativeLibraries.FileName("torch_cpu")}: ");
        Assert.DoesNotContain("reference TorchSharp", text);
    }

    /// <summary>.NET's message on a system whose C++ library is too old for TorchSharp 0.107.</summary>
    [TestMethod]
    public void TheLoadersSentenceIsTakenOutOfTheMessage()
    {
        const string message = """
            Unable to load shared library '/app/runtimes/linux-x64/native/libLibTorchSharp.so' or one of its dependencies. In order to help diagnose loading problems, consider using a tool like strace. If you're using glibc, consider setting the LD_DEBUG environment variable: 
            /lib/x86_64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by /app/runtimes/linux-x64/native/libLibTorchSharp.so)
            /app/runtimes/linux-x64/native/libLibTorchSharp.so.so: cannot open shared object file: No such file or directory

            """;
        string cause = NativeLibraries.Cause(message);
        StringAssert.StartsWith(cause, "/lib/x86_64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.32' not found");
        StringAssert.Contains(cause, "newer C++ library");
        Assert.AreEqual("Unable to load DLL 'torch_cpu': The specified module could not be found.", NativeLibraries.Cause("Unable to load DLL 'torch_cpu': The specified module could not be found."));
        Assert.AreEqual("libcudart.so.12: cannot open shared object file", NativeLibraries.Cause("Unable to load shared library.\nlibcudart.so.12: cannot open shared object file"));
    }

    [TestMethod]
    public void EverybodyWhoNeedsAMissingPackageSaysSo()
        => StringAssert.StartsWith(ProgramElsewhere.Run(_folder), "TorchSharp's native package is missing");

    [TestMethod]
    public void EverybodyWhoNeedsThePackageSaysWhyItDoesNotLoad()
    {
        Write("torch_cpu");
        Write("LibTorchSharp");
        StringAssert.StartsWith(ProgramElsewhere.Run(_folder), $"TorchSharp's native package is there and this system cannot load {NativeLibraries.FileName("torch_cpu")}: ");
    }

    [TestMethod]
    public void APackageForTheCpuIsToldByItsFiles()
    {
        Assert.IsFalse(new NativeLibraries([_folder]).AreForCpu);
        Write("torch_cpu");
        Assert.IsTrue(new NativeLibraries([_folder]).AreForCpu);
        Write("torch_cuda");
        Assert.IsFalse(new NativeLibraries([_folder]).AreForCpu);
    }

    [TestMethod]
    public void FilesThatAreDamagedAreNoRefusalForGood()
    {
        Write("torch_cpu");
        Write("LibTorchSharp");
        Assert.IsNull(new NativeLibraries([_folder]).Refusal());
        StringAssert.Contains(new NativeLibraries([_folder]).Explain(), "cannot load");
    }

    private void Write(string library) => File.WriteAllText(Path.Combine(_folder, NativeLibraries.FileName(library)), "no library");
}
