//! Gives each device a client, the time, and the commands that come in.

use super::{DemoOptions, Device, Message, Moment, noise};
use rumqttc::{AsyncClient, Event, EventLoop, Incoming, LastWill, MqttOptions, QoS};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::{sync::watch, task::JoinSet};

/// How often a device looks at the clock.
const TICK: Duration = Duration::from_millis(500);
/// Room for commands and messages between two looks at the network.
const REQUESTS: usize = 256;

/// The simulated home while it runs. Dropping it stops it at once.
#[derive(Debug)]
pub struct RunningDemo {
    stop: watch::Sender<bool>,
    devices: JoinSet<()>,
}

impl RunningDemo {
    /// How many devices there are.
    #[must_use]
    pub fn devices(&self) -> usize {
        self.devices.len()
    }

    /// Closes the devices' connections without a goodbye, so that their wills say that they are gone.
    pub async fn stop(mut self) {
        // Nobody listens if all devices have ended.
        let _ = self.stop.send(true);
        while self.devices.join_next().await.is_some() {}
    }
}

pub(super) fn run(options: &DemoOptions, devices: Vec<Box<dyn Device>>) -> RunningDemo {
    let clock = Clock::start(options.speed);
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for (index, device) in (0..).zip(devices) {
        let connection = Connection::new(options, device, index, clock);
        let mut stopped = stopped.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = connection.run() => {}
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
        });
    }
    RunningDemo { stop, devices: tasks }
}

#[derive(Clone, Copy)]
struct Clock {
    started: Instant,
    started_home_ms: u64,
    speed: u64,
}

impl Clock {
    fn start(speed: u32) -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            started: Instant::now(),
            started_home_ms: millis(unix),
            speed: u64::from(speed.max(1)),
        }
    }

    fn now(self) -> Moment {
        let since_start_ms = millis(self.started.elapsed());
        Moment {
            since_start_ms,
            home_ms: self.started_home_ms + since_start_ms * self.speed,
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn will(device: &dyn Device) -> LastWill {
    let availability = device.availability();
    LastWill::new(
        availability.topic,
        availability.offline,
        QoS::AtLeastOnce,
        availability.retain,
    )
}

struct Connection {
    device: Box<dyn Device>,
    client: AsyncClient,
    network: EventLoop,
    clock: Clock,
    /// Waits a little differently from its neighbours before it connects again.
    pause: Duration,
    connected: bool,
}

impl Connection {
    fn new(options: &DemoOptions, device: Box<dyn Device>, index: u64, clock: Clock) -> Self {
        let host = options.broker.ip().to_string();
        let mut mqtt = MqttOptions::new(device.client_id(), host, options.broker.port());
        mqtt.set_keep_alive(Duration::from_secs(30))
            .set_last_will(will(&*device))
            .set_max_packet_size(64 * 1024, 64 * 1024);
        if let Some((user_name, password)) = &options.credentials {
            mqtt.set_credentials(user_name, password);
        }
        let (client, network) = AsyncClient::new(mqtt, REQUESTS);
        let pause = Duration::from_millis(1_500 + noise::mix(options.seed, index) % 1_000);
        Self {
            device,
            client,
            network,
            clock,
            pause,
            connected: false,
        }
    }

    /// For ever: a broker that goes away comes back.
    async fn run(mut self) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = self.network.poll() => match event {
                    Ok(event) => self.handle(event),
                    Err(error) => {
                        if self.connected {
                            tracing::info!(client_id = self.device.client_id(), %error, "simulated device lost its broker");
                        }
                        self.connected = false;
                        self.network.mqtt_options.set_last_will(will(&*self.device));
                        tokio::time::sleep(self.pause).await;
                    }
                },
                _ = tick.tick(), if self.connected => {
                    let messages = self.device.simulate(self.clock.now());
                    self.publish(messages);
                }
            }
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Incoming(Incoming::ConnAck(_)) => {
                self.connected = true;
                for topic in self.device.command_topics() {
                    if let Err(error) = self.client.try_subscribe(topic, QoS::AtLeastOnce) {
                        tracing::warn!(client_id = self.device.client_id(), %error, "cannot subscribe");
                    }
                }
                let now = self.clock.now();
                let description = self.device.describe(now);
                self.publish(description);
                self.publish(self.device.availability().message());
                let values = self.device.announce(now);
                self.publish(values);
            }
            // A retained command is an old one.
            Event::Incoming(Incoming::Publish(publish)) if !publish.retain => {
                let messages = self
                    .device
                    .obey_bytes(self.clock.now(), &publish.topic, &publish.payload);
                self.publish(messages);
            }
            _ => {}
        }
    }

    fn publish(&self, messages: impl IntoIterator<Item = Message>) {
        for Message {
            topic,
            payload,
            retain,
        } in messages
        {
            // Never awaited here: the same task empties the queue.
            if let Err(error) = self.client.try_publish(topic, QoS::AtMostOnce, retain, payload) {
                tracing::warn!(client_id = self.device.client_id(), %error, "cannot publish");
            }
        }
    }
}
