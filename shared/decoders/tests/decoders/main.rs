//! Payloads in, JSON out: known bytes, other people's encoders, hostile bytes.

#![expect(clippy::unwrap_used, reason = "a test that fails stops here")]

mod against_others;
mod hostile;

use hearth_decoders::{DecodeError, Fault, Packing, decode, recognize};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

fn json(packing: Packing, hex: &str) -> Result<String, DecodeError> {
    decode(packing, &bytes(hex)).map(|json| String::from_utf8(json).unwrap())
}

#[test]
fn cbor_says_what_the_appendix_of_its_standard_says() {
    // RFC 8949, appendix A.
    for (hex, expected) in [
        ("1bffffffffffffffff", "18446744073709551615"),
        ("3bffffffffffffffff", "-18446744073709551616"),
        ("f93c00", "1.0"),
        ("f90400", "6.103515625e-5"),
        ("fa47c35000", "100000.0"),
        ("fb3ff199999999999a", "1.1"),
        ("f97c00", r#"{"$float":"Infinity"}"#),
        ("f97e00", r#"{"$float":"NaN"}"#),
        ("f4", "false"),
        ("f6", "null"),
        ("f7", r#"{"$simple":23}"#),
        ("c11a514b67b0", r#"{"$tag":1,"value":1363896240}"#),
        ("4401020304", r#"{"$hex":"01020304"}"#),
        ("62225c", r#""\"\\""#),
        ("64f0908591", "\"\u{10151}\""),
        ("8301820203820405", "[1,[2,3],[4,5]]"),
        ("a201020304", r#"{"1":2,"3":4}"#),
        ("a26161016162820203", r#"{"a":1,"b":[2,3]}"#),
        ("5f42010243030405ff", r#"{"$hex":"0102030405"}"#),
        ("7f657374726561646d696e67ff", r#""streaming""#),
        ("9f018202039f0405ffff", "[1,[2,3],[4,5]]"),
        ("bf6346756ef563416d7421ff", r#"{"Fun":true,"Amt":-2}"#),
        ("d9d9f7 a161 6b 15", r#"{"k":21}"#),
    ] {
        assert_eq!(json(Packing::Cbor, hex).unwrap(), expected, "{hex}");
    }
}

#[test]
fn message_pack_has_every_marker() {
    for (hex, expected) in [
        ("7f", "127"),
        ("e0", "-32"),
        ("cc ff", "255"),
        ("cf ffffffffffffffff", "18446744073709551615"),
        ("d0 80", "-128"),
        ("d3 8000000000000000", "-9223372036854775808"),
        ("ca 41ac0000", "21.5"),
        ("ca 41aa6666", "21.3"),
        ("cb 4035800000000000", "21.5"),
        ("cb 7ff0000000000000", r#"{"$float":"Infinity"}"#),
        ("c0", "null"),
        ("93 c2 c3 a1 78", r#"[false,true,"x"]"#),
        ("81 a1 74 cb 4035800000000000", r#"{"t":21.5}"#),
        ("81 01 02", r#"{"1":2}"#),
        ("c4 02 0a0b", r#"{"$hex":"0a0b"}"#),
        ("d6 ff 5a4af6a5", r#"{"$ext":-1,"hex":"5a4af6a5"}"#),
        ("c7 01 05 aa", r#"{"$ext":5,"hex":"aa"}"#),
        ("dc 0001 90", "[[]]"),
        ("de 0001 d9 01 61 80", r#"{"a":{}}"#),
    ] {
        assert_eq!(json(Packing::MessagePack, hex).unwrap(), expected, "{hex}");
    }
}

#[test]
fn protobuf_is_read_without_a_schema() {
    for (hex, expected) in [
        ("08 96 01", r#"{"1":150}"#),
        ("12 07 74 65 73 74 69 6e 67", r#"{"2":"testing"}"#),
        ("1a 03 08 96 01", r#"{"3":{"1":150}}"#),
        ("08 01 08 02 10 03", r#"{"1":[1,2],"2":3}"#),
        ("0d 00 00 ac 41", r#"{"1":{"$fixed32":1101791232,"float":21.5}}"#),
        (
            "09 00 00 00 00 00 80 35 40",
            r#"{"1":{"$fixed64":4626744929681408000,"float":21.5}}"#,
        ),
        ("0a 02 ff ff", r#"{"1":{"$hex":"ffff"}}"#),
        ("0b 10 01 0c", r#"{"1":{"2":1}}"#),
    ] {
        assert_eq!(json(Packing::Protobuf, hex).unwrap(), expected, "{hex}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    use Fault::{Invalid, NotUtf8, TrailingBytes, Truncated};
    for (packing, hex, fault) in [
        (Packing::Cbor, "", Truncated),
        (Packing::Cbor, "61", Truncated),
        (Packing::Cbor, "61ff", NotUtf8),
        (Packing::Cbor, "0000", TrailingBytes),
        (Packing::Cbor, "ff", Invalid),
        (Packing::Cbor, "5f6161ff", Invalid),
        (Packing::MessagePack, "c1", Invalid),
        (Packing::MessagePack, "a2 61", Truncated),
        (Packing::MessagePack, "a1 ff", NotUtf8),
        (Packing::MessagePack, "01 02", TrailingBytes),
        (Packing::Protobuf, "", Truncated),
        (Packing::Protobuf, "00 01", Invalid),
        (Packing::Protobuf, "08", Truncated),
        (Packing::Protobuf, "08 ffffffffffffffffff7f", Invalid),
        (Packing::Protobuf, "0b 10 01", Truncated),
        (Packing::Compressed, "1f8b08", Truncated),
        (Packing::Compressed, "789c", Truncated),
        (Packing::Compressed, "ffff", Invalid),
    ] {
        assert_eq!(json(packing, hex).unwrap_err().fault, fault, "{packing:?} {hex}");
    }
    let error = json(Packing::MessagePack, "93 01 02").unwrap_err();
    assert_eq!(error.to_string(), "it ends in the middle of a value, at byte 3");
}

#[test]
fn texts_and_numbers_are_never_taken_for_something_else() {
    for text in [
        "",
        "0",
        "1",
        "21.5",
        "ON",
        "OFF",
        "online",
        "{\"a\":1}",
        "[1,2]",
        "hello world",
        "a",
        "é",
        "아이 방",
        "x\ty\n",
        "\u{1b}[0m",
        "~",
        "`abc",
        "öffnen",
        "e6 b8 a9",
    ] {
        for media_type in [None, Some("text/plain")] {
            assert_eq!(recognize(text.as_bytes(), media_type), None, "{text}");
        }
    }
}

#[test]
fn a_packing_is_recognized_by_its_bytes_or_its_name() {
    let zlib = bytes("78 9c 4b 4c 04 00 01 25 00 c3");
    for (payload, media_type, packing) in [
        (bytes("a2 61 74 f9 4d60 61 75 62 c2b0"), None, Some(Packing::Cbor)),
        (
            bytes("82 a1 74 cb 4035800000000000 a1 68 28"),
            None,
            Some(Packing::MessagePack),
        ),
        (bytes("d9d9f7 01"), None, Some(Packing::Cbor)),
        (bytes("01"), Some("application/cbor"), Some(Packing::Cbor)),
        (bytes("08 96 01"), None, None),
        (
            bytes("08 96 01"),
            Some("application/x-protobuf; v=1"),
            Some(Packing::Protobuf),
        ),
        (bytes("93 01 02 03"), None, None),
        (bytes("81 01 02"), None, None),
        (bytes("00 01 02"), Some("application/cbor"), None),
        (b"21.5".to_vec(), Some("application/msgpack"), None),
        (zlib, None, Some(Packing::Compressed)),
        (b"x\x9cabc".to_vec(), None, None),
    ] {
        assert_eq!(
            recognize(&payload, media_type),
            packing,
            "{payload:02x?} {media_type:?}"
        );
    }
}
