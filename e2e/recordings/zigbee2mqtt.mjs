// Runs the real Zigbee2MQTT with a Zigbee network that is not there: its adapter says what radios of the named models
// send, as ZCL frames. Everything from those frames to MQTT is Zigbee2MQTT's own. See README.md.
//
//   node zigbee2mqtt.mjs FOLDER MQTT_PORT SECONDS [again]
//
// FOLDER holds node_modules/zigbee2mqtt. `again` goes on with the network of the run before, whose radios are configured.

import { createRequire, syncBuiltinESMExports } from "node:module";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const [folder, port, seconds, again] = process.argv.slice(2);
const require = createRequire(join(resolve(folder), "node_modules/zigbee2mqtt/index.js"));
const data = join(resolve(folder), "data");
if (!again) {
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data);
}
process.env.ZIGBEE2MQTT_DATA = data;

// What a recording says of the machine would be of no use to anybody.
const os = require("node:os");
os.cpus = () => Array(4).fill({ model: "Cortex-A72" });
os.version = () => "Linux";
os.release = () => "6";
os.totalmem = () => 2 ** 32;
os.freemem = () => 2 ** 31;
os.loadavg = () => [0.1, 0.1, 0.1];
syncBuiltinESMExports();

const herdsman = require("zigbee-herdsman");
const { Zcl } = herdsman;
const { Adapter } = require(join(resolve(folder), "node_modules/zigbee-herdsman/dist/adapter/adapter.js"));

// Clusters by name, and what is reported of them: [attribute, type, value as a function of a walk between 0 and 1].
const onOff = ["genOnOff", [["onOff", (w) => (w > 0.5 ? 1 : 0)]]];
const level = ["genLevelCtrl", [["currentLevel", (w) => Math.round(1 + 253 * w)]]];
const warm = ["lightingColorCtrl", [["colorTemperature", (w) => Math.round(250 + 200 * w)]]];
const temperature = ["msTemperatureMeasurement", [["measuredValue", (w) => Math.round(1900 + 400 * w)]]];
const humidity = ["msRelativeHumidity", [["measuredValue", (w) => Math.round(4000 + 2000 * w)]]];
const pressure = ["msPressureMeasurement", [["measuredValue", (w) => Math.round(1000 + 20 * w)]]];
const battery = ["genPowerCfg", [["batteryPercentageRemaining", (w) => Math.round(60 + 140 * w)]]];
const light = ["msIlluminanceMeasurement", [["measuredValue", (w) => Math.round(5000 + 20000 * w)]]];
const occupancy = ["msOccupancySensing", [["occupancy", (w) => (w > 0.7 ? 1 : 0)]]];
const power = ["haElectricalMeasurement", [["activePower", (w) => Math.round(900 * w)], ["rmsVoltage", (w) => Math.round(228 + 6 * w)], ["rmsCurrent", (w) => Math.round(4000 * w)]]];
const meter = ["seMetering", [["currentSummDelivered", (w) => Math.round(123400 + 100 * w)]]];
const thermostat = ["hvacThermostat", [["localTemp", (w) => Math.round(1900 + 300 * w)], ["occupiedHeatingSetpoint", () => 2100]]];
const blind = ["closuresWindowCovering", [["currentPositionLiftPercentage", (w) => Math.round(100 * w)]]];
const lock = ["closuresDoorLock", [["lockState", (w) => (w > 0.5 ? 1 : 2)]]];
const zone = ["ssIasZone", []];

// Model, manufacturer, router or end device, endpoint, clusters, how many, what they are called.
const MODELS = [
  ["TRADFRI bulb E27 WS opal 980lm", "IKEA of Sweden", "Router", 1, [onOff, level, warm], 14, "ceiling_light"],
  ["LCA001", "Signify Netherlands B.V.", "Router", 11, [onOff, level, warm], 10, "hue_lamp"],
  ["TRADFRI control outlet", "IKEA of Sweden", "Router", 1, [onOff], 6, "outlet"],
  ["TS011F", "_TZ3000_okaz9tjs", "Router", 1, [onOff, power, meter], 8, "metering_plug"],
  ["lumi.weather", "LUMI", "EndDevice", 1, [temperature, humidity, pressure], 12, "climate_sensor"],
  ["SNZB-02", "eWeLink", "EndDevice", 1, [temperature, humidity, battery], 8, "small_climate_sensor"],
  ["lumi.sensor_magnet.aq2", "LUMI", "EndDevice", 1, [onOff], 16, "window_contact"],
  ["lumi.sensor_motion.aq2", "LUMI", "EndDevice", 1, [light, occupancy], 10, "motion_sensor"],
  ["SML001", "Philips", "EndDevice", 2, [occupancy, light, temperature, battery], 4, "hue_motion"],
  ["lumi.sensor_wleak.aq1", "LUMI", "EndDevice", 1, [zone], 5, "leak_sensor"],
  ["SPZB0001", "Eurotronic", "EndDevice", 1, [thermostat, battery], 9, "radiator"],
  ["FYRTUR block-out roller blind", "IKEA of Sweden", "EndDevice", 1, [blind, battery], 6, "blind"],
  ["YRD226 TSDB", "Yale", "EndDevice", 1, [lock, battery], 2, "front_lock"],
  ["SMSZB-120", "frient A/S", "EndDevice", 35, [zone, temperature, battery], 5, "smoke_detector"],
  ["TRADFRI remote control", "IKEA of Sweden", "EndDevice", 1, [battery], 5, "remote"],
];
const ROOMS = ["kitchen", "living_room", "hall", "bathroom", "bedroom", "office", "attic", "cellar", "garage", "garden"];

const id = (cluster) => Zcl.Utils.getCluster(cluster, null, {}).ID;
const COORDINATOR = "0x00124b0000000001";
const radios = [];
const entries = [];
const friendly = {};
let number = 1;
for (const [model, manufacturer, type, endpoint, clusters, count, name] of MODELS) {
  for (let n = 0; n < count; n++) {
    number += 1;
    const ieee = `0x00158d00${(0x01000000 + number * 7919).toString(16).padStart(8, "0")}`;
    const network = 0x1000 + number * 37;
    const known = { epId: endpoint, profId: 260, devId: 256, inClusterList: [0, 3, ...clusters.map(([key]) => id(key))], outClusterList: [25], clusters: {}, binds: [], configuredReportings: [], meta: {} };
    entries.push({ id: number, type, ieeeAddr: ieee, nwkAddr: network, manufId: 4476, manufName: manufacturer, powerSource: type === "Router" ? "Mains (single phase)" : "Battery", modelId: model, epList: [endpoint], endpoints: { [endpoint]: known }, interviewCompleted: true, interviewState: "SUCCESSFUL", meta: {}, lastSeen: Date.now(), checkinInterval: undefined });
    friendly[ieee] = { friendly_name: `${ROOMS[n % ROOMS.length]}/${name}${n >= ROOMS.length ? "_2" : ""}` };
    radios.push({ network, endpoint, clusters, walk: Math.random() });
  }
}
entries.unshift({ id: 1, type: "Coordinator", ieeeAddr: COORDINATOR, nwkAddr: 0, manufId: 0, epList: [1], endpoints: { 1: { epId: 1, profId: 260, devId: 5, inClusterList: [], outClusterList: [], clusters: {}, binds: [], configuredReportings: [], meta: {} } }, interviewCompleted: true, interviewState: "SUCCESSFUL", meta: {} });
if (!again) writeFileSync(join(data, "database.db"), entries.map((entry) => JSON.stringify(entry)).join("\n"));
if (!again) writeFileSync(join(data, "configuration.yaml"), JSON.stringify({
  version: 5,
  mqtt: { base_topic: "zigbee2mqtt", server: `mqtt://127.0.0.1:${port}` },
  serial: { port: "/dev/null", adapter: "zstack" },
  advanced: { channel: 11, network_key: Array(16).fill(1), pan_id: 6754, ext_pan_id: Array(8).fill(2), log_level: "error", log_output: ["console"], log_directory: "log", last_seen: "ISO_8601" },
  frontend: { enabled: false },
  homeassistant: { enabled: true },
  availability: { enabled: true },
  onboarding: false,
  devices: friendly,
}));

class Nowhere extends Adapter {
  constructor() {
    super({ channelList: [11] }, {}, "", {});
    this.manufacturerID = 0;
  }
  async start() { return "resumed"; }
  async stop() {}
  async getCoordinatorIEEE() { return COORDINATOR; }
  async getCoordinatorVersion() { return { type: "zStack3x0", meta: { revision: 20230507 } }; }
  async getNetworkParameters() { return { panID: 6754, extendedPanID: "0x0202020202020202", channel: 11, nwkUpdateID: 0 }; }
  async supportsBackup() { return false; }
  async reset() {}
  async permitJoin() {}
  async addInstallCode() {}
  async sendZdo() { return [0, undefined]; }
  async sendZclFrameToGroup() {}
  async sendZclFrameToAll() {}
  waitFor() { return { promise: new Promise(() => {}), cancel() {} }; }
  // Whatever is asked of a radio: it knows what it reports, and takes commands and settings.
  async sendZclFrameToEndpoint(_ieee, address, endpoint, frame) {
    const asked = frame.header.isGlobal ? frame.command.name : "";
    const reply = (command, payload) => {
      const answer = Zcl.Frame.create(Zcl.FrameType.GLOBAL, Zcl.Direction.SERVER_TO_CLIENT, true, undefined, frame.header.transactionSequenceNumber, command, frame.cluster.ID, payload, {});
      return said(address, endpoint, frame.cluster.ID, answer);
    };
    if (asked === "read") return reply("readRsp", frame.payload.map(({ attrId }) => known(address, frame.cluster.ID, attrId)));
    if (asked === "configReport") return reply("configReportRsp", [{ status: 0 }]);
    if (asked === "write") return reply("writeRsp", [{ status: 0 }]);
    return reply("defaultRsp", { cmdId: frame.header.commandIdentifier, statusCode: 0 });
  }
}

function known(address, clusterID, attrId) {
  const radio = radios.find((radio) => radio.network === address);
  const [key, attributes] = radio.clusters.find(([key]) => id(key) === clusterID) ?? ["", []];
  const found = attributes.find(([name]) => Zcl.Utils.getCluster(key, null, {}).attributes[name].ID === attrId);
  if (!found) return { attrId, status: 134 };
  const { type } = Zcl.Utils.getCluster(key, null, {}).attributes[found[0]];
  return { attrId, status: 0, dataType: type, attrData: found[1](radio.walk) };
}

function said(address, endpoint, clusterID, frame) {
  const bytes = frame.toBuffer();
  return { clusterID, data: bytes, header: Zcl.Header.fromBuffer(bytes), address, endpoint, linkquality: 60 + Math.floor(Math.random() * 140), groupID: undefined, wasBroadcast: false, destinationEndpoint: 1 };
}

const nowhere = new Nowhere();
Adapter.create = async () => nowhere;

let sequence = 0;
function report(radio) {
  radio.walk = Math.min(1, Math.max(0, radio.walk + (Math.random() - 0.5) * 0.3));
  const [key, attributes] = radio.clusters[Math.floor(Math.random() * radio.clusters.length)];
  sequence = (sequence + 1) % 256;
  const cluster = Zcl.Utils.getCluster(key, null, {});
  const frame = key === "ssIasZone"
    ? Zcl.Frame.create(Zcl.FrameType.SPECIFIC, Zcl.Direction.SERVER_TO_CLIENT, true, undefined, sequence, "statusChangeNotification", cluster.ID, { zonestatus: radio.walk > 0.9 ? 1 : 0, extendedstatus: 0, zoneID: 0, delay: 0 }, {})
    : Zcl.Frame.create(Zcl.FrameType.GLOBAL, Zcl.Direction.SERVER_TO_CLIENT, true, undefined, sequence, "report", cluster.ID, attributes.map(([name, value]) => ({ attrId: cluster.attributes[name].ID, dataType: cluster.attributes[name].type, attrData: value(radio.walk) })), {});
  nowhere.emit("zclPayload", said(radio.network, radio.endpoint, cluster.ID, frame));
}

const { Controller } = require(join(resolve(folder), "node_modules/zigbee2mqtt/dist/controller.js"));
const settings = require(join(resolve(folder), "node_modules/zigbee2mqtt/dist/util/settings.js"));
settings.reRead();
const controller = new Controller(async () => {}, async () => {});
await controller.start();
const timers = radios.map((radio) => setInterval(() => report(radio), 2500 + Math.random() * 4000));
setTimeout(async () => {
  timers.forEach(clearInterval);
  await controller.stop();
  process.exit(0);
}, Number(seconds) * 1000);
