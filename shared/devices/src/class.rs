//! What a key such as `temperature`, `ENERGY.Power` or `contact` measures, and in which unit: guesses, marked as such.

use hearth_model::letters::lower;

use crate::names::words_in;
use crate::unit::unit_behind;

/// What an entity measures or says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Class {
    Temperature,
    TargetTemperature,
    Humidity,
    SoilMoisture,
    Pressure,
    Illuminance,
    CarbonDioxide,
    CarbonMonoxideLevel,
    VolatileCompounds,
    ParticulateMatter,
    Noise,
    Power,
    Energy,
    Voltage,
    Current,
    ApparentPower,
    PowerFactor,
    Frequency,
    Battery,
    Signal,
    Brightness,
    ColorTemperature,
    Position,
    Valve,
    WindSpeed,
    Rain,
    Water,
    Gas,
    Distance,
    Duration,
    Opening,
    Motion,
    Leak,
    Smoke,
    CarbonMonoxide,
    Vibration,
    Tamper,
    BatteryLow,
    Lock,
    Cover,
    OnOff,
    Connection,
    Problem,
    Presence,
    /// Heating, idle, cleaning, …
    Activity,
    /// A moment, a version, a setting: nothing for a card.
    Internal,
    #[default]
    Other,
}

/// What people can say that a value is, and how that is written.
const NAMED: &[(Class, &str)] = &[
    (Class::Temperature, "temperature"),
    (Class::Humidity, "humidity"),
    (Class::SoilMoisture, "soil_moisture"),
    (Class::Pressure, "pressure"),
    (Class::Illuminance, "illuminance"),
    (Class::CarbonDioxide, "carbon_dioxide"),
    (Class::VolatileCompounds, "volatile_compounds"),
    (Class::ParticulateMatter, "fine_dust"),
    (Class::Noise, "noise"),
    (Class::Power, "power"),
    (Class::Energy, "energy"),
    (Class::Voltage, "voltage"),
    (Class::Current, "current"),
    (Class::Frequency, "frequency"),
    (Class::Battery, "battery"),
    (Class::Signal, "signal"),
    (Class::Brightness, "brightness"),
    (Class::Position, "position"),
    (Class::WindSpeed, "wind"),
    (Class::Rain, "rain"),
    (Class::Water, "water"),
    (Class::Gas, "gas"),
    (Class::Distance, "distance"),
    (Class::Duration, "duration"),
    (Class::Other, "other_number"),
    (Class::Opening, "door_or_window"),
    (Class::Motion, "motion"),
    (Class::Leak, "leak"),
    (Class::Smoke, "smoke"),
    (Class::CarbonMonoxide, "carbon_monoxide"),
    (Class::Vibration, "vibration"),
    (Class::Tamper, "tamper"),
    (Class::BatteryLow, "battery_low"),
    (Class::OnOff, "on_or_off"),
    (Class::Connection, "connection"),
    (Class::Problem, "problem"),
    (Class::Presence, "presence"),
];

impl Class {
    /// Every class that people can choose.
    pub fn choices() -> impl Iterator<Item = Self> {
        NAMED.iter().map(|(class, _)| *class)
    }

    /// Lower case, words joined by `_`; empty for what nobody can choose.
    #[must_use]
    pub fn name(self) -> &'static str {
        let named = NAMED.iter().find(|(class, _)| *class == self);
        named.map_or("", |(_, name)| name)
    }

    /// The class with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        NAMED
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(class, _)| *class)
    }

    /// The word for a state of two; `on` is open, unlocked, motion, wet, low, …
    #[must_use]
    pub fn word(self, on: bool) -> &'static str {
        let (yes, no) = match self {
            Self::Opening | Self::Cover => ("Open", "Closed"),
            Self::Motion => ("Motion", "No motion"),
            Self::Leak => ("Wet", "Dry"),
            Self::Smoke => ("Smoke", "No smoke"),
            Self::CarbonMonoxide => ("Carbon monoxide", "No carbon monoxide"),
            Self::Vibration => ("Vibration", "Still"),
            Self::Tamper => ("Tampered", "Not tampered"),
            Self::BatteryLow => ("Low", "Good"),
            Self::Lock => ("Unlocked", "Locked"),
            Self::Connection => ("Connected", "Disconnected"),
            Self::Problem => ("Problem", "OK"),
            Self::Presence => ("Home", "Away"),
            _ => ("On", "Off"),
        };
        if on { yes } else { no }
    }

    /// Name for people when the key says no more than the class; empty for classes that have none.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Temperature => "Temperature",
            Self::TargetTemperature => "Target",
            Self::Humidity => "Humidity",
            Self::SoilMoisture => "Soil moisture",
            Self::Pressure => "Pressure",
            Self::Illuminance => "Brightness",
            Self::CarbonDioxide => "CO₂",
            Self::CarbonMonoxideLevel | Self::CarbonMonoxide => "Carbon monoxide",
            Self::VolatileCompounds => "VOC",
            Self::ParticulateMatter => "Fine dust",
            Self::Noise => "Noise",
            Self::Power => "Power",
            Self::Energy => "Energy",
            Self::Voltage => "Voltage",
            Self::Current => "Current",
            Self::ApparentPower => "Apparent power",
            Self::PowerFactor => "Power factor",
            Self::Frequency => "Frequency",
            Self::Battery | Self::BatteryLow => "Battery",
            Self::Signal => "Signal",
            Self::Brightness => "Brightness",
            Self::ColorTemperature => "Colour temperature",
            Self::Position => "Position",
            Self::Valve => "Valve",
            Self::WindSpeed => "Wind",
            Self::Rain => "Rain",
            Self::Water => "Water",
            Self::Gas => "Gas",
            Self::Distance => "Distance",
            Self::Opening => "Contact",
            Self::Motion => "Motion",
            Self::Leak => "Leak",
            Self::Smoke => "Smoke",
            Self::Vibration => "Vibration",
            Self::Tamper => "Tamper",
            Self::Lock => "Lock",
            Self::Connection => "Connection",
            Self::Problem => "Problem",
            Self::Presence => "Presence",
            Self::Duration | Self::Cover | Self::OnOff | Self::Activity | Self::Internal | Self::Other => "",
        }
    }

    /// Whether its values are one of two states, so that `0` and `1` are states and not numbers.
    #[must_use]
    pub fn is_binary(self) -> bool {
        matches!(
            self,
            Self::Opening
                | Self::Motion
                | Self::Leak
                | Self::Smoke
                | Self::CarbonMonoxide
                | Self::Vibration
                | Self::Tamper
                | Self::BatteryLow
                | Self::Lock
                | Self::OnOff
                | Self::Connection
                | Self::Problem
                | Self::Presence
        )
    }

    /// For the tinkerer only.
    #[must_use]
    pub fn is_diagnostic(self) -> bool {
        matches!(
            self,
            Self::Signal | Self::Duration | Self::Tamper | Self::Internal | Self::ColorTemperature
        ) || matches!(
            self,
            Self::Voltage | Self::Current | Self::ApparentPower | Self::PowerFactor
        ) || matches!(self, Self::Frequency)
    }

    /// Place on a card: smaller is more telling.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Self::Smoke | Self::CarbonMonoxide | Self::Leak => 0,
            Self::Lock | Self::Cover | Self::OnOff => 1,
            Self::Opening | Self::Motion | Self::Presence | Self::Vibration => 2,
            Self::Position | Self::Brightness => 3,
            Self::CarbonDioxide => 4,
            Self::Temperature => 5,
            Self::TargetTemperature => 6,
            Self::Humidity | Self::Activity | Self::Valve => 7,
            Self::Power => 8,
            Self::Energy => 9,
            Self::SoilMoisture | Self::Pressure | Self::Illuminance | Self::CarbonMonoxideLevel => 10,
            Self::VolatileCompounds | Self::ParticulateMatter | Self::Noise => 11,
            Self::WindSpeed | Self::Rain | Self::Water | Self::Gas | Self::Distance => 12,
            Self::Other | Self::Problem | Self::Connection => 13,
            Self::Battery | Self::BatteryLow => 14,
            Self::Voltage | Self::Current | Self::ApparentPower | Self::PowerFactor | Self::Frequency => 15,
            Self::ColorTemperature | Self::Signal | Self::Duration | Self::Tamper | Self::Internal => 16,
        }
    }
}

/// A class and the unit that goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Guess {
    pub(crate) class: Class,
    pub(crate) unit: &'static str,
    /// The values say the opposite of the class: contact `true` is closed.
    pub(crate) inverted: bool,
}

/// Whole keys, in lower case with words joined by `_`.
const KEYS: &[(&str, Class, &str)] = &[
    ("temperature", Class::Temperature, "°C"),
    ("temp", Class::Temperature, "°C"),
    ("temperatur", Class::Temperature, "°C"),
    ("온도", Class::Temperature, "°C"),
    ("tmp", Class::Temperature, "°C"),
    ("tempc", Class::Temperature, "°C"),
    ("tempf", Class::Temperature, "°F"),
    ("setpoint", Class::TargetTemperature, "°C"),
    ("target", Class::TargetTemperature, "°C"),
    ("target_temperature", Class::TargetTemperature, "°C"),
    ("target_temp", Class::TargetTemperature, "°C"),
    ("humidity", Class::Humidity, "%"),
    ("hum", Class::Humidity, "%"),
    ("luftfeuchtigkeit", Class::Humidity, "%"),
    ("luftfeuchte", Class::Humidity, "%"),
    ("feuchte", Class::Humidity, "%"),
    ("습도", Class::Humidity, "%"),
    ("soil_moisture", Class::SoilMoisture, "%"),
    ("moisture", Class::SoilMoisture, "%"),
    ("pressure", Class::Pressure, "hPa"),
    ("luftdruck", Class::Pressure, "hPa"),
    ("illuminance", Class::Illuminance, "lx"),
    ("illuminance_lux", Class::Illuminance, "lx"),
    ("illumination", Class::Illuminance, "lx"),
    ("lux", Class::Illuminance, "lx"),
    ("co2", Class::CarbonDioxide, "ppm"),
    ("carbon_dioxide", Class::CarbonDioxide, "ppm"),
    ("eco2", Class::CarbonDioxide, "ppm"),
    ("co", Class::CarbonMonoxideLevel, "ppm"),
    ("voc", Class::VolatileCompounds, "ppb"),
    ("tvoc", Class::VolatileCompounds, "ppb"),
    ("pm25", Class::ParticulateMatter, "µg/m³"),
    ("pm2_5", Class::ParticulateMatter, "µg/m³"),
    ("pm10", Class::ParticulateMatter, "µg/m³"),
    ("pm1", Class::ParticulateMatter, "µg/m³"),
    ("noise", Class::Noise, "dB"),
    ("power", Class::Power, "W"),
    ("leistung", Class::Power, "W"),
    ("active_power", Class::Power, "W"),
    ("apparent_power", Class::ApparentPower, "VA"),
    ("reactive_power", Class::ApparentPower, "var"),
    ("power_factor", Class::PowerFactor, ""),
    ("factor", Class::PowerFactor, ""),
    ("energy", Class::Energy, "kWh"),
    ("consumption", Class::Energy, "kWh"),
    ("today", Class::Energy, "kWh"),
    ("yesterday", Class::Energy, "kWh"),
    ("voltage", Class::Voltage, "V"),
    ("volt", Class::Voltage, "V"),
    ("current", Class::Current, "A"),
    ("frequency", Class::Frequency, "Hz"),
    ("battery", Class::Battery, "%"),
    ("batt", Class::Battery, "%"),
    ("soc", Class::Battery, "%"),
    ("batterie", Class::Battery, "%"),
    ("battery_level", Class::Battery, "%"),
    ("battery_percent", Class::Battery, "%"),
    ("battery_low", Class::BatteryLow, ""),
    ("linkquality", Class::Signal, "lqi"),
    ("rssi", Class::Signal, "dBm"),
    ("signal", Class::Signal, ""),
    ("wifi_signal", Class::Signal, "dBm"),
    ("brightness", Class::Brightness, ""),
    ("dimmer", Class::Brightness, "%"),
    ("color_temp", Class::ColorTemperature, "mired"),
    ("position", Class::Position, "%"),
    ("current_position", Class::Position, "%"),
    ("pos", Class::Position, "%"),
    ("valve", Class::Valve, "%"),
    ("valve_position", Class::Valve, "%"),
    ("pi_heating_demand", Class::Valve, "%"),
    ("wind", Class::WindSpeed, "m/s"),
    ("wind_speed", Class::WindSpeed, "m/s"),
    ("rain", Class::Rain, "mm"),
    ("water", Class::Water, "L"),
    ("gas", Class::Gas, "m³"),
    ("distance", Class::Distance, "m"),
    ("uptime", Class::Duration, "s"),
    ("contact", Class::Opening, ""),
    ("door", Class::Opening, ""),
    ("window", Class::Opening, ""),
    ("opening", Class::Opening, ""),
    ("open", Class::Opening, ""),
    ("tür", Class::Opening, ""),
    ("fenster", Class::Opening, ""),
    ("occupancy", Class::Motion, ""),
    ("motion", Class::Motion, ""),
    ("presence", Class::Motion, ""),
    ("pir", Class::Motion, ""),
    ("bewegung", Class::Motion, ""),
    ("leak", Class::Leak, ""),
    ("water_leak", Class::Leak, ""),
    ("flood", Class::Leak, ""),
    ("smoke", Class::Smoke, ""),
    ("rauch", Class::Smoke, ""),
    ("carbon_monoxide", Class::CarbonMonoxide, ""),
    ("vibration", Class::Vibration, ""),
    ("tamper", Class::Tamper, ""),
    ("lock", Class::Lock, ""),
    ("lock_state", Class::Lock, ""),
    ("locked", Class::Lock, ""),
    ("unlocked", Class::Lock, ""),
    ("state", Class::OnOff, ""),
    ("switch", Class::OnOff, ""),
    ("relay", Class::OnOff, ""),
    ("light", Class::OnOff, ""),
    ("lamp", Class::OnOff, ""),
    ("plug", Class::OnOff, ""),
    ("on", Class::OnOff, ""),
    ("running_state", Class::Activity, ""),
    ("action", Class::Activity, ""),
    ("last_seen", Class::Internal, ""),
    ("time", Class::Internal, ""),
    ("timestamp", Class::Internal, ""),
    ("ts", Class::Internal, ""),
    ("update_available", Class::Internal, ""),
    ("update", Class::Internal, ""),
    ("color_mode", Class::Internal, ""),
    ("power_on_behavior", Class::Internal, ""),
    ("power_outage_count", Class::Internal, ""),
    ("total_start_time", Class::Internal, ""),
    ("child_lock", Class::Internal, ""),
    ("moving", Class::Internal, ""),
    ("minutes_left", Class::Other, "min"),
    ("remaining_minutes", Class::Other, "min"),
    ("id", Class::Internal, ""),
    ("device_temperature", Class::Internal, "°C"),
    ("temp_unit", Class::Internal, ""),
    ("pressure_unit", Class::Internal, ""),
    ("version", Class::Internal, ""),
    ("firmware", Class::Internal, ""),
    ("ip", Class::Internal, ""),
    ("mac", Class::Internal, ""),
    ("ssid", Class::Internal, ""),
    ("heap", Class::Internal, ""),
    ("calibration", Class::Internal, ""),
];

/// Guesses from a key's path: the whole key, then what stands before a unit, then its last word, then its first.
pub(crate) fn guess(path: &[&str]) -> Guess {
    let key = path.last().map(|last| words(last).join("_")).unwrap_or_default();
    let parent = path
        .iter()
        .rev()
        .nth(1)
        .map(|above| lower(above))
        .unwrap_or_default();
    let plain = |class, unit| Guess {
        class,
        unit,
        inverted: false,
    };
    match (&*key, &*parent) {
        ("contact", _) => {
            return Guess {
                class: Class::Opening,
                unit: "",
                inverted: true,
            };
        }
        ("locked" | "lock" | "lock_state", _) => {
            return Guess {
                class: Class::Lock,
                unit: "",
                inverted: true,
            };
        }
        // Of the envelope of an event.
        (_, "cloudevent") => return plain(Class::Internal, ""),
        // 1 is good.
        ("battery_ok", _) => {
            return Guess {
                class: Class::BatteryLow,
                unit: "",
                inverted: true,
            };
        }
        ("total", "energy") => return plain(Class::Energy, "kWh"),
        ("period", "energy") => return plain(Class::Internal, ""),
        _ => {}
    }
    if let Some((class, unit)) = find(KEYS, &key) {
        return plain(class, unit);
    }
    let parts: Vec<&str> = key.split('_').collect();
    // `co2_ppm`, `temperature_c`: the words before say more than the unit.
    if let Some((before, class, unit)) = path.last().and_then(|last| unit_behind(last)) {
        let named = guess(&[before]).class;
        let is_angle = unit == "°";
        return plain(
            if named == Class::Other || is_angle {
                class
            } else {
                named
            },
            unit,
        );
    }
    if let Some((last, _)) = parts.split_last() {
        if matches!(
            *last,
            "calibration" | "delay" | "timeout" | "sensitivity" | "behavior" | "mode" | "count" | "id"
        ) {
            return plain(Class::Internal, "");
        }
        let is_target = parts
            .iter()
            .any(|word| matches!(*word, "setpoint" | "target" | "soll"));
        if is_target {
            return plain(Class::TargetTemperature, "°C");
        }
        if let Some((class, unit)) = find(KEYS, last).filter(|_| !matches!(*last, "on" | "time" | "current"))
        {
            return Guess {
                class,
                unit,
                inverted: matches!(*last, "contact" | "lock" | "locked"),
            };
        }
        let first = parts.first().copied().unwrap_or_default();
        // `current_fan_speed` is no current.
        let named = find(KEYS, first).filter(|(class, _)| !class.is_binary() && first != "current");
        if let Some((class, unit)) = named {
            return plain(class, unit);
        }
    }
    plain(Class::Other, "")
}

pub(crate) fn find(table: &[(&str, Class, &'static str)], key: &str) -> Option<(Class, &'static str)> {
    // Most names differ in their first byte already.
    let first = key.as_bytes().first();
    table
        .iter()
        .find(|(name, ..)| name.as_bytes().first() == first && *name == key)
        .map(|(_, class, unit)| (*class, *unit))
}

/// Words of a key in lower case: `ApparentPower`, `apparent-power`, `apparent power` are two each.
pub(crate) fn words(key: &str) -> Vec<String> {
    words_in(key).map(lower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_class_and_unit() {
        for (path, class, unit) in [
            (&["temperature"][..], Class::Temperature, "°C"),
            (&["AM2301", "Temperature"], Class::Temperature, "°C"),
            (&["temperature_f"], Class::Temperature, "°F"),
            (&["outside_temperature"], Class::Temperature, "°C"),
            (&["ENERGY", "Power"], Class::Power, "W"),
            (&["ENERGY", "ApparentPower"], Class::ApparentPower, "VA"),
            (&["ENERGY", "Total"], Class::Energy, "kWh"),
            (&["ENERGY", "Today"], Class::Energy, "kWh"),
            (&["total"], Class::Other, ""),
            (&["pv_w"], Class::Power, "W"),
            (&["meter_kwh"], Class::Energy, "kWh"),
            (&["co2_ppm"], Class::CarbonDioxide, "ppm"),
            (&["illuminance_lux"], Class::Illuminance, "lx"),
            (&["occupied_heating_setpoint"], Class::TargetTemperature, "°C"),
            (&["local_temperature_calibration"], Class::Internal, ""),
            (&["local_temperature"], Class::Temperature, "°C"),
            (&["energy_kWh"], Class::Energy, "kWh"),
            (&["pressure_hPa"], Class::Pressure, "hPa"),
            (&["voltage_mV"], Class::Voltage, "mV"),
            (&["wind_avg_km_h"], Class::WindSpeed, "km/h"),
            (&["wind_dir_deg"], Class::Other, "°"),
            (&["battery_ok"], Class::BatteryLow, ""),
            (&["vehicleSoc"], Class::Battery, "%"),
            (&["linkquality"], Class::Signal, "lqi"),
            (&["온도"], Class::Temperature, "°C"),
            (&["counter"], Class::Other, ""),
            (&["s"], Class::Other, ""),
            (&["v"], Class::Other, ""),
            (&[""], Class::Other, ""),
        ] {
            let found = guess(path);
            assert_eq!((found.class, found.unit), (class, unit), "{path:?}");
        }
        assert!(
            guess(&["contact"]).inverted && guess(&["door_contact"]).inverted && !guess(&["door"]).inverted
        );
    }
}
