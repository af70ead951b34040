//! The devices of the simulated home, one file per kind or per format.
//!
//! Together they speak every format that is discovered, and have faults on purpose:
//!
//! | fault | device |
//! |---|---|
//! | falls silent, then its battery is changed | the freezer's sensor |
//! | low battery | the freezer's sensor |
//! | a template that cannot be read | the garden bed's moisture |
//! | comes and goes | the fountain pump |
//! | retained messages of something that is no more | the old thermometer |
//! | stands open | the garage door |
//! | names that are known only from its birth | the heat pump |

mod air;
mod climate_sensor;
mod contact;
mod cover;
mod esphome;
mod freezer;
mod gateway;
mod home_assistant;
mod homie;
mod light;
mod lock;
mod motion;
mod plug;
mod rain_barrel;
mod shelly;
mod sparkplug;
mod tasmota;
mod washing_machine;
mod weather_station;
mod zigbee;

#[cfg(test)]
mod formats_tests;
#[cfg(test)]
mod tests;

use super::{Device, climate::Room, noise};
use serde_json::{Value, json};

/// Every device of the home.
#[must_use]
pub fn home(seed: u64) -> Vec<Box<dyn Device>> {
    let of = |device: u64| noise::mix(seed, device);
    let room = |device: u64, warm: f64, at_night: f64, open_to_weather: f64| Room {
        seed: of(device),
        warm,
        at_night,
        open_to_weather,
    };
    let names = zigbee::Names::default();
    use {climate_sensor::ClimateSensor, contact::Contact, cover::Cover, light::Light, motion::Motion};
    vec![
        Box::new(gateway::Gateway::new(&names)),
        Box::new(weather_station::WeatherStation::new(seed)),
        Box::new(ClimateSensor::plain(
            seed,
            room(1, 21.5, 18.5, 0.05),
            "living-room",
        )),
        Box::new(ClimateSensor::esphome(
            seed,
            room(2, 20.5, 18.0, 0.08),
            "kitchen-sensor",
        )),
        Box::new(zigbee::Zigbee::new(
            "Bedroom climate",
            &names,
            ClimateSensor::zigbee2mqtt(seed, room(3, 19.0, 17.0, 0.12), "Bedroom climate", "bedroom"),
        )),
        Box::new(zigbee::Zigbee::new(
            "아이 방 온도",
            &names,
            ClimateSensor::zigbee2mqtt(seed, room(4, 21.0, 19.5, 0.06), "아이 방 온도", "kids-room"),
        )),
        Box::new(ClimateSensor::plain(
            seed,
            room(5, 18.0, 16.5, 0.2),
            "hauswirtschaftsraum",
        )),
        Box::new(ClimateSensor::tasmota(seed, room(6, 12.0, 12.0, 0.65), "garage")),
        Box::new(air::AirQuality::new(of(7))),
        Box::new(zigbee::Zigbee::new(
            "Haustür",
            &names,
            Contact::zigbee2mqtt(of(8), "Haustür", "front-door", 24, 35_000),
        )),
        Box::new(zigbee::Zigbee::new(
            "Bedroom window",
            &names,
            Contact::zigbee2mqtt(of(9), "Bedroom window", "bedroom-window", 6, 900_000),
        )),
        Box::new(Contact::plain(
            of(10),
            "home/kitchen/window",
            "kitchen-window",
            8,
            600_000,
        )),
        Box::new(zigbee::Zigbee::new(
            "Hallway motion",
            &names,
            Motion::zigbee2mqtt(of(11), seed, "Hallway motion", "hallway"),
        )),
        Box::new(Motion::plain(of(12), "home/outdoors/motion", "outdoors")),
        Box::new(zigbee::Zigbee::new(
            "Living room lamp",
            &names,
            Light::zigbee2mqtt("Living room lamp", "living-room"),
        )),
        Box::new(zigbee::Zigbee::new(
            "아이 방 조명",
            &names,
            Light::zigbee2mqtt("아이 방 조명", "kids-room"),
        )),
        Box::new(Light::plain("home/kitchen/light", "kitchen")),
        Box::new(Light::tasmota("hallway-light", "hallway")),
        Box::new(plug::Plug::new(of(13), "tv-plug")),
        Box::new(zigbee::Zigbee::new(
            "Waschmaschine",
            &names,
            washing_machine::WashingMachine::new(of(14)),
        )),
        Box::new(zigbee::Zigbee::new(
            "Living room Rollladen",
            &names,
            Cover::zigbee2mqtt("Living room Rollladen", "living-room"),
        )),
        Box::new(Cover::plain("home/garage/door", "garage")),
        Box::new(zigbee::Zigbee::new("Türschloss", &names, lock::Lock::new(of(15)))),
        Box::new(zigbee::Zigbee::new(
            "Gefriertruhe",
            &names,
            freezer::Freezer::new(of(16)),
        )),
        Box::new(home_assistant::CeilingLight::new()),
        Box::new(home_assistant::Radiator::new(seed, room(1, 21.5, 18.5, 0.05))),
        Box::new(home_assistant::Soil::new(of(17))),
        Box::new(home_assistant::Ghost),
        Box::new(homie::FloorLamp::new()),
        Box::new(homie::Balcony::new(seed)),
        Box::new(shelly::Dimmer::new(of(18))),
        Box::new(shelly::Rpc::light(of(19))),
        Box::new(shelly::Rpc::plug(of(20))),
        Box::new(esphome::ReadingLight::new()),
        Box::new(sparkplug::EdgeNode::new(of(21), seed)),
        Box::new(rain_barrel::RainBarrel::new(of(22), seed)),
        Box::new(tasmota::Pump::new(of(23))),
    ]
}

/// An event or a value of a Zigbee device carries how well it was received, 0 to 255.
fn link_quality(seed: u64, now: super::Moment) -> Value {
    json!((120.0 + 60.0 * noise::wander(seed ^ 0x71, now, 90_000)).round())
}
