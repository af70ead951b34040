//! A storage that keeps, fails or hesitates as the test says.

use std::collections::{BTreeMap, VecDeque};

use hearth_mqtt::session::PersistChange;

use crate::engine::input::{Stored, Write};

/// What is durable, and the writes under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    pub(super) heads: BTreeMap<String, Vec<u8>>,
    pub(super) records: BTreeMap<(String, u64), Vec<u8>>,
    /// Why it refuses to be read or written.
    pub(super) fault: Option<String>,
    /// Writes wait in `under_way` until the test ends them.
    pub(super) hesitates: bool,
    pub(super) under_way: VecDeque<Write>,
    /// Writes that were asked for.
    pub(super) writes: usize,
}

impl Disk {
    pub(super) fn read(&self, name: &str) -> Result<Stored, String> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let records = self.records.iter().filter(|((of, _), _)| of == name);
        Ok(Stored {
            heads: self.heads.clone().into_iter().collect(),
            records: records
                .map(|((_, number), bytes)| (*number, bytes.clone()))
                .collect(),
        })
    }

    pub(super) fn apply(&mut self, write: &Write) -> Result<(), String> {
        if let Some(fault) = self.fault.clone().filter(|_| !write.clear) {
            return Err(fault);
        }
        let name = &write.name;
        if write.clear {
            self.records.retain(|(of, _), _| of != name);
        }
        for change in &write.changes {
            match change {
                PersistChange::Put(key, bytes) => {
                    drop(self.records.insert((name.clone(), key.as_u64()), bytes.to_vec()));
                }
                PersistChange::Delete(key) => drop(self.records.remove(&(name.clone(), key.as_u64()))),
            }
        }
        match &write.head {
            Some(head) => drop(self.heads.insert(name.clone(), head.clone())),
            None => drop(self.heads.remove(name)),
        }
        Ok(())
    }
}
