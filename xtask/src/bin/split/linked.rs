//! What refers to what, in the module as the linker made it: what becomes of it says no longer which number is an address.
//!
//! Constants lie where the linker put them, and functions in their slots of the table: neither wasm-bindgen nor wasm-opt moves
//! them. That is checked, and so is each thing that is read here against the number that stands at its place.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use wasmparser::{
    DataKind, ElementItems, ElementKind, KnownCustom, Linking, Name, Operator, Parser, Payload,
    RelocationEntry, RelocationType, SymbolInfo,
};

use crate::plan::without_hashes;

/// Constants, and what they and functions refer to.
#[derive(Debug)]
pub(crate) struct Linked {
    pub(crate) memory: Memory,
    /// By their addresses.
    pub(crate) symbols: Vec<Symbol>,
    /// By the names of functions; the same name may stand for several.
    pub(crate) refs: HashMap<String, Refs>,
    /// All functions.
    pub(crate) names: HashSet<String>,
    /// The functions in the table, by their slots.
    pub(crate) slots: HashMap<u32, String>,
}

/// What the linker placed as one.
#[derive(Debug)]
pub(crate) struct Symbol {
    pub(crate) place: Range<u32>,
    /// Never written to, and no address outside is named by it.
    pub(crate) may_go: bool,
    pub(crate) refs: Refs,
}

/// Which constants and which slots of the table are named.
#[derive(Debug, Default, Clone)]
pub(crate) struct Refs {
    pub(crate) symbols: BTreeSet<u32>,
    pub(crate) slots: BTreeSet<u32>,
}

/// What memory holds at the start.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) from: u32,
    pub(crate) bytes: Vec<u8>,
}

impl Memory {
    /// What the active segments of a module write.
    pub(crate) fn of(segments: &[(u32, &[u8])]) -> Result<Self> {
        let from = segments.iter().map(|(at, _)| *at).min().unwrap_or_default();
        let mut memory = Self {
            from,
            bytes: Vec::new(),
        };
        for (at, bytes) in segments {
            let start = (at - from) as usize;
            let end = start + bytes.len();
            if memory.bytes.len() < end {
                memory.bytes.resize(end, 0);
            }
            let place = memory
                .bytes
                .get_mut(start..end)
                .context("a segment without a place")?;
            place.copy_from_slice(bytes);
        }
        Ok(memory)
    }

    /// Without zeros at its ends, which need not be written.
    pub(crate) fn trimmed(mut self) -> Self {
        while self.bytes.last() == Some(&0) {
            self.bytes.pop();
        }
        let zeros = self.bytes.iter().take_while(|byte| **byte == 0).count();
        self.bytes.drain(..zeros);
        self.from += zeros as u32;
        self
    }
}

/// What stands in the linked module, unread.
#[derive(Default)]
struct Raw<'a> {
    imported: u32,
    code: usize,
    bodies: Vec<Range<usize>>,
    data: usize,
    /// Where a segment's bytes are in the file, and their address.
    segments: Vec<(Range<usize>, u32)>,
    segment_names: Vec<&'a str>,
    symbols: Vec<SymbolInfo<'a>>,
    code_relocations: Vec<RelocationEntry>,
    data_relocations: Vec<RelocationEntry>,
    names: HashMap<u32, String>,
    slots: HashMap<u32, u32>,
}

#[derive(Clone, Copy)]
enum Target {
    Symbol(u32),
    Slot(u32),
}

impl Refs {
    fn add(&mut self, target: Target) {
        match target {
            Target::Symbol(symbol) => self.symbols.insert(symbol),
            Target::Slot(slot) => self.slots.insert(slot),
        };
    }
}

impl Linked {
    pub(crate) fn read(wasm: &[u8]) -> Result<Self> {
        let raw = Raw::read(wasm)?;
        ensure!(
            !raw.symbols.is_empty() && !raw.code_relocations.is_empty() && !raw.data_relocations.is_empty(),
            "the linked module does not say what refers to what: the linker needs --emit-relocs"
        );
        let (mut linked, ids) = raw.placed(wasm)?;
        for entry in &raw.code_relocations {
            let at = raw.code + entry.offset as usize;
            let body = raw.bodies.partition_point(|body| body.end <= at);
            let holder = raw.names.get(&(raw.imported + body as u32));
            let holder = holder.context("a function without a name")?.clone();
            if let Some(target) = linked.target(&raw, &ids, wasm, entry, at)? {
                linked.refs.entry(holder).or_default().add(target);
            }
        }
        for entry in &raw.data_relocations {
            let at = raw.data + entry.offset as usize;
            let holds = |(bytes, _): &&(Range<usize>, u32)| bytes.contains(&at);
            let (bytes, address) = raw
                .segments
                .iter()
                .find(holds)
                .context("an address outside of all data")?;
            let holders = linked.at(address + (at - bytes.start) as u32);
            ensure!(!holders.is_empty(), "an address in no constant");
            if let Some(target) = linked.target(&raw, &ids, wasm, entry, at)? {
                for holder in holders {
                    if let Some(symbol) = linked.symbols.get_mut(holder as usize) {
                        symbol.refs.add(target);
                    }
                }
            }
        }
        Ok(linked)
    }

    /// Which constants have a byte at the address.
    pub(crate) fn at(&self, address: u32) -> Vec<u32> {
        // They hardly overlap: the few before the last that begins early enough are all that can.
        let behind = self
            .symbols
            .partition_point(|symbol| symbol.place.start <= address);
        let few = (0..behind as u32).rev().take(64);
        let holds = |at: &u32| {
            let symbol = self.symbols.get(*at as usize);
            symbol.is_some_and(|symbol| symbol.place.contains(&address))
        };
        few.filter(holds).collect()
    }

    /// What the number that stands at `at` names.
    fn target(
        &mut self,
        raw: &Raw<'_>,
        ids: &HashMap<u32, u32>,
        wasm: &[u8],
        entry: &RelocationEntry,
        at: usize,
    ) -> Result<Option<Target>> {
        use RelocationType::{
            EventIndexLeb, FunctionIndexLeb, GlobalIndexLeb, MemoryAddrI32, MemoryAddrLeb, MemoryAddrSleb,
            TableIndexI32, TableIndexSleb, TableNumberLeb, TypeIndexLeb,
        };
        let bytes = wasm.get(at..).context("an address outside of the module")?;
        let number = match entry.ty {
            MemoryAddrI32 | TableIndexI32 => bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)),
            MemoryAddrLeb | MemoryAddrSleb | TableIndexSleb => bytes.first_chunk().map(padded),
            FunctionIndexLeb | TypeIndexLeb | GlobalIndexLeb | TableNumberLeb | EventIndexLeb => {
                return Ok(None);
            }
            other => bail!("a reference of a kind that is not foreseen here: {other:?}"),
        };
        let number = number.context("an address at the end of the module")?;
        match raw.symbols.get(entry.index as usize) {
            Some(SymbolInfo::Func { index, .. }) => {
                ensure!(
                    raw.slots.get(&number) == Some(index),
                    "slot {number} has another function"
                );
                Ok(Some(Target::Slot(number)))
            }
            Some(SymbolInfo::Data { name, symbol, .. }) => {
                let Some(id) = ids.get(&entry.index) else {
                    ensure!(symbol.is_none(), "{name} has no place");
                    return Ok(None);
                };
                let symbol = self
                    .symbols
                    .get_mut(*id as usize)
                    .context("a constant without a place")?;
                let named = i64::from(symbol.place.start) + entry.addend;
                ensure!(named == i64::from(number), "{name} is not where it should be");
                symbol.may_go &= (symbol.place.start..=symbol.place.end).contains(&number);
                Ok(Some(Target::Symbol(*id)))
            }
            _ => bail!("an address of something that has none"),
        }
    }
}

/// A number of five bytes, however small it is.
fn padded(bytes: &[u8; 5]) -> u32 {
    let seven = bytes.iter().map(|byte| u64::from(byte & 0x7f));
    seven.rev().fold(0, |number, seven| number << 7 | seven) as u32
}

impl<'a> Raw<'a> {
    fn read(wasm: &'a [u8]) -> Result<Self> {
        let mut raw = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::ImportSection(imports) => raw.imported = imports.into_imports().count() as u32,
                Payload::ElementSection(elements) => {
                    for element in elements {
                        raw.slots.extend(slots(element?)?);
                    }
                }
                Payload::CodeSectionStart { range, .. } => raw.code = range.start,
                Payload::CodeSectionEntry(body) => raw.bodies.push(body.range()),
                Payload::DataSection(section) => {
                    raw.data = section.range().start;
                    for data in section {
                        let data = data?;
                        let address = address_of(&data)?;
                        raw.segments
                            .push((data.range.end - data.data.len()..data.range.end, address));
                    }
                }
                Payload::CustomSection(section) => raw.take(section.name(), section.as_known())?,
                _ => {}
            }
        }
        Ok(raw)
    }

    fn take(&mut self, name: &str, section: KnownCustom<'a>) -> Result<()> {
        match section {
            KnownCustom::Linking(linking) => {
                for subsection in linking.subsections() {
                    match subsection? {
                        Linking::SymbolTable(symbols) => {
                            self.symbols = symbols.into_iter().collect::<Result<_, _>>()?;
                        }
                        Linking::SegmentInfo(segments) => {
                            for segment in segments {
                                self.segment_names.push(segment?.name);
                            }
                        }
                        _ => {}
                    }
                }
            }
            KnownCustom::Reloc(entries) => {
                let entries = entries.entries().into_iter().collect::<Result<_, _>>()?;
                match name {
                    "reloc.CODE" => self.code_relocations = entries,
                    "reloc.DATA" => self.data_relocations = entries,
                    _ => {}
                }
            }
            KnownCustom::Name(names) => {
                for name in names {
                    if let Name::Function(names) = name? {
                        for naming in names {
                            let naming = naming?;
                            let name = rustc_demangle::demangle(naming.name).to_string();
                            self.names.insert(naming.index, without_hashes(&name));
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The constants by their addresses, and which symbol is which of them.
    fn placed(&self, wasm: &[u8]) -> Result<(Linked, HashMap<u32, u32>)> {
        let mut placed = Vec::new();
        for (index, symbol) in (0..).zip(&self.symbols) {
            let SymbolInfo::Data {
                symbol: Some(symbol), ..
            } = symbol
            else {
                continue;
            };
            let at = symbol.index as usize;
            let (Some((bytes, address)), Some(name)) = (self.segments.get(at), self.segment_names.get(at))
            else {
                continue;
            };
            ensure!(
                (symbol.offset + symbol.size) as usize <= bytes.len(),
                "a constant that is larger than its segment"
            );
            let from = address + symbol.offset;
            let is_constant = name.starts_with(".rodata");
            placed.push((from..from + symbol.size, is_constant, index));
        }
        placed.sort_by_key(|(place, ..)| (place.start, place.end));
        let ids = (0..).zip(&placed).map(|(id, (.., index))| (*index, id)).collect();
        let symbol = |(place, may_go, _)| Symbol {
            place,
            may_go,
            refs: Refs::default(),
        };
        let segments: Vec<(u32, &[u8])> = self
            .segments
            .iter()
            .filter_map(|(bytes, address)| Some((*address, wasm.get(bytes.clone())?)))
            .collect();
        let slots = self.slots.iter();
        let named = |(slot, function): (&u32, &u32)| Some((*slot, self.names.get(function)?.clone()));
        let linked = Linked {
            memory: Memory::of(&segments)?.trimmed(),
            symbols: placed.into_iter().map(symbol).collect(),
            refs: HashMap::new(),
            names: self.names.values().cloned().collect(),
            slots: slots.filter_map(named).collect(),
        };
        Ok((linked, ids))
    }
}

/// Where an active segment of data begins.
pub(crate) fn address_of(data: &wasmparser::Data<'_>) -> Result<u32> {
    let DataKind::Active {
        memory_index: 0,
        offset_expr,
    } = &data.kind
    else {
        bail!("the module has passive data");
    };
    number_of(offset_expr)
}

/// The functions of an active segment of elements, by their slots.
pub(crate) fn slots(element: wasmparser::Element<'_>) -> Result<Vec<(u32, u32)>> {
    let (
        ElementKind::Active {
            table_index: None | Some(0),
            offset_expr,
        },
        ElementItems::Functions(functions),
    ) = (&element.kind, element.items)
    else {
        bail!("the module has elements that are not functions in its table");
    };
    let first = number_of(offset_expr)?;
    let functions = functions.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok((first..).zip(functions).collect())
}

fn number_of(expression: &wasmparser::ConstExpr<'_>) -> Result<u32> {
    match expression.get_operators_reader().read()? {
        Operator::I32Const { value } => Ok(value as u32),
        other => bail!("a place that is not a number: {other:?}"),
    }
}
