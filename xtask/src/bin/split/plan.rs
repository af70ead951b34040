//! What is in the page's module, and where each function goes.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use anyhow::{Context, Result, bail, ensure};
use wasmparser::{CompositeInnerType, FuncType, KnownCustom, Name, Operator, Parser, Payload, TypeRef};

use crate::data::Constants;
use crate::linked::{Linked, Memory, address_of, slots};
use crate::reach::places;
use crate::rules::{ALIKE, Part, SMALLEST};

/// Where each function goes.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The types of functions.
    pub(crate) types: Vec<FuncType>,
    /// Imported functions come first among all functions.
    pub(crate) imported: u32,
    /// What wasm-bindgen calls them.
    pub(crate) import_names: Vec<String>,
    pub(crate) functions: Vec<Function>,
    /// How many slots the table of functions has.
    pub(crate) slots: u64,
    /// The functions in the table, by their slots.
    pub(crate) table: BTreeMap<u32, u32>,
    /// What memory holds at the start.
    pub(crate) memory: Memory,
    pub(crate) globals: u32,
    pub(crate) tables: u32,
    pub(crate) import_module: String,
    pub(crate) memory_name: Option<String>,
    /// Functions that went and are called from elsewhere, in the order of their slots.
    pub(crate) stubs: Vec<u32>,
    pub(crate) parts: usize,
    /// What memory holds, by what of it goes where.
    pub(crate) constants: Constants,
}

#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) ty: u32,
    pub(crate) size: usize,
    pub(crate) calls: Vec<u32>,
    /// Numbers in it, which could be addresses or slots.
    pub(crate) numbers: BTreeSet<u32>,
    /// What its loads and stores add, which could be addresses.
    pub(crate) offsets: BTreeSet<u32>,
    /// It is exported, or starts the module: nobody knows who calls it.
    pub(crate) is_known_by_others: bool,
    /// The part that a rule says.
    pub(crate) rule: Option<usize>,
    /// Where it goes: to the first module if there is none.
    pub(crate) parts: BTreeSet<usize>,
}

impl Plan {
    pub(crate) fn of(wasm: &[u8], linked: &Linked, parts: &[Part]) -> Result<Self> {
        let mut plan = Self::read(wasm)?;
        plan.parts = parts.len();
        plan.check(linked)?;
        let mut stay = Vec::new();
        for (at, function) in plan.functions.iter_mut().enumerate().skip(plan.imported as usize) {
            let has = |texts: &[&str]| texts.iter().any(|text| function.name.contains(text));
            let part = parts.iter().position(|part| has(part.of));
            if part
                .and_then(|part| parts.get(part))
                .is_some_and(|part| has(part.not))
            {
                stay.push(at as u32);
            } else if function.size >= SMALLEST && !has(ALIKE) {
                function.rule = part;
            }
        }
        plan.keep(stay);
        let places = places(&plan, linked);
        for (function, parts) in plan.functions.iter_mut().zip(places.functions) {
            function.parts = parts;
        }
        plan.stubs = places.called_elsewhere.into_iter().collect();
        // Slots of one part lie side by side.
        let functions = &plan.functions;
        plan.stubs
            .sort_by_key(|at| functions.get(*at as usize).map(|function| function.rule));
        plan.constants = Constants::of(&plan.memory, linked, &places.symbols, plan.parts);
        Ok(plan)
    }

    /// That memory and table are still as the linker made them: by their places everything is known.
    fn check(&self, linked: &Linked) -> Result<()> {
        ensure!(
            self.memory == linked.memory,
            "what memory holds is not what the linker put there"
        );
        let slots: BTreeSet<u32> = linked.slots.keys().copied().collect();
        ensure!(
            self.table.keys().copied().eq(slots),
            "the table is not the one that the linker made"
        );
        let functions = self.functions.iter().skip(self.imported as usize);
        let known = functions
            .filter(|function| linked.names.contains(&function.name))
            .count();
        ensure!(
            10 * known >= 9 * (self.functions.len() - self.imported as usize),
            "many functions are unknown to the linker"
        );
        // Of functions that do the same one is kept, by one of their names.
        let named = |(slot, function): &(&u32, &u32)| {
            let function = self.functions.get(**function as usize);
            function.map(|function| &function.name) == linked.slots.get(*slot)
        };
        let same = self.table.iter().filter(named).count();
        ensure!(
            2 * same >= self.table.len(),
            "most functions in the table are not those that the linker put there"
        );
        Ok(())
    }

    fn read(wasm: &[u8]) -> Result<Self> {
        let mut plan = Self {
            types: Vec::new(),
            imported: 0,
            import_names: Vec::new(),
            functions: Vec::new(),
            slots: 0,
            table: BTreeMap::new(),
            memory: Memory::default(),
            constants: Constants::default(),
            globals: 0,
            tables: 0,
            import_module: String::new(),
            memory_name: None,
            stubs: Vec::new(),
            parts: 0,
        };
        let mut bodies = 0;
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(types) => {
                    for group in types {
                        for ty in group?.into_types() {
                            let CompositeInnerType::Func(ty) = ty.composite_type.inner else {
                                bail!("the module has a type that is no function's");
                            };
                            plan.types.push(ty);
                        }
                    }
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import?;
                        let TypeRef::Func(ty) = import.ty else {
                            bail!("the module imports something that is no function");
                        };
                        import.module.clone_into(&mut plan.import_module);
                        plan.import_names.push(import.name.to_owned());
                        plan.imported += 1;
                        plan.functions.push(Function::new(ty));
                    }
                }
                Payload::FunctionSection(types) => {
                    for ty in types {
                        plan.functions.push(Function::new(ty?));
                    }
                }
                Payload::TableSection(tables) => {
                    plan.tables = tables.count();
                    let first = tables.into_iter().next().context("there is no table")??;
                    plan.slots = first.ty.initial;
                }
                Payload::GlobalSection(globals) => plan.globals = globals.count(),
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        match export.kind {
                            wasmparser::ExternalKind::Func => plan.is_known(export.index)?,
                            wasmparser::ExternalKind::Memory => {
                                plan.memory_name = Some(export.name.to_owned());
                            }
                            _ => {}
                        }
                    }
                }
                Payload::StartSection { func, .. } => plan.is_known(func)?,
                Payload::ElementSection(elements) => {
                    for element in elements {
                        let element = element?;
                        plan.table.extend(slots(element)?);
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    let at = plan.imported as usize + bodies;
                    bodies += 1;
                    let function = plan.functions.get_mut(at).context("a body without a function")?;
                    function.size = body.range().len();
                    for operator in body.get_operators_reader()? {
                        match operator? {
                            Operator::Call { function_index } => function.calls.push(function_index),
                            Operator::I32Const { value } => {
                                function.numbers.insert(value as u32);
                            }
                            Operator::I64Const { value } => {
                                function.numbers.extend(u32::try_from(value));
                            }
                            Operator::RefFunc { .. }
                            | Operator::ReturnCall { .. }
                            | Operator::MemoryInit { .. }
                            | Operator::DataDrop { .. }
                            | Operator::TableInit { .. } => bail!("{}: not foreseen here", function.name),
                            other => function.offsets.extend(offset_of(&other)),
                        }
                    }
                }
                Payload::DataSection(section) => {
                    let data = section.into_iter().collect::<Result<Vec<_>, _>>()?;
                    let segments = data.iter().map(|data| Ok((address_of(data)?, data.data)));
                    plan.memory = Memory::of(&segments.collect::<Result<Vec<_>>>()?)?.trimmed();
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(names) = section.as_known() {
                        plan.take_names(names)?;
                    }
                }
                _ => {}
            }
        }
        ensure!(
            plan.functions.iter().any(|function| !function.name.is_empty()),
            "the functions have no names: wasm-opt needs -g"
        );
        Ok(plan)
    }

    fn is_known(&mut self, function: u32) -> Result<()> {
        let function = self.functions.get_mut(function as usize);
        function
            .context("a function that is not there")?
            .is_known_by_others = true;
        Ok(())
    }

    fn take_names(&mut self, names: wasmparser::NameSectionReader<'_>) -> Result<()> {
        for name in names {
            if let Name::Function(names) = name? {
                for naming in names {
                    let naming = naming?;
                    if let Some(function) = self.functions.get_mut(naming.index as usize) {
                        function.name = without_hashes(naming.name);
                    }
                }
            }
        }
        Ok(())
    }

    /// These stay, with all that they call.
    fn keep(&mut self, mut stay: Vec<u32>) {
        let mut seen: HashSet<u32> = stay.iter().copied().collect();
        while let Some(at) = stay.pop() {
            if let Some(function) = self.functions.get_mut(at as usize) {
                function.rule = None;
                stay.extend(function.calls.iter().filter(|callee| seen.insert(**callee)));
            }
        }
    }

    /// Functions that are called by a part and are not in it.
    pub(crate) fn shared(&self) -> BTreeSet<u32> {
        let mut shared = BTreeSet::new();
        for function in &self.functions {
            for part in &function.parts {
                let calls = function.calls.iter().copied();
                shared.extend(calls.filter(|called| !self.is_in(*called, Some(*part))));
            }
        }
        shared
    }

    /// Whether the function goes into the part, or stays in the first module.
    pub(crate) fn is_in(&self, function: u32, part: Option<usize>) -> bool {
        let function = self.functions.get(function as usize);
        function.is_some_and(|function| match part {
            Some(part) => function.parts.contains(&part),
            None => function.parts.is_empty(),
        })
    }

    /// The part that a rule says.
    pub(crate) fn rule(&self, function: u32) -> Option<usize> {
        self.functions
            .get(function as usize)
            .and_then(|function| function.rule)
    }

    /// The first slot of each part's stubs, and the one behind the last.
    pub(crate) fn slots_of(&self, part: usize) -> (u64, u64) {
        let before = |until: usize| {
            let count = self
                .stubs
                .iter()
                .filter(|stub| self.rule(**stub).is_some_and(|of| of < until))
                .count();
            self.slots + count as u64
        };
        (before(part), before(part + 1))
    }

    /// What went where, for people.
    pub(crate) fn list(&self) -> String {
        let mut functions: Vec<&Function> = self.functions.iter().collect();
        functions.sort_by_key(|function| (&function.parts, std::cmp::Reverse(function.size)));
        let row = |function: &Function| {
            let parts: Vec<String> = function.parts.iter().map(ToString::to_string).collect();
            let parts = if parts.is_empty() {
                "first".to_owned()
            } else {
                parts.join("+")
            };
            format!("{parts} {} {}\n", function.size, function.name)
        };
        let stubs = self.stubs.iter().zip(self.slots..).map(|(stub, slot)| {
            let name = self.functions.get(*stub as usize).map(|function| &*function.name);
            format!("slot {slot} {}\n", name.unwrap_or_default())
        });
        functions.into_iter().map(row).chain(stubs).collect()
    }
}

impl Function {
    fn new(ty: u32) -> Self {
        Self {
            name: String::new(),
            ty,
            size: 0,
            calls: Vec::new(),
            numbers: BTreeSet::new(),
            offsets: BTreeSet::new(),
            is_known_by_others: false,
            rule: None,
            parts: BTreeSet::new(),
        }
    }
}

/// What a load or store adds to its address, which is an address by itself when the other is a distance.
fn offset_of(operator: &Operator<'_>) -> Option<u32> {
    macro_rules! offset {
        ($($name:ident)*) => {
            match operator {
                $(Operator::$name { memarg } => u32::try_from(memarg.offset).ok(),)*
                _ => None,
            }
        };
    }
    offset!(
        I32Load I64Load F32Load F64Load I32Load8S I32Load8U I32Load16S I32Load16U I64Load8S I64Load8U I64Load16S I64Load16U
        I64Load32S I64Load32U I32Store I64Store F32Store F64Store I32Store8 I32Store16 I64Store8 I64Store16 I64Store32
    )
}

/// `hearth_web[77973fdf2b31d338]::app` without what differs from build to build.
pub(crate) fn without_hashes(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        rest = match after.split_once(']') {
            Some((hash, after)) if hash.len() >= 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                after
            }
            _ => {
                out.push('[');
                after
            }
        };
    }
    out.push_str(rest);
    out
}
