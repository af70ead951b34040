//! What is in the page's module, and where each function goes.

use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::{Context, Result, bail, ensure};
use wasmparser::{
    CompositeInnerType, ElementItems, ElementKind, FuncType, KnownCustom, Name, Operator, Parser, Payload,
    TypeRef,
};

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
    pub(crate) globals: u32,
    pub(crate) tables: u32,
    pub(crate) import_module: String,
    pub(crate) memory_name: Option<String>,
    /// Functions that went and are called from elsewhere, in the order of their slots.
    pub(crate) stubs: Vec<u32>,
    pub(crate) parts: usize,
}

#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) ty: u32,
    size: usize,
    calls: Vec<u32>,
    /// It stands in the table, is exported, or starts the module: nobody knows who calls it.
    is_known_by_others: bool,
    pub(crate) part: Option<usize>,
}

impl Plan {
    pub(crate) fn of(wasm: &[u8], parts: &[Part]) -> Result<Self> {
        let mut plan = Self::read(wasm)?;
        plan.parts = parts.len();
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
                function.part = part;
            }
        }
        plan.keep(stay);
        plan.follow();
        plan.find_stubs();
        Ok(plan)
    }

    fn read(wasm: &[u8]) -> Result<Self> {
        let mut plan = Self {
            types: Vec::new(),
            imported: 0,
            import_names: Vec::new(),
            functions: Vec::new(),
            slots: 0,
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
                        ensure!(
                            !matches!(element.kind, ElementKind::Passive),
                            "the module has passive elements"
                        );
                        if let ElementItems::Functions(functions) = element.items {
                            for function in functions {
                                plan.is_known(function?)?;
                            }
                        }
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
                            Operator::RefFunc { .. }
                            | Operator::ReturnCall { .. }
                            | Operator::MemoryInit { .. }
                            | Operator::DataDrop { .. }
                            | Operator::TableInit { .. } => bail!("{}: not foreseen here", function.name),
                            _ => {}
                        }
                    }
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
                function.part = None;
                stay.extend(function.calls.iter().filter(|callee| seen.insert(**callee)));
            }
        }
    }

    /// A function that only functions of one part call goes with them.
    fn follow(&mut self) {
        let mut callers: HashMap<u32, Vec<usize>> = HashMap::new();
        for (caller, function) in self.functions.iter().enumerate() {
            for called in &function.calls {
                callers.entry(*called).or_default().push(caller);
            }
        }
        loop {
            let mut goes = Vec::new();
            for (at, function) in self.functions.iter().enumerate().skip(self.imported as usize) {
                if function.part.is_some() || function.is_known_by_others {
                    continue;
                }
                let Some(callers) = callers.get(&(at as u32)) else {
                    continue;
                };
                let mut parts = callers
                    .iter()
                    .filter(|caller| **caller != at)
                    .map(|caller| self.functions.get(*caller).and_then(|caller| caller.part));
                let first = parts.next().flatten();
                if first.is_some() && parts.all(|part| part == first) {
                    goes.push((at, first));
                }
            }
            if goes.is_empty() {
                return;
            }
            for (at, part) in goes {
                if let Some(function) = self.functions.get_mut(at) {
                    function.part = part;
                }
            }
        }
    }

    fn find_stubs(&mut self) {
        let mut called = vec![false; self.functions.len()];
        for function in &self.functions {
            for callee in &function.calls {
                let part = self.part(*callee);
                if part.is_some()
                    && part != function.part
                    && let Some(called) = called.get_mut(*callee as usize)
                {
                    *called = true;
                }
            }
        }
        let needs = |(at, function): (usize, &Function)| {
            let needs = function.part.is_some()
                && (function.is_known_by_others || called.get(at).copied().unwrap_or_default());
            needs.then_some(at as u32)
        };
        self.stubs = self.functions.iter().enumerate().filter_map(needs).collect();
        // Slots of one part lie side by side.
        let functions = &self.functions;
        self.stubs
            .sort_by_key(|at| functions.get(*at as usize).map(|function| function.part));
    }

    /// Functions that are called by a part and are not in it.
    pub(crate) fn shared(&self) -> BTreeSet<u32> {
        let went = self.functions.iter().filter(|function| function.part.is_some());
        let calls = went.flat_map(|function| function.calls.iter().map(|called| (function.part, *called)));
        let shared = calls.filter(|(part, called)| self.part(*called) != *part);
        shared.map(|(_, called)| called).collect()
    }

    pub(crate) fn part(&self, function: u32) -> Option<usize> {
        self.functions
            .get(function as usize)
            .and_then(|function| function.part)
    }

    /// The first slot of each part's stubs, and the one behind the last.
    pub(crate) fn slots_of(&self, part: usize) -> (u64, u64) {
        let before = |until: usize| {
            let count = self
                .stubs
                .iter()
                .filter(|stub| self.part(**stub).is_some_and(|of| of < until))
                .count();
            self.slots + count as u64
        };
        (before(part), before(part + 1))
    }

    /// What went where, for people.
    pub(crate) fn list(&self) -> String {
        let mut functions: Vec<&Function> = self.functions.iter().collect();
        functions.sort_by_key(|function| (function.part, std::cmp::Reverse(function.size)));
        let row = |function: &Function| {
            let part = function.part.map_or("first".to_owned(), |part| part.to_string());
            format!("{part} {} {}\n", function.size, function.name)
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
            is_known_by_others: false,
            part: None,
        }
    }
}

/// `hearth_web[77973fdf2b31d338]::app` without what differs from build to build.
fn without_hashes(name: &str) -> String {
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
