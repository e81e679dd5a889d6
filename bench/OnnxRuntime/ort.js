// Runs models in ONNX Runtime on request. A line of JSON in: { model, batch, runs, shape, input, output }, where input and output are
// files of raw float32: the model's only input, and where all its outputs go one after another. A line of JSON out:
// { milliseconds: one per run, outputs: [{ name, shape }] } or { error }.
'use strict';
const fs = require('node:fs');
const readline = require('node:readline');
const [, , module_, threads] = process.argv;
const ort = require(module_);

let loaded = { key: null, session: null };

async function load(path) {
  const key = `${path} ${fs.statSync(path).mtimeMs}`;
  if (loaded.key !== key) {
    await loaded.session?.release();
    loaded = { key: null, session: null };
    const session = await ort.InferenceSession.create(path, {
      executionProviders: ['cpu'], intraOpNumThreads: Number(threads), interOpNumThreads: 1,
      executionMode: 'sequential', graphOptimizationLevel: 'all',
    });
    loaded = { key, session };
  }
  return loaded.session;
}

async function run({ model, batch, runs, shape, input, output }) {
  const session = await load(model);
  const bytes = fs.readFileSync(input);
  const data = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', data, [batch, ...shape]) };
  const milliseconds = [];
  let results;
  for (let i = 0; i < runs; i++) {
    const start = process.hrtime.bigint();
    results = await session.run(feeds);
    milliseconds.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  const file = fs.openSync(output, 'w');
  for (const name of session.outputNames) {
    const { data } = results[name];
    fs.writeSync(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  fs.closeSync(file);
  return { milliseconds, outputs: session.outputNames.map(name => ({ name, shape: results[name].dims })) };
}

(async () => {
  console.log('ready');
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const reply = await run(JSON.parse(line)).catch(e => ({ error: String(e) }));
    console.log(JSON.stringify(reply));
  }
})();
