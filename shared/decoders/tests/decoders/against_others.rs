//! What other people's encoders write is read, and means the same.

use std::io::Write;

use hearth_decoders::{Packing, decode, recognize};
use proptest::prelude::*;
use serde_json::{Value, json};

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e9_f64..1e9).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[\\x00-\\x7f]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,8}", inner, 0..8).prop_map(Value::from_iter),
        ]
    })
}

fn packed(value: &Value, write: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    write(value.to_string().into_bytes())
}

proptest! {
    #[test]
    fn cbor_of_another_library_means_the_same(value in any_json()) {
        let mut bytes = Vec::new();
        ciborium::into_writer(&value, &mut bytes).unwrap();
        let text = decode(Packing::Cbor, &bytes).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn message_pack_of_another_library_means_the_same(value in any_json()) {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &rmp_of(&value)).unwrap();
        let text = decode(Packing::MessagePack, &bytes).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn verdicts_on_any_bytes_are_those_of_the_other_library(bytes in prop::collection::vec(any::<u8>(), 1..40)) {
        let mut rest = &bytes[..];
        // Theirs takes texts that are not UTF-8; ours does not.
        let theirs = rmpv::decode::read_value(&mut rest).is_ok() && rest.is_empty();
        let ours = decode(Packing::MessagePack, &bytes);
        prop_assert!(theirs || ours.is_err(), "{:?}", ours);
    }

    #[test]
    fn gzip_and_zlib_are_unpacked(value in any_json(), level in 0_u32..10) {
        let level = flate2::Compression::new(level);
        let gzip = packed(&value, |text| {
            let mut encoder = flate2::GzBuilder::new().filename("n").comment("c").extra("e").write(Vec::new(), level);
            encoder.write_all(&text).unwrap();
            encoder.finish().unwrap()
        });
        let zlib = packed(&value, |text| {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(&text).unwrap();
            encoder.finish().unwrap()
        });
        prop_assert_eq!(recognize(&gzip, None), Some(Packing::Compressed));
        for bytes in [&gzip, &zlib] {
            prop_assert_eq!(decode(Packing::Compressed, bytes).unwrap(), value.to_string().into_bytes());
        }
        // Two members follow each other.
        let twice = decode(Packing::Compressed, &gzip.repeat(2)).unwrap();
        prop_assert_eq!(twice, value.to_string().repeat(2).into_bytes());
    }
}

fn rmp_of(value: &Value) -> rmpv::Value {
    match value {
        Value::Null => rmpv::Value::Nil,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(whole)) => whole.into(),
            (None, None) => number.as_f64().unwrap().into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(list) => rmpv::Value::Array(list.iter().map(rmp_of).collect()),
        Value::Object(members) => rmpv::Value::Map(
            members
                .iter()
                .map(|(key, value)| (key.as_str().into(), rmp_of(value)))
                .collect(),
        ),
    }
}

#[test]
fn objects_with_names_are_recognized_whoever_wrote_them() {
    let value = json!({"temperature": 21.5, "unit": "°C", "list": [1, 2, 3]});
    let mut cbor = Vec::new();
    ciborium::into_writer(&value, &mut cbor).unwrap();
    assert_eq!(recognize(&cbor, None), Some(Packing::Cbor));
    let mut message_pack = Vec::new();
    rmpv::encode::write_value(&mut message_pack, &rmp_of(&value)).unwrap();
    assert_eq!(recognize(&message_pack, None), Some(Packing::MessagePack));
}
