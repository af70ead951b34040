//! Writes the first module and its parts.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction, Module,
    StartSection, TypeSection, ValType,
};
use wasmparser::{FunctionBody, Parser, Payload};

use crate::order::alike;
use crate::plan::Plan;

/// What the first module calls to load a part, by one of its slots.
pub(crate) const LOAD: &str = "loadPart";
/// What parts import from the first module under.
pub(crate) const FIRST: &str = "0";

/// What becomes of the page's module.
#[derive(Debug)]
pub(crate) struct Modules {
    pub(crate) first: Vec<u8>,
    pub(crate) parts: Vec<Vec<u8>>,
}

pub(crate) fn modules(wasm: &[u8], plan: &Plan) -> Result<Modules> {
    let bodies = bodies(wasm)?;
    let stays = Order::of(plan, &bodies, None)?;
    // In the order in which they stand, so that each number is little more than the one before.
    let mut shared: Vec<u32> = plan.shared().into_iter().collect();
    shared.sort_by_key(|function| stays.number(*function));
    let exported: BTreeMap<u32, u32> = shared.into_iter().zip(0..).collect();
    let parts = (0..plan.parts).map(|part| one_part(wasm, plan, part, &bodies, &exported));
    let parts = parts.collect::<Result<Vec<_>>>()?;
    let mut first = First {
        plan,
        stays,
        exported,
    };
    let mut module = Module::new();
    first.parse_core_module(&mut module, Parser::new(0), wasm)?;
    Ok(Modules {
        first: module.finish(),
        parts,
    })
}

/// What the first module imports its functions from.
pub(crate) const OUTSIDE: &str = "o";

/// The name of an imported function: wasm-bindgen's own are long, and stand in the module and in the JavaScript.
pub(crate) fn import_name(function: u32) -> String {
    format!("o{}", short(function))
}

/// Names of what the first module exports for its parts; wasm-bindgen's begin with no digit.
fn function_name(place: u32) -> String {
    format!("0{}", short(place))
}

fn short(number: u32) -> String {
    let mut name = String::new();
    let mut rest = number;
    loop {
        name.insert(0, char::from_digit(rest % 36, 36).unwrap_or_default());
        rest /= 36;
        if rest == 0 {
            return name;
        }
    }
}

fn table_name(table: u32) -> String {
    format!("1{table}")
}

fn global_name(global: u32) -> String {
    format!("2{global}")
}

const MEMORY_NAME: &str = "3";

const FLAG: GlobalType = GlobalType {
    val_type: ValType::I32,
    mutable: true,
    shared: false,
};

/// The functions of a module in the order in which they stand there.
struct Order {
    own: Vec<u32>,
    /// In the first module, by their old numbers: imported functions, what loads parts, what stayed, stubs.
    numbers: Vec<Option<u32>>,
}

impl Order {
    fn of(plan: &Plan, bodies: &[FunctionBody<'_>], part: Option<usize>) -> Result<Self> {
        let all = plan.imported..plan.functions.len() as u32;
        let own: Vec<u32> = all.filter(|function| plan.is_in(*function, part)).collect();
        let mut code = Vec::with_capacity(own.len());
        for function in &own {
            code.push(body(plan, bodies, *function)?.as_bytes());
        }
        let order = alike(&code).into_iter();
        let own: Vec<u32> = order.filter_map(|at| own.get(at).copied()).collect();
        let mut numbers = vec![None; plan.functions.len()];
        let numbered = (0..plan.imported).zip(0..plan.imported);
        let others = own.iter().chain(&plan.stubs).copied();
        for (function, number) in numbered.chain(others.zip(plan.imported + 1..)) {
            if let Some(place) = numbers.get_mut(function as usize) {
                *place = Some(number);
            }
        }
        Ok(Self { own, numbers })
    }

    fn number(&self, function: u32) -> Option<u32> {
        self.numbers.get(function as usize).copied().flatten()
    }
}

fn bodies(wasm: &[u8]) -> Result<Vec<FunctionBody<'_>>> {
    let mut bodies = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::CodeSectionEntry(body) = payload? {
            bodies.push(body);
        }
    }
    Ok(bodies)
}

fn body<'a, 'b>(plan: &Plan, bodies: &'b [FunctionBody<'a>], function: u32) -> Result<&'b FunctionBody<'a>> {
    let at = function.checked_sub(plan.imported).map(|at| at as usize);
    at.and_then(|at| bodies.get(at))
        .context("a function without a body")
}

impl Plan {
    fn type_of(&self, function: u32) -> u32 {
        let function = self.functions.get(function as usize);
        function.map_or(u32::MAX, |function| function.ty)
    }

    /// The type of what loads parts, behind the module's own; the next is that of what starts one.
    fn load_type(&self) -> u32 {
        self.types.len() as u32
    }
}

struct First<'a> {
    plan: &'a Plan,
    stays: Order,
    /// Functions that parts call, by their old numbers, and their places among these.
    exported: BTreeMap<u32, u32>,
}

/// What stayed calls a function that neither stayed nor has a stub: a fault of the plan.
#[derive(Debug)]
struct NotThere(u32);

impl std::fmt::Display for NotThere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "function {} is called where it is not", self.0)
    }
}

impl std::error::Error for NotThere {}

impl Reencode for First<'_> {
    type Error = NotThere;

    fn function_index(&mut self, function: u32) -> Result<u32, Error<Self::Error>> {
        let number = self.stays.number(function);
        number.ok_or(Error::UserError(NotThere(function)))
    }

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        utils::parse_type_section(self, types, section)?;
        add_types(types);
        Ok(())
    }

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: wasmparser::ImportSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        for (import, number) in section.into_imports().zip(0..) {
            let ty = self.entity_type(import?.ty)?;
            imports.import(OUTSIDE, &import_name(number), ty);
        }
        imports.import(OUTSIDE, LOAD, EntityType::Function(self.plan.load_type()));
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        _: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        for function in self.stays.own.iter().chain(&self.plan.stubs) {
            functions.function(self.plan.type_of(*function));
        }
        Ok(())
    }

    fn table_type(
        &mut self,
        ty: wasmparser::TableType,
    ) -> Result<wasm_encoder::TableType, Error<Self::Error>> {
        table_type(self, self.plan, ty)
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        utils::parse_global_section(self, globals, section)?;
        for _ in 0..self.plan.parts {
            globals.global(FLAG, &ConstExpr::i32_const(0));
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        utils::parse_export_section(self, exports, section)?;
        exports.export(MEMORY_NAME, ExportKind::Memory, 0);
        for table in 0..self.plan.tables {
            exports.export(&table_name(table), ExportKind::Table, table);
        }
        for global in 0..self.plan.globals + self.plan.parts as u32 {
            exports.export(&global_name(global), ExportKind::Global, global);
        }
        let mut shared: Vec<(u32, u32)> = self.exported.clone().into_iter().collect();
        shared.sort_by_key(|(_, place)| *place);
        for (function, place) in shared {
            let index = self.function_index(function)?;
            exports.export(&function_name(place), ExportKind::Func, index);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        let bodies = section.into_iter().collect::<Result<Vec<_>, _>>()?;
        for function in self.stays.own.clone() {
            let body = bodies.get((function - self.plan.imported) as usize);
            let body = body.ok_or(Error::UserError(NotThere(function)))?;
            self.parse_function_body(code, body.clone())?;
        }
        for (stub, slot) in self.plan.stubs.iter().zip(self.plan.slots..) {
            if let Some(body) = stub_of(self.plan, *stub, slot) {
                code.function(&body);
            }
        }
        Ok(())
    }

    fn parse_element_section(
        &mut self,
        elements: &mut ElementSection,
        _: wasmparser::ElementSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        // What only parts name has its slot filled by them; until then it is a function of another type, which calling refuses.
        let load = self.plan.imported;
        let number = |function: &u32| self.stays.number(*function).unwrap_or(load);
        for (from, functions) in runs(&self.plan.table) {
            let functions: Vec<u32> = functions.iter().map(number).collect();
            elements.active(
                None,
                &ConstExpr::i32_const(from as i32),
                Elements::Functions(functions.into()),
            );
        }
        Ok(())
    }

    fn data_count(&mut self, _: u32) -> Result<u32, Error<Self::Error>> {
        Ok(self.plan.constants.first.len() as u32)
    }

    fn parse_data_section(
        &mut self,
        data: &mut DataSection,
        _: wasmparser::DataSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        *data = pieces(&self.plan.constants.first);
        Ok(())
    }

    fn parse_custom_section(
        &mut self,
        _: &mut Module,
        _: wasmparser::CustomSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        // Names have done their duty.
        Ok(())
    }
}

/// Loads the part unless it is there, and calls the function by its slot.
fn stub_of(plan: &Plan, stub: u32, slot: u64) -> Option<Function> {
    let function = plan.functions.get(stub as usize)?;
    let arguments = plan.types.get(function.ty as usize)?.params().len() as u32;
    let slot = i32::try_from(slot).ok()?;
    let mut body = Function::new([]);
    body.instruction(&Instruction::GlobalGet(plan.globals + function.rule? as u32));
    body.instruction(&Instruction::I32Eqz);
    body.instruction(&Instruction::If(BlockType::Empty));
    body.instruction(&Instruction::I32Const(slot));
    body.instruction(&Instruction::Call(plan.imported));
    body.instruction(&Instruction::End);
    for argument in 0..arguments {
        body.instruction(&Instruction::LocalGet(argument));
    }
    body.instruction(&Instruction::I32Const(slot));
    body.instruction(&Instruction::CallIndirect {
        type_index: function.ty,
        table_index: 0,
    });
    body.instruction(&Instruction::End);
    Some(body)
}

fn add_types(types: &mut TypeSection) {
    types.ty().function([ValType::I32], []);
    types.ty().function([], []);
}

/// The table of functions has a slot for each stub behind its own.
fn table_type<T: Reencode + ?Sized>(
    reencoder: &mut T,
    plan: &Plan,
    ty: wasmparser::TableType,
) -> Result<wasm_encoder::TableType, Error<T::Error>> {
    let mut table = utils::table_type(reencoder, ty)?;
    if ty.element_type.is_func_ref() {
        table.minimum += plan.stubs.len() as u64;
        table.maximum = table.maximum.map(|most| most + plan.stubs.len() as u64);
    }
    Ok(table)
}

/// Slots that lie side by side, from the first of each run.
fn runs(slots: &BTreeMap<u32, u32>) -> Vec<(u32, Vec<u32>)> {
    let mut runs: Vec<(u32, Vec<u32>)> = Vec::new();
    for (slot, function) in slots {
        match runs.last_mut() {
            Some((from, run)) if *from + run.len() as u32 == *slot => run.push(*function),
            _ => runs.push((*slot, vec![*function])),
        }
    }
    runs
}

fn pieces(of: &[(u32, Vec<u8>)]) -> DataSection {
    let mut data = DataSection::new();
    for (at, bytes) in of {
        data.active(0, &ConstExpr::i32_const(*at as i32), bytes.iter().copied());
    }
    data
}

struct InPart<'a> {
    plan: &'a Plan,
    part: usize,
    /// Functions of the first module that are called here, in the order in which they are met.
    imports: Vec<u32>,
    numbers: BTreeMap<u32, u32>,
    own: BTreeMap<u32, u32>,
    is_counting: bool,
}

impl Reencode for InPart<'_> {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error<Self::Error>> {
        if let Some(own) = self.own.get(&function) {
            return Ok(self.imports.len() as u32 + own);
        }
        if let Some(number) = self.numbers.get(&function) {
            return Ok(*number);
        }
        let number = self.imports.len() as u32;
        debug_assert!(self.is_counting, "all calls are known before the code is written");
        self.imports.push(function);
        self.numbers.insert(function, number);
        Ok(number)
    }

    fn table_type(
        &mut self,
        ty: wasmparser::TableType,
    ) -> Result<wasm_encoder::TableType, Error<Self::Error>> {
        table_type(self, self.plan, ty)
    }
}

fn one_part(
    wasm: &[u8],
    plan: &Plan,
    part: usize,
    bodies: &[FunctionBody<'_>],
    exported: &BTreeMap<u32, u32>,
) -> Result<Vec<u8>> {
    let own = Order::of(plan, bodies, Some(part))?.own;
    let mut writer = InPart {
        plan,
        part,
        imports: Vec::new(),
        numbers: BTreeMap::new(),
        own: own.iter().copied().zip(0..).collect(),
        is_counting: true,
    };
    let mut types = TypeSection::new();
    let mut imports = ImportSection::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::TypeSection(section) => utils::parse_type_section(&mut writer, &mut types, section)?,
            Payload::TableSection(section) => {
                for (table, number) in section.into_iter().zip(0..) {
                    let ty = writer.table_type(table?.ty)?;
                    imports.import(FIRST, &table_name(number), EntityType::Table(ty));
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    let ty = utils::memory_type(&mut writer, memory?);
                    imports.import(FIRST, MEMORY_NAME, EntityType::Memory(ty));
                }
            }
            Payload::GlobalSection(section) => {
                for (global, number) in section.into_iter().zip(0..) {
                    let ty = utils::global_type(&mut writer, global?.ty)?;
                    imports.import(FIRST, &global_name(number), EntityType::Global(ty));
                }
                for number in 0..plan.parts as u32 {
                    imports.import(
                        FIRST,
                        &global_name(plan.globals + number),
                        EntityType::Global(FLAG),
                    );
                }
            }
            _ => {}
        }
    }
    let mut own_bodies = Vec::with_capacity(own.len());
    for function in &own {
        own_bodies.push(body(plan, bodies, *function)?.clone());
    }
    // Once to learn what is called, and once to write it with its numbers.
    for body in &own_bodies {
        writer.parse_function_body(&mut CodeSection::new(), body.clone())?;
    }
    writer.is_counting = false;
    let mut code = CodeSection::new();
    for body in own_bodies {
        writer.parse_function_body(&mut code, body)?;
    }
    add_types(&mut types);
    for function in &writer.imports {
        let ty = plan.type_of(*function);
        let place = exported
            .get(function)
            .context("a function that is not exported")?;
        imports.import(FIRST, &function_name(*place), EntityType::Function(ty));
    }
    let start = writer.imports.len() as u32 + own.len() as u32;
    code.function(&start_of(plan, part));
    assemble(plan, &writer, (&types, &imports), (&own, &code), start)
}

/// Says that the part is there.
fn start_of(plan: &Plan, part: usize) -> Function {
    let mut body = Function::new([]);
    body.instruction(&Instruction::I32Const(1));
    body.instruction(&Instruction::GlobalSet(plan.globals + part as u32));
    body.instruction(&Instruction::End);
    body
}

fn assemble(
    plan: &Plan,
    writer: &InPart<'_>,
    (types, imports): (&TypeSection, &ImportSection),
    (own, code): (&[u32], &CodeSection),
    start: u32,
) -> Result<Vec<u8>> {
    let mut functions = FunctionSection::new();
    for function in own {
        functions.function(plan.type_of(*function));
    }
    functions.function(plan.load_type() + 1);
    let stubs = plan
        .stubs
        .iter()
        .filter(|stub| plan.rule(**stub) == Some(writer.part));
    let slots: Vec<u32> = stubs
        .filter_map(|stub| Some(writer.imports.len() as u32 + writer.own.get(stub)?))
        .collect();
    let mut filled: BTreeMap<u32, u32> = (plan.slots_of(writer.part).0 as u32..).zip(slots).collect();
    for (slot, function) in &plan.table {
        if let Some(own) = writer.own.get(function)
            && !plan.stubs.contains(function)
        {
            filled.insert(*slot, writer.imports.len() as u32 + own);
        }
    }
    let mut elements = ElementSection::new();
    for (from, functions) in runs(&filled) {
        elements.active(
            None,
            &ConstExpr::i32_const(from as i32),
            Elements::Functions(functions.into()),
        );
    }
    let data = plan.constants.parts.get(writer.part).context("an unknown part")?;
    let mut module = Module::new();
    module.section(types);
    module.section(imports);
    module.section(&functions);
    module.section(&StartSection {
        function_index: start,
    });
    module.section(&elements);
    module.section(code);
    module.section(&pieces(data));
    Ok(module.finish())
}
