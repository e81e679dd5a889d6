// Runs a model in ONNX Runtime on request: one line "batch runs" in, one line with the milliseconds of each run out.
'use strict';
const ort = require(process.argv[2]);
const readline = require('node:readline');

(async () => {
  const [, , , model, threads] = process.argv;
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['cpu'], intraOpNumThreads: Number(threads), interOpNumThreads: 1,
    executionMode: 'sequential', graphOptimizationLevel: 'all',
  });
  const name = session.inputNames[0];
  console.log('ready');
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [batch, runs, ...shape] = line.split(' ').map(Number);
    const data = new Float32Array(batch * shape.reduce((a, b) => a * b, 1));
    for (let i = 0; i < data.length; i++) data[i] = Math.sin(i * 0.37);
    const feeds = { [name]: new ort.Tensor('float32', data, [batch, ...shape]) };
    const times = [];
    let first = 0;
    for (let i = 0; i < runs; i++) {
      const start = process.hrtime.bigint();
      const result = await session.run(feeds);
      times.push(Number(process.hrtime.bigint() - start) / 1e6);
      first = Object.values(result)[0].data[0];
    }
    console.log(times.map(t => t.toFixed(4)).join(' ') + ' ' + first);
  }
})().catch(e => { console.error(String(e)); process.exit(1); });
