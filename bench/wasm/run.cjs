// Our wasm against mqtt-packet and MQTT.js in one Node process: the same chunks of 64 KiB, interleaved rounds.
// node run.cjs WASM NODE_MODULES [ROUNDS]
'use strict';
const fs = require('fs');
const path = require('path');
const { Duplex } = require('stream');

const [wasmPath, modules, asked] = process.argv.slice(2);
const rounds = Number(asked) || 41;
const load = (name) => require(path.resolve(modules, name));
const mqttPacket = load('mqtt-packet');
const mqtt = load('mqtt');
const versionOf = (name) => JSON.parse(fs.readFileSync(path.resolve(modules, name, 'package.json'))).version;

const CHUNK = 64 * 1024;
const PACKETS = 8000;
const TOPIC = 'home/room12/sensor7/temperatur';

function stream(options) {
  const packet = mqttPacket.generate(options, { protocolVersion: options.protocolVersion });
  const all = Buffer.concat(Array(PACKETS).fill(packet));
  const chunks = [];
  for (let at = 0; at < all.length; at += CHUNK) chunks.push(all.subarray(at, at + CHUNK));
  return chunks;
}

const one = { cmd: 'publish', topic: TOPIC, payload: '{"temperature":21.5}', qos: 0, protocolVersion: 4 };
const two = {
  ...one,
  protocolVersion: 5,
  properties: {
    messageExpiryInterval: 3600,
    userProperties: { source: 'kitchen-bridge', trace: '0af7651916cd43dd' },
  },
};

function ours(instance, call, version) {
  const { memory, input } = instance.exports;
  return async (chunks) => {
    let packets = 0;
    for (const chunk of chunks) {
      const at = input(chunk.length);
      new Uint8Array(memory.buffer, at, chunk.length).set(chunk);
      packets += instance.exports[call](version);
    }
    return packets;
  };
}

function packetParser(version) {
  let packets = 0;
  const parser = mqttPacket.parser({ protocolVersion: version });
  parser.on('packet', () => { packets += 1; });
  parser.on('error', (error) => { throw error; });
  return async (chunks) => {
    packets = 0;
    for (const chunk of chunks) parser.parse(chunk);
    return packets;
  };
}

async function mqttClient(version) {
  let pipe;
  const client = new mqtt.MqttClient(() => {
    pipe = new Duplex({ read() {}, write(chunk, encoding, done) { done(); } });
    return pipe;
  }, { protocolVersion: version, keepalive: 0, reconnectPeriod: 0, resubscribe: false });
  const accepted = new Promise((resolve) => client.on('connect', resolve));
  setImmediate(() => pipe.push(mqttPacket.generate(
    { cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent: false }, { protocolVersion: version })));
  await accepted;
  let messages = 0;
  let done = null;
  client.on('message', () => { if (++messages === PACKETS) done(messages); });
  const run = (chunks) => new Promise((resolve) => {
    messages = 0;
    done = resolve;
    for (const chunk of chunks) pipe.push(chunk);
  });
  run.close = () => client.end(true);
  return run;
}

async function compare(name, chunks, entries) {
  const times = entries.map(() => []);
  for (let round = 0; round <= rounds; round += 1) {
    for (const [at, [, run]] of entries.entries()) {
      const start = process.hrtime.bigint();
      const packets = await run(chunks);
      const ns = Number(process.hrtime.bigint() - start) / packets;
      if (packets !== PACKETS) throw new Error(`${entries[at][0]}: ${packets} packets`);
      if (round > 0) times[at].push(ns); // the first round warms up
    }
  }
  for (const all of times) all.sort((a, b) => a - b);
  const median = (at) => times[at][times[at].length >> 1];
  for (const [at, [label]] of entries.entries()) {
    const ratio = at === 0 ? '' : `  ${(median(at) / median(0)).toFixed(1)} / ${(times[at][0] / times[0][0]).toFixed(1)} × ours`;
    console.log(`${(at ? '' : name).padEnd(17)} ${label.padEnd(24)} ${median(at).toFixed(1).padStart(8)} ${times[at][0].toFixed(1).padStart(8)} ns${ratio}`);
  }
}

(async () => {
  const { instance } = await WebAssembly.instantiate(fs.readFileSync(wasmPath), {});
  console.log(`Node ${process.version}, median and least of ${rounds} interleaved rounds, per packet`);
  for (const [name, options] of [['D1', one], ['D2', two]]) {
    const version = options.protocolVersion;
    const chunks = stream(options);
    const client = await mqttClient(version);
    const { instance: fresh } = await WebAssembly.instantiate(fs.readFileSync(wasmPath), {});
    await compare(`decode ${name}, wasm`, chunks, [
      ['hearth-mqtt', ours(instance, 'decode', version)],
      [`mqtt-packet ${versionOf('mqtt-packet')}`, packetParser(version)],
    ]);
    await compare(`session ${name}, wasm`, chunks, [
      ['hearth-mqtt, session', ours(fresh, 'receive', version)],
      [`MQTT.js ${versionOf('mqtt')}, client`, client],
    ]);
    client.close();
  }
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
