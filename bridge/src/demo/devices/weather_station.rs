//! A weather station in the garden: one plain topic per value.

use crate::demo::{
    Availability, Device, Message, Moment,
    climate::{outside, outside_humidity, round, sun},
    noise::wander,
    time::Every,
};

pub(super) struct WeatherStation {
    seed: u64,
    fast: Every,
    slow: Every,
}

const TOPIC: &str = "home/outdoors/weather";

impl WeatherStation {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            fast: Every::default(),
            slow: Every::default(),
        }
    }

    fn wind(&self, now: Moment) -> Message {
        let gusts = 2.0 * wander(self.seed ^ 5, now, 9_000);
        let wind = (3.5 + 2.5 * wander(self.seed ^ 4, now, 3_600_000) + gusts).max(0.0);
        Message::retained(format!("{TOPIC}/wind_speed"), round(wind, 1))
    }

    fn rest(&self, now: Moment) -> Vec<Message> {
        let clouds = 0.55 + 0.45 * wander(self.seed ^ 6, now, 1_200_000);
        let pressure = 1_014.0 + 9.0 * wander(self.seed ^ 9, now, 72 * 3_600_000);
        vec![
            Message::retained(format!("{TOPIC}/temperature"), round(outside(self.seed, now), 1)),
            Message::retained(
                format!("{TOPIC}/humidity"),
                round(outside_humidity(self.seed, now), 0),
            ),
            Message::retained(format!("{TOPIC}/pressure"), round(pressure, 1)),
            Message::retained(
                format!("{TOPIC}/illuminance"),
                round(sun(now) * 80_000.0 * clouds, 0),
            ),
        ]
    }
}

impl Device for WeatherStation {
    fn client_id(&self) -> String {
        "simulated-weather-station".to_owned()
    }

    fn availability(&self) -> Availability {
        Availability::plain(format!("{TOPIC}/status"))
    }

    fn announce(&mut self, now: Moment) -> Vec<Message> {
        let mut messages = self.rest(now);
        messages.push(self.wind(now));
        messages
    }

    fn simulate(&mut self, now: Moment) -> Vec<Message> {
        let mut messages = Vec::new();
        if self.fast.is_due(now, 4_000) {
            messages.push(self.wind(now));
        }
        if self.slow.is_due(now, 20_000) {
            messages.extend(self.rest(now));
        }
        messages
    }
}
