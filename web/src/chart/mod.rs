//! Charts: what to draw is planned here without a browser.

pub(crate) mod line;
pub(crate) mod spark;
