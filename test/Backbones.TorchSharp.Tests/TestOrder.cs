// Tensors are counted for the whole process.
[assembly: DoNotParallelize]
