//! What was said of brokers that cannot be had: each browser tries again and again, and one line tells it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::config::BrokerId;

/// What is wrong with each broker now, as it was said last.
#[derive(Default)]
pub(super) struct Outages(Mutex<BTreeMap<BrokerId, String>>);

impl Outages {
    /// Whether this is to be said: it is not what was said last.
    pub(super) fn begins(&self, broker: &BrokerId, what: String) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.get(broker) != Some(&what) && {
            said.insert(broker.clone(), what);
            true
        }
    }

    /// Whether something was wrong until now.
    pub(super) fn ends(&self, broker: &BrokerId) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !said.is_empty() && said.remove(broker).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_said_once_and_so_is_its_end() {
        let outages = Outages::default();
        let broker = BrokerId::embedded();
        assert!(!outages.ends(&broker), "nothing was wrong");
        assert!(outages.begins(&broker, "refused".into()));
        assert!(!outages.begins(&broker, "refused".into()));
        assert!(outages.begins(&broker, "no answer".into()), "something else");
        assert!(outages.ends(&broker));
        assert!(!outages.ends(&broker));
        assert!(outages.begins(&broker, "no answer".into()), "another time");
    }
}
