//! A module of a few functions, split.

use wasm_encoder::{
    CodeSection, ConstExpr, ElementSection, Elements, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, ImportSection, Instruction, MemorySection, MemoryType, Module, NameMap,
    NameSection, RefType, TableSection, TableType, TypeSection, ValType,
};
use wasmparser::{Parser, Payload, Validator};

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
const FUNCTIONS: [(&str, &[u32], bool); 6] = [
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
];

fn module() -> Vec<u8> {
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
        for callee in *calls {
            body.instruction(&Instruction::LocalGet(0));
            body.instruction(&Instruction::LocalGet(1));
            body.instruction(&Instruction::Call(*callee));
            body.instruction(&Instruction::Drop);
        }
        body.instruction(&Instruction::I32Const(1));
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
        minimum: 3,
        maximum: Some(3),
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
    module.section(&named);
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
    let plan = Plan::of(&module(), PARTS).unwrap();
    let parts: Vec<Option<usize>> = (1..7).map(|function| plan.part(function)).collect();
    assert_eq!(parts, [None, Some(0), Some(0), None, Some(0), None]);
    assert_eq!(plan.stubs, [2], "the others are called in their part only");
    assert_eq!(plan.slots_of(0), (3, 4));
}

#[test]
fn both_halves_are_valid_modules() {
    let wasm = module();
    Validator::new().validate_all(&wasm).unwrap();
    let plan = Plan::of(&wasm, PARTS).unwrap();
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
        3 + 1,
        "three went, and one says that they are there"
    );
}

#[test]
fn a_module_without_names_is_refused() {
    let mut wasm = module();
    let names = wasm.windows(4).position(|bytes| bytes == b"name").unwrap();
    wasm[names] = b'g';
    let refused = Plan::of(&wasm, PARTS).unwrap_err();
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
