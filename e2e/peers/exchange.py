"""paho-mqtt through the bridge: subscribes at QoS 2, publishes at QoS 2 to itself, in MQTT 5.0 and 3.1.1."""
import sys
import threading

import paho.mqtt.client as mqtt

host, port, path, origin = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]


def exchange(protocol):
    topic = f"peers/paho/{int(protocol)}"
    arrived = threading.Event()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, transport="websockets", protocol=protocol)
    client.ws_set_options(path=path, headers=lambda headers: {**headers, "Origin": origin})
    client.on_connect = lambda client, *_: client.subscribe(topic, 2)
    client.on_subscribe = lambda client, *_: client.publish(topic, "hello", 2)

    def on_message(_client, _userdata, message):
        if message.payload == b"hello" and message.qos == 2:
            arrived.set()

    client.on_message = on_message
    client.connect(host, port)
    client.loop_start()
    if not arrived.wait(20):
        sys.exit(f"paho-mqtt, protocol {int(protocol)}: nothing arrived at QoS 2")
    client.disconnect()
    client.loop_stop()
    print(f"paho-mqtt, protocol {int(protocol)}: exchanged at QoS 2")


exchange(mqtt.MQTTv5)
exchange(mqtt.MQTTv311)
