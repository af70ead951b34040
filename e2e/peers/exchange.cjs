// MQTT.js through the bridge: subscribes at QoS 2, publishes at QoS 2 to itself, in MQTT 5.0 and 3.1.1.
const mqtt = require("mqtt");
const [url, origin] = process.argv.slice(2);

function exchange(protocolVersion) {
  return new Promise((resolve, reject) => {
    const client = mqtt.connect(url, { protocolVersion, reconnectPeriod: 0, wsOptions: { headers: { Origin: origin } } });
    const topic = `peers/mqtt-js/${protocolVersion}`;
    client.on("error", reject);
    client.on("close", () => reject(new Error("closed too early")));
    client.on("connect", () => {
      client.subscribe(topic, { qos: 2 }, (error, granted) => {
        if (error || granted[0].qos !== 2) return reject(error || new Error("QoS 2 was not granted"));
        client.publish(topic, "hello", { qos: 2 }, (error) => error && reject(error));
      });
    });
    client.on("message", (_, payload, packet) => {
      if (payload.toString() !== "hello" || packet.qos !== 2) return reject(new Error("another message"));
      console.log(`MQTT.js, version ${protocolVersion}: exchanged at QoS 2`);
      resolve();
      client.end();
    });
  });
}

exchange(5).then(() => exchange(4)).then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
