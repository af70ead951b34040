//! How warm, humid and bright it is in the simulated home: functions of seed and time.

use super::{noise::wander, time::Moment};
use std::f64::consts::TAU;

const HOUR_MS: u64 = 3_600_000;

/// How high the sun stands, 0 (below the horizon) to 1.
pub(super) fn sun(now: Moment) -> f64 {
    let summer = (TAU * (now.part_of_year() - 0.22)).sin();
    let half_day_hours = 6.0 + 2.0 * summer;
    let from_noon = (now.hour_of_day() - 12.5).abs();
    if from_noon >= half_day_hours {
        0.0
    } else {
        (from_noon / half_day_hours * TAU / 4.0).cos()
    }
}

/// Outside, in °C: the season, the day that is warmest at three in the afternoon, and weather.
pub(super) fn outside(seed: u64, now: Moment) -> f64 {
    let season = 10.5 + 9.5 * (TAU * (now.part_of_year() - 0.31)).sin();
    let day = 4.2 * (TAU * (now.hour_of_day() - 9.0) / 24.0).sin();
    season + day + 3.0 * wander(seed, now, 30 * HOUR_MS) + 0.4 * wander(seed ^ 1, now, HOUR_MS / 4)
}

/// Outside, in %.
pub(super) fn outside_humidity(seed: u64, now: Moment) -> f64 {
    let day = -14.0 * (TAU * (now.hour_of_day() - 9.0) / 24.0).sin();
    (74.0 + day + 9.0 * wander(seed ^ 2, now, 20 * HOUR_MS)).clamp(25.0, 99.0)
}

/// A room: what it is heated to, and how much of the weather gets in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) seed: u64,
    pub(super) warm: f64,
    pub(super) at_night: f64,
    /// 0: none; 1: as outside.
    pub(super) open_to_weather: f64,
}

impl Room {
    /// In °C. Walls are slow: the weather of some hours ago counts.
    pub(super) fn temperature(self, home_seed: u64, now: Moment) -> f64 {
        let heated = (0..6)
            .map(|hours| self.heated_to(now.hours_ago(hours)))
            .sum::<f64>()
            / 6.0;
        let weather = (2..6)
            .map(|hours| outside(home_seed, now.hours_ago(hours)))
            .sum::<f64>()
            / 4.0;
        let inside = heated + (weather - heated) * self.open_to_weather;
        inside + 0.25 * wander(self.seed, now, HOUR_MS / 2) + 0.05 * wander(self.seed ^ 7, now, 40_000)
    }

    /// In %: outside air gets dry when it is warmed; people, cooking and washing make it damp.
    pub(super) fn humidity(self, home_seed: u64, now: Moment) -> f64 {
        let outside_humidity = outside_humidity(home_seed, now.hours_ago(2));
        let dry = 30.0 + 0.25 * outside_humidity;
        let people = 4.0 * wander(self.seed ^ 3, now, HOUR_MS) + 0.3 * wander(self.seed ^ 8, now, 60_000);
        (dry + (outside_humidity - dry) * self.open_to_weather + people).clamp(20.0, 95.0)
    }

    fn heated_to(self, now: Moment) -> f64 {
        if (6.0..22.5).contains(&now.hour_of_day()) {
            self.warm
        } else {
            self.at_night
        }
    }
}

/// Rounds to `digits` after the point, as a device's display does.
pub(super) fn round(value: f64, digits: i32) -> f64 {
    let factor = 10_f64.powi(digits);
    // Adding 0 makes -0 into 0.
    (value * factor).round() / factor + 0.0
}
