//! The caps and times of the home's devices, and what the caps left out.

/// The caps and times of a registry; every cap is counted in [`DeviceCounters`] when it bites.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeviceOptions {
    /// Devices beyond this many are not shown. Default 2,000.
    pub maximum_devices: usize,
    /// Entities beyond this many per device are not shown. Default 64.
    pub maximum_entities: usize,
    /// Entities beyond this many of a device that announces itself are not shown. Default 512: gateways have many.
    pub maximum_announced_entities: usize,
    /// Topics whose place is remembered; others are read anew each time. Default 50,000.
    pub maximum_topics: usize,
    /// A device is stale after this many of its usual intervals without a message. Default 3.
    pub stale_after_intervals: u64,
    /// But never sooner than this, in ms. Default 60 s.
    pub stale_floor_ms: u64,
    /// A door or window is worth attention when it is open this long, in ms. Default 0: at once.
    pub open_attention_ms: u64,
    /// A battery is low at this charge, in %. Default 15.
    pub battery_low_percent: f64,
}

impl Default for DeviceOptions {
    fn default() -> Self {
        Self {
            maximum_devices: 2000,
            maximum_entities: 64,
            maximum_announced_entities: 512,
            maximum_topics: 50_000,
            stale_after_intervals: 3,
            stale_floor_ms: 60_000,
            open_attention_ms: 0,
            battery_low_percent: 15.0,
        }
    }
}

/// What was left out because of a cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceCounters {
    /// Messages of devices beyond the cap.
    pub devices_refused: u64,
    /// Values of entities beyond the cap.
    pub entities_refused: u64,
}
