//! A module of a few functions, split.

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ElementSection, Elements, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction, MemorySection, MemoryType,
    Module, NameMap, NameSection, RefType, TableSection, TableType, TypeSection, ValType,
};
use wasmparser::{Parser, Payload, Validator};

use crate::linked::{Linked, Memory, Refs, Symbol};
use crate::order::alike;
use crate::plan::Plan;
use crate::rules::Part;
use crate::write;

const PARTS: &[Part] = &[Part {
    name: "later",
    of: &["page::later::"],
    not: &["page::later::stays"],
}];

/// Name, what it calls, and whether it stands in the table.
const FUNCTIONS: [(&str, &[u32], bool); 7] = [
    ("page[0123456789abcdef]::main", &[2, 4, 0], false),
    ("page[0123456789abcdef]::later::shown", &[3, 5], true),
    ("core::only_for_later", &[4, 3], false),
    ("core::for_both", &[], false),
    (
        "<page[0123456789abcdef]::later::T as core::Trait>::called",
        &[0],
        false,
    ),
    ("page[0123456789abcdef]::later::stays", &[], true),
    ("core::named_by_a_constant", &[], true),
];
/// Four constants of 16 bytes.
const MEMORY: &str = "what the first  what a part usesa part's text   written to      ";
const BEGIN: u32 = 1_048_576;

/// The second constant names the third, and the slot of the last function.
fn linked() -> Linked {
    let refs = |symbols: &[u32], slots: &[u32]| Refs {
        symbols: symbols.iter().copied().collect(),
        slots: slots.iter().copied().collect(),
    };
    let symbol = |number: u32| Symbol {
        place: BEGIN + 16 * number..BEGIN + 16 * (number + 1),
        may_go: number != 3,
        refs: if number == 1 {
            refs(&[2], &[3])
        } else {
            Refs::default()
        },
    };
    let names = FUNCTIONS.map(|(name, ..)| name.replace("[0123456789abcdef]", ""));
    Linked {
        memory: Memory::of(&[(BEGIN, MEMORY.as_bytes())]).unwrap().trimmed(),
        symbols: (0..4).map(symbol).collect(),
        refs: [
            (names[0].clone(), refs(&[0], &[])),
            (names[1].clone(), refs(&[1], &[])),
        ]
        .into(),
        slots: [
            (1, names[1].clone()),
            (2, names[5].clone()),
            (3, names[6].clone()),
        ]
        .into(),
        names: names.into_iter().collect(),
    }
}

fn module() -> Vec<u8> {
    module_with(MEMORY, 0)
}

/// The first function has the number, too.
fn module_with(memory: &str, number: u32) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32, ValType::I64], [ValType::I32]);
    let mut imports = ImportSection::new();
    imports.import("./page_bg.js", "log", wasm_encoder::EntityType::Function(0));
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    let mut names = NameMap::new();
    let mut slots = Vec::new();
    for ((name, calls, is_in_table), index) in FUNCTIONS.iter().zip(1..) {
        functions.function(0);
        names.append(index, name);
        let mut body = Function::new([]);
        // None is too small to go.
        for _ in 0..60 {
            body.instruction(&Instruction::GlobalGet(0));
            body.instruction(&Instruction::GlobalSet(0));
        }
        body.instruction(&Instruction::I32Const(if index == 1 { number as i32 } else { 0 }));
        body.instruction(&Instruction::Drop);
        for callee in *calls {
            body.instruction(&Instruction::LocalGet(0));
            body.instruction(&Instruction::LocalGet(1));
            body.instruction(&Instruction::Call(*callee));
            body.instruction(&Instruction::Drop);
        }
        body.instruction(&Instruction::I32Const(0));
        body.instruction(&Instruction::End);
        code.function(&body);
        if *is_in_table {
            slots.push(index);
        }
    }
    let mut tables = TableSection::new();
    tables.table(TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: 4,
        maximum: Some(4),
        shared: false,
    });
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 17,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut globals = GlobalSection::new();
    let stack = GlobalType {
        val_type: ValType::I32,
        mutable: true,
        shared: false,
    };
    globals.global(stack, &ConstExpr::i32_const(1_048_576));
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    exports.export("main", ExportKind::Func, 1);
    let mut elements = ElementSection::new();
    elements.active(None, &ConstExpr::i32_const(1), Elements::Functions(slots.into()));
    let mut named = NameSection::new();
    named.functions(&names);
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions);
    module.section(&tables).section(&memories).section(&globals);
    module.section(&exports).section(&elements).section(&code);
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(BEGIN as i32), memory.bytes());
    module.section(&data).section(&named);
    module.finish()
}

fn imports(wasm: &[u8]) -> Vec<String> {
    let payloads = Parser::new(0).parse_all(wasm).map(Result::unwrap);
    let sections = payloads.filter_map(|payload| match payload {
        Payload::ImportSection(section) => Some(section),
        _ => None,
    });
    let imports = sections.flat_map(|section| section.into_imports().map(Result::unwrap));
    imports
        .map(|import| format!("{}.{}", import.module, import.name))
        .collect()
}

fn bodies(wasm: &[u8]) -> usize {
    let payloads = Parser::new(0).parse_all(wasm);
    payloads
        .filter(|payload| matches!(payload, Ok(Payload::CodeSectionEntry(_))))
        .count()
}

#[test]
fn what_only_a_part_calls_goes_with_it_and_the_rest_stays() {
    let plan = Plan::of(&module(), &linked(), PARTS).unwrap();
    assert_eq!(went(&plan), [2, 3, 5, 7]);
    assert_eq!(plan.stubs, [2], "the others are called in their part only");
    assert_eq!(plan.slots_of(0), (4, 5));
}

/// The functions that are in the part.
fn went(plan: &Plan) -> Vec<u32> {
    (1..8).filter(|function| plan.is_in(*function, Some(0))).collect()
}

fn texts(pieces: &[(u32, Vec<u8>)]) -> Vec<(u32, &str)> {
    let text = |(at, bytes): &'_ (u32, Vec<u8>)| (at - BEGIN, bytes.len());
    let places = pieces.iter().map(text);
    places
        .map(|(at, length)| (at, &MEMORY[at as usize..at as usize + length]))
        .collect()
}

#[test]
fn constants_that_only_a_part_names_go_with_it_and_what_they_name() {
    let plan = Plan::of(&module(), &linked(), PARTS).unwrap();
    let first = [(0, "what the first  "), (48, "written to      ")];
    assert_eq!(texts(&plan.constants.first), first);
    assert_eq!(
        texts(&plan.constants.parts[0]),
        [(16, "what a part usesa part's text   ")]
    );
}

#[test]
fn a_number_that_could_be_an_address_or_a_slot_is_taken_for_one() {
    let wasm = module_with(MEMORY, BEGIN + 40);
    let plan = Plan::of(&wasm, &linked(), PARTS).unwrap();
    assert_eq!(texts(&plan.constants.parts[0]), [(16, "what a part uses")]);
    let plan = Plan::of(&module_with(MEMORY, 3), &linked(), PARTS).unwrap();
    assert_eq!(went(&plan), [2, 3, 5], "the last function stays");
}

#[test]
fn a_module_that_is_not_the_linked_one_is_refused() {
    let other = MEMORY.replace("text", "tent");
    let refused = Plan::of(&module_with(&other, 0), &linked(), PARTS).unwrap_err();
    assert!(refused.to_string().contains("memory"), "{refused}");
    let mut with_other_table = linked();
    with_other_table.slots.remove(&3);
    let refused = Plan::of(&module(), &with_other_table, PARTS).unwrap_err();
    assert!(refused.to_string().contains("table"), "{refused}");
    let refused = Linked::read(&module()).unwrap_err();
    assert!(refused.to_string().contains("--emit-relocs"), "{refused}");
}

#[test]
fn both_halves_are_valid_modules() {
    let wasm = module();
    Validator::new().validate_all(&wasm).unwrap();
    let plan = Plan::of(&wasm, &linked(), PARTS).unwrap();
    let modules = write::modules(&wasm, &plan).unwrap();
    Validator::new().validate_all(&modules.first).unwrap();
    Validator::new().validate_all(&modules.parts[0]).unwrap();
    assert_eq!(imports(&modules.first), ["o.o0", "o.loadPart"]);
    let mut shared = imports(&modules.parts[0]);
    shared.sort();
    assert_eq!(shared[..2], ["0.00", "0.01"], "what it calls elsewhere");
    assert_eq!(bodies(&modules.first), 3 + 1, "three stay, and there is one stub");
    assert_eq!(
        bodies(&modules.parts[0]),
        4 + 1,
        "four went, and one says that they are there"
    );
}

#[test]
fn a_module_without_names_is_refused() {
    let mut wasm = module();
    let names = wasm.windows(4).position(|bytes| bytes == b"name").unwrap();
    wasm[names] = b'g';
    let refused = Plan::of(&wasm, &linked(), PARTS).unwrap_err();
    assert!(refused.to_string().contains("-g"), "{refused}");
}

#[test]
fn functions_that_are_alike_stand_side_by_side_and_none_is_lost() {
    let bodies: [&[u8]; 6] = [
        b"one thing that is said here",
        b"quite another matter altogether",
        b"it",
        b"one thing that is said there",
        b"quite another matter, and more of it",
        b"one thing that is said",
    ];
    let order = alike(&bodies);
    let place = |body: usize| order.iter().position(|at| *at == body).unwrap();
    for (body, like) in [(0, 3), (3, 5), (1, 4)] {
        assert!(place(body).abs_diff(place(like)) <= 2, "{order:?}");
    }
    let mut all = order.clone();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3, 4, 5]);
    assert_eq!(
        alike(&[b"it".as_slice(), b"it", b"at"]),
        [0, 1, 2],
        "too small to be alike"
    );
}
