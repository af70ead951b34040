//! Pure functions of their properties: what they show is what they were given.
//!
//! No engine and no storage here; pages join components and hooks. Texts of a broker pass through [`text`].

pub(crate) mod attention;
pub(crate) mod card;
pub(crate) mod copy;
pub(crate) mod empty;
pub(crate) mod form;
pub(crate) mod glance;
pub(crate) mod icon;
pub(crate) mod live;
pub(crate) mod payload;
pub(crate) mod pick;
pub(crate) mod room;
pub(crate) mod shell;
pub(crate) mod text;
pub(crate) mod tree;
pub(crate) mod vars;
pub(crate) mod waiting;
pub(crate) mod words;

#[cfg(test)]
pub(crate) mod testing;
