//! Units at the end of keys: `power_kW`, `temperature_c`.

use hearth_model::letters::lower;

use crate::class::{Class, find, guess};

/// Suffixes that name a unit.
const SUFFIXES: &[(&str, Class, &str)] = &[
    ("c", Class::Temperature, "°C"),
    ("celsius", Class::Temperature, "°C"),
    ("f", Class::Temperature, "°F"),
    ("fahrenheit", Class::Temperature, "°F"),
    ("w", Class::Power, "W"),
    ("watt", Class::Power, "W"),
    ("watts", Class::Power, "W"),
    ("kw", Class::Power, "kW"),
    ("kwh", Class::Energy, "kWh"),
    ("wh", Class::Energy, "Wh"),
    ("v", Class::Voltage, "V"),
    ("mv", Class::Voltage, "mV"),
    ("a", Class::Current, "A"),
    ("ma", Class::Current, "mA"),
    ("hz", Class::Frequency, "Hz"),
    ("hpa", Class::Pressure, "hPa"),
    ("mbar", Class::Pressure, "mbar"),
    ("deg", Class::Other, "°"),
    ("kmh", Class::Other, "km/h"),
    ("lx", Class::Illuminance, "lx"),
    ("lux", Class::Illuminance, "lx"),
    ("ppm", Class::CarbonDioxide, "ppm"),
    ("ppb", Class::VolatileCompounds, "ppb"),
    ("db", Class::Noise, "dB"),
    ("dbm", Class::Signal, "dBm"),
    ("rh", Class::Humidity, "%"),
    ("mm", Class::Rain, "mm"),
    ("m3", Class::Gas, "m³"),
    ("l", Class::Water, "L"),
];

/// What stands before a unit in a key, and what the unit measures: `power` of `power_kW`.
pub(crate) fn unit_behind(key: &str) -> Option<(&str, Class, &'static str)> {
    // Units of two words.
    for (suffix, unit) in [("_km_h", "km/h"), ("_m_s", "m/s"), ("_mi_h", "mph")] {
        if let Some(before) = key.strip_suffix(suffix) {
            return Some((before, Class::Other, unit));
        }
    }
    let (before, unit) = key.rsplit_once(['_', '-', ' ', '.'])?;
    let (class, unit) = find(SUFFIXES, &lower(unit))?;
    (!before.is_empty()).then_some((before, class, unit))
}

/// A key without the unit at its end.
pub(crate) fn without_unit(key: &str) -> &str {
    match unit_behind(key) {
        // `power_a` may be of a phase.
        Some((before, class, _)) if guess(&[before]).class == class => before,
        _ => key,
    }
}
