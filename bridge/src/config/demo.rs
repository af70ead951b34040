//! `[demo]`: the simulated home.

use super::reader::Section;

/// What the simulated home needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoConfig {
    /// How many times faster than real its days pass. Default 1.
    pub speed: u32,
}

impl DemoConfig {
    pub(crate) fn read(section: Section<'_>) -> Option<Self> {
        let enabled = section.flag("enabled", false);
        let speed = u32::try_from(section.integer("speed", 1..=10_000, 1)).unwrap_or(1);
        section.finish();
        enabled.then_some(Self { speed })
    }
}
