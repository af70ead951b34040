//! Who needs what: what only parts can come to goes with them.
//!
//! The first module has all that it can come to from its exports, without passing through a function that a rule sent elsewhere.
//! Of the rest each part has all that it can come to from its own. Functions call functions, and name constants and slots of the
//! table; constants name constants and slots. What stands in a function was read before and after wasm-opt
//! ([`Linked`], [`Plan::numbers`](crate::plan::Function)): a number that could be an address or a slot is taken for one.

use std::collections::{BTreeSet, HashSet};

use crate::linked::{Linked, Refs};
use crate::plan::{Function, Plan};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Thing {
    Function(u32),
    Symbol(u32),
    Slot(u32),
}

/// What refers to what.
struct Graph<'a> {
    plan: &'a Plan,
    linked: &'a Linked,
    /// What each function names, besides what it calls.
    names: Vec<Refs>,
}

/// Where everything goes.
#[derive(Debug)]
pub(crate) struct Places {
    /// The parts of each function; the first module has those that are in none.
    pub(crate) functions: Vec<BTreeSet<usize>>,
    /// The parts of each constant.
    pub(crate) symbols: Vec<BTreeSet<usize>>,
    /// Functions that went by a rule and are called, or named, from elsewhere.
    pub(crate) called_elsewhere: BTreeSet<u32>,
}

pub(crate) fn places(plan: &Plan, linked: &Linked) -> Places {
    let graph = Graph::of(plan, linked);
    let mut places = Places {
        functions: vec![BTreeSet::new(); plan.functions.len()],
        symbols: vec![BTreeSet::new(); linked.symbols.len()],
        called_elsewhere: BTreeSet::new(),
    };
    let nothing = Reached::default();
    let first = graph.reach(graph.roots(), None, &nothing);
    places.called_elsewhere.extend(&first.elsewhere);
    for part in 0..plan.parts {
        let own = (0..)
            .zip(&plan.functions)
            .filter(|(_, function)| function.rule == Some(part));
        let reached = graph.reach(
            own.map(|(at, _)| Thing::Function(at)).collect(),
            Some(part),
            &first,
        );
        places.called_elsewhere.extend(&reached.elsewhere);
        for thing in &reached.things {
            let parts = match thing {
                Thing::Function(at) => places.functions.get_mut(*at as usize),
                Thing::Symbol(at) => places.symbols.get_mut(*at as usize),
                Thing::Slot(_) => None,
            };
            if let Some(parts) = parts {
                parts.insert(part);
            }
        }
    }
    places
}

#[derive(Default)]
struct Reached {
    things: HashSet<Thing>,
    /// Functions that a rule sent elsewhere.
    elsewhere: BTreeSet<u32>,
}

impl<'a> Graph<'a> {
    fn of(plan: &'a Plan, linked: &'a Linked) -> Self {
        let names = plan
            .functions
            .iter()
            .map(|function| named(plan, linked, function));
        Self {
            plan,
            linked,
            names: names.collect(),
        }
    }

    /// What others than functions and constants may use, and constants that must stay.
    fn roots(&self) -> Vec<Thing> {
        let functions = (0..).zip(&self.plan.functions);
        let known = functions.filter(|(_, function)| function.is_known_by_others);
        let constants = (0..).zip(&self.linked.symbols);
        let stay = constants.filter(|(_, symbol)| !symbol.may_go);
        let mut named: BTreeSet<u32> = BTreeSet::new();
        named.extend(self.linked.symbols.iter().flat_map(|symbol| &symbol.refs.slots));
        named.extend(self.linked.refs.values().flat_map(|refs| &refs.slots));
        // A slot that nobody names, as far as can be seen.
        let slots = self.plan.table.keys().filter(|slot| !named.contains(slot));
        let known = known.map(|(at, _)| Thing::Function(at));
        known
            .chain(stay.map(|(at, _)| Thing::Symbol(at)))
            .chain(slots.copied().map(Thing::Slot))
            .collect()
    }

    /// All that can be come to without what `others` has.
    fn reach(&self, mut open: Vec<Thing>, part: Option<usize>, others: &Reached) -> Reached {
        let mut reached = Reached::default();
        while let Some(thing) = open.pop() {
            let is_imported = matches!(thing, Thing::Function(at) if at < self.plan.imported);
            if is_imported || others.things.contains(&thing) {
                continue;
            }
            if let Thing::Function(at) = thing
                && let Some(function) = self.plan.functions.get(at as usize)
                && function.rule.is_some()
                && function.rule != part
            {
                reached.elsewhere.insert(at);
                continue;
            }
            if reached.things.insert(thing) {
                self.next(thing, &mut open);
            }
        }
        reached
    }

    fn next(&self, thing: Thing, open: &mut Vec<Thing>) {
        let refs = match thing {
            Thing::Function(at) => {
                let calls = self
                    .plan
                    .functions
                    .get(at as usize)
                    .map(|function| &function.calls);
                open.extend(calls.into_iter().flatten().copied().map(Thing::Function));
                self.names.get(at as usize)
            }
            Thing::Symbol(at) => self.linked.symbols.get(at as usize).map(|symbol| &symbol.refs),
            Thing::Slot(slot) => {
                open.extend(self.plan.table.get(&slot).copied().map(Thing::Function));
                None
            }
        };
        if let Some(refs) = refs {
            open.extend(refs.symbols.iter().copied().map(Thing::Symbol));
            open.extend(refs.slots.iter().copied().map(Thing::Slot));
        }
    }
}

/// What the linker says that the function names, and what its numbers could mean besides.
fn named(plan: &Plan, linked: &Linked, function: &Function) -> Refs {
    let mut refs = linked.refs.get(&function.name).cloned().unwrap_or_default();
    let slots = function
        .numbers
        .iter()
        .filter(|number| plan.table.contains_key(number));
    refs.slots.extend(slots);
    for number in function.numbers.union(&function.offsets) {
        let explains = |symbol: &u32| {
            let symbol = linked.symbols.get(*symbol as usize);
            symbol.is_some_and(|symbol| symbol.place.start <= *number && *number <= symbol.place.end)
        };
        if !refs.symbols.iter().any(explains) {
            refs.symbols.extend(linked.at(*number));
            refs.symbols.extend(linked.at(number.saturating_sub(1)));
        }
    }
    refs
}
