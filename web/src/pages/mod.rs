//! The pages: each joins hooks and components and knows its own view only.

mod arrange;
mod cards;
pub(crate) mod connect;
mod correct;
pub(crate) mod device;
pub(crate) mod explorer;
pub(crate) mod export;
mod hand;
pub(crate) mod home;
mod known;
mod messages;
pub(crate) mod profiles;
pub(crate) mod replay;
mod retained;
pub(crate) mod route;
pub(crate) mod settings;
mod subscriptions;
mod topic;
mod tree_tools;
pub(crate) mod waiting;

#[cfg(test)]
mod tests;
