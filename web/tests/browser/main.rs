//! What only a browser has: its storage, its random numbers, and 32-bit memory around what crosses the Worker border.
#![cfg(target_arch = "wasm32")]

use hearth_web::platform::{client_id, page, storage};
use hearth_web::wire::{Command, Publication};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
fn storage_keeps_text_until_it_is_removed() {
    let store = storage::for_tab();
    assert!(store.write("hearth.test", "päivää"));
    assert_eq!(store.read("hearth.test").as_deref(), Some("päivää"));
    store.remove("hearth.test");
    assert_eq!(store.read("hearth.test"), None);
}

#[wasm_bindgen_test]
fn random_bytes_are_not_drawn_twice() {
    assert_ne!(page::random_bytes::<16>(), page::random_bytes::<16>());
}

/// A duplicated tab copies the storage of the first: an id found there must not stay there.
#[wasm_bindgen_test]
fn a_duplicated_tab_gets_a_client_id_of_its_own() {
    let first = client_id::for_this_tab();
    assert!(first.starts_with("hearth-"), "{first}");
    assert_ne!(client_id::for_this_tab(), first);
}

#[wasm_bindgen_test]
fn a_command_crosses_the_worker_border_unchanged() {
    let message = Publication {
        topic: "home/🏠".into(),
        payload: vec![0, 255, 128],
        qos: 2,
        retain: true,
        ..Publication::default()
    };
    let command = Command::Publish {
        request: u32::MAX,
        message,
    };
    let read = postcard::to_allocvec(&command).and_then(|bytes| postcard::from_bytes(&bytes));
    assert_eq!(read, Ok(command));
}

#[wasm_bindgen_test]
fn the_clock_is_past_2025() {
    assert!(page::now() > 1_735_689_600_000);
}
