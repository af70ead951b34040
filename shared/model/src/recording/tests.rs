use proptest::prelude::*;

use super::*;
use crate::json::{Json, JsonLimits};
use hearth_mqtt::{Properties, Property};

fn properties() -> Vec<u8> {
    let all = [
        Property::PayloadFormatIndicator(1),
        Property::MessageExpiryInterval(60),
        Property::ContentType("text/plain"),
        Property::ResponseTopic("r/t"),
        Property::CorrelationData(b"\xff\x00"),
        Property::UserProperty("k", "1"),
        Property::UserProperty("k", "=2"),
        Property::SubscriptionIdentifier(7),
        Property::SubscriptionIdentifier(300),
    ];
    Properties::of(&all).unwrap().as_bytes().to_vec()
}

fn written(record: &Record<'_>, form: Form) -> String {
    let mut records = Vec::new();
    record.write(&mut records);
    write(form, &records)
}

fn read_all(text: &[u8]) -> ReadPart {
    read(Pending {
        bytes: text,
        lines_before: 0,
        is_last: true,
    })
}

/// Topic, payload, time and whether retained of all that was read.
fn found(part: &ReadPart) -> Vec<(String, Vec<u8>, Option<u64>, bool)> {
    let mut rest = part.records.as_slice();
    let mut found = vec![];
    while let Some((record, tail)) = Record::read(rest) {
        found.push((
            record.topic.to_owned(),
            record.payload.to_vec(),
            record.at_ms,
            record.retain,
        ));
        rest = tail;
    }
    assert!(rest.is_empty());
    found
}

#[test]
fn times_are_written_in_utc_and_read_in_every_spelling() {
    for (ms, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (1_795_334_032_269, "2026-11-22T07:53:52.269Z"),
        (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ] {
        assert_eq!(iso_time(ms), text);
        assert_eq!(parse_time(text), Some(ms));
    }
    for same in [
        "2026-11-22T07:53:52.269735Z+0000",
        "2026-11-22T07:53:52,269",
        "2026-11-22 07:53:52:269",
        "2026-11-22T09:53:52.269+02:00",
        "2026-11-22T02:53:52.269-0500",
        "1795334032.269991454",
    ] {
        assert_eq!(parse_time(same), Some(1_795_334_032_269), "{same}");
    }
    assert_eq!(parse_time("2026-11-22T07:53:52+0000"), Some(1_795_334_032_000));
    for wrong in [
        "",
        "yesterday",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-11-22",
        "2026-11-22T24:00:00Z",
        "2026-11-22T07:53:52.Z",
        "2026-11-22T07:53:52+",
        "12345678",
        "99999999999999999999",
        "2026-11-22T07:53:52Zulu",
    ] {
        assert_eq!(parse_time(wrong), None, "{wrong}");
    }
}

#[test]
fn base64_is_as_the_standard_says_and_nothing_else_is_read() {
    for (plain, coded) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
    ] {
        assert_eq!(base64(plain.as_bytes(), None), coded);
        assert_eq!(from_base64(coded), Some(plain.as_bytes().to_vec()));
    }
    let long = base64(&[0; 100], Some(76));
    assert_eq!(long.lines().map(str::len).collect::<Vec<_>>(), [76, 60]);
    for wrong in ["Z", "Zh==", "Zm9", "Zm 9v", "Zg==Zg==", "Zm9v\n"] {
        assert_eq!(from_base64(wrong), None, "{wrong}");
    }
}

#[test]
fn a_line_of_json_names_all_there_is() {
    let properties = properties();
    let record = Record {
        at_ms: Some(1_795_334_032_269),
        number: 17,
        qos: 1,
        retain: true,
        properties: &properties,
        ..Record::new("a/ü \"b\"", "21.5 °C\n".as_bytes())
    };
    assert_eq!(
        written(&record, Form::JsonLines),
        concat!(
            r#"{"time":"2026-11-22T07:53:52.269Z","received_ms":1795334032269,"topic":"a/ü \"b\"","number":17,"qos":1,"#,
            r#""retain":true,"dup":false,"payload":"21.5 °C\n","properties":{"payload-format-indicator":1,"#,
            r#""message-expiry-interval":60,"content-type":"text/plain","response-topic":"r/t","#,
            r#""correlation-data-base64":"/wA=","user-properties":[["k","1"],["k","=2"]],"subscription-identifiers":[7,300]}}"#,
            "\n"
        )
    );
    let cut = Record {
        payload_len: 9,
        ..Record::new("a", b"\xff")
    };
    let line = written(&cut, Form::JsonLines);
    assert!(
        Record::read(&read_all(line.as_bytes()).records)
            .unwrap()
            .0
            .is_cut()
    );
    assert_eq!(
        line,
        concat!(
            r#"{"topic":"a","number":0,"qos":0,"retain":false,"dup":false,"cut_from_bytes":9,"payload_base64":"/w=="}"#,
            "\n"
        )
    );
}

#[test]
fn what_a_spreadsheet_would_compute_gets_an_apostrophe_and_numbers_do_not() {
    let cell = |payload: &str| {
        let line = written(&Record::new("t", payload.as_bytes()), Form::Csv);
        let line = line.strip_suffix(",\r\n").unwrap().to_owned();
        line.split_once(",text,").unwrap().1.to_owned()
    };
    assert_eq!(cell("21.5"), "21.5");
    assert_eq!(cell("-5.25"), "-5.25");
    assert_eq!(cell("=1+1"), "\"'=1+1\"");
    assert_eq!(cell("+1"), "\"'+1\"");
    assert_eq!(cell("-cmd|' /C calc'!A0"), "\"'-cmd|' /C calc'!A0\"");
    assert_eq!(cell("@SUM(A1)"), "\"'@SUM(A1)\"");
    assert_eq!(cell("\t=1"), "\"'\t=1\"");
    assert_eq!(cell("\t0"), "\"'\t0\"");
    assert_eq!(cell("-1\t"), "\"'-1\t\"");
    assert_eq!(cell("＝1+1"), "\"'＝1+1\"");
    assert_eq!(cell("'quoted"), "\"''quoted\"");
    assert_eq!(cell(r#"{"a":1,"b":"x"}"#), r#""{""a"":1,""b"":""x""}""#);
    assert_eq!(cell("two\r\nlines"), "\"two\r\nlines\"");
    assert_eq!(cell("a;=1"), "\"a;=1\"");
    let bytes = written(&Record::new("=t", b"\x00\xff"), Form::Csv);
    assert_eq!(bytes, ",,\"'=t\",0,0,0,0,2,base64,AP8=,\r\n");
}

/// What a reader of RFC 4180 makes of a line.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (vec![], String::new(), false);
    let mut characters = line.strip_suffix("\r\n").unwrap().chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            other => cell.push(other),
        }
    }
    cells.push(cell);
    cells
}

fn a_record() -> impl Strategy<Value = (String, Vec<u8>, u64, u8, bool, bool, bool)> {
    let payload = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..60),
        "[=+@',;\"\\t\\r\\n{}a-z0-9°-]{0,40}".prop_map(String::into_bytes),
    ];
    let topic = "[=+@'a-zé/ ,\"-]{1,30}".prop_map(|topic| topic.replace(['+', '#'], "="));
    let at = 0_u64..253_402_300_799_999;
    (
        topic,
        payload,
        at,
        0_u8..3,
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
}

proptest! {
    #[test]
    fn what_is_written_as_json_lines_is_read_back_the_same(
        (topic, payload, at, qos, retain, dup, with) in a_record(), number in 1_u64..1_000_000,
    ) {
        let all = properties();
        let record = Record {
            at_ms: Some(at), number, qos, retain, dup,
            properties: if with { &all } else { &[] },
            ..Record::new(&topic, &payload)
        };
        let text = written(&record, Form::JsonLines);
        prop_assert_eq!(text.matches('\n').count(), 1);
        prop_assert!(Json::parse(text.trim_end().as_bytes(), JsonLimits::STATE).is_ok());
        let part = read_all(text.as_bytes());
        prop_assert_eq!(&part.faults, &vec![]);
        let back = Record::read(&part.records).unwrap().0;
        prop_assert_eq!(back, record);
    }

    #[test]
    fn the_original_can_be_had_back_from_csv((topic, payload, at, qos, retain, dup, with) in a_record()) {
        let all = properties();
        let record = Record {
            at_ms: Some(at), qos, retain, dup,
            properties: if with { &all } else { &[] },
            ..Record::new(&topic, &payload)
        };
        let line = written(&record, Form::Csv);
        let cells = cells(&line);
        prop_assert_eq!(cells.len(), head(Form::Csv).split(',').count());
        let plain = |at: usize| cells[at].strip_prefix('\'').unwrap_or(&cells[at]).to_owned();
        for cell in &cells {
            let first = cell.chars().next().unwrap_or('x');
            prop_assert!(!"=+@\t\r\n".contains(first), "{}", cell);
            prop_assert!(first != '-' || cell.parse::<f64>().is_ok(), "{}", cell);
        }
        prop_assert_eq!(&plain(2), &topic);
        let back = if cells[8] == "text" { plain(9).into_bytes() } else { from_base64(&plain(9)).unwrap() };
        prop_assert_eq!(&back, &payload);
        let part = read_all(format!("{}{line}{line}", head(Form::Csv)).as_bytes());
        prop_assert_eq!(&part.faults, &vec![]);
        let (first, rest) = Record::read(&part.records).unwrap();
        prop_assert_eq!(first, record);
        prop_assert_eq!(Record::read(rest).unwrap().0, record);
    }

    #[test]
    fn any_bytes_cut_anywhere_are_read_alike(
        lines in prop::collection::vec(prop_oneof![
            Just(b"{\"topic\":\"a\",\"payload\":1}\n".to_vec()), Just(b"a b c\n".to_vec()), Just(b"\r\n".to_vec()),
            Just(b"2026-11-22T07:53:52.269Z,1795334032269,a,1,0,0,0,3,text,\"x\ny\",\r\n".to_vec()),
            Just(b",,a,1,0,0,0,3,text,\"x\n".to_vec()),
            prop::collection::vec(any::<u8>(), 0..30),
        ], 0..20), cut in 0_usize..400,
    ) {
        let file: Vec<u8> = lines.concat();
        prop_assume!(!file.trim_ascii_start().starts_with(b"[") && !file.starts_with(b"\xef\xbb\xbf"));
        let whole = read_all(&file);
        let cut = cut.min(file.len());
        let first = read(Pending { bytes: &file[..cut], lines_before: 0, is_last: false });
        let second = read(Pending { bytes: &file[first.consumed..], lines_before: first.lines, is_last: true });
        prop_assert_eq!(first.lines + second.lines, whole.lines);
        prop_assert_eq!(first.faulty + second.faulty, whole.faulty);
        prop_assert_eq!([first.records.clone(), second.records].concat(), whole.records);
        prop_assert_eq!(ReadPart::from_bytes(&first.to_bytes()), Some(first));
    }
}

#[test]
fn a_row_of_csv_that_is_wrong_is_named_and_another_kind_of_file_gives_no_messages() {
    let file = concat!(
        ",,a,1,0,0,0,1,text,on,\n",
        ",,a,1,0,0,0,1,text,\n",
        ",,a,1,0,0,0,1,hex,00,\n",
        ",,a,1,7,0,0,1,text,on,\n",
        ",,a,1,0,0,0,1,text,\"two\nlines\",{\n",
        ",,a,1,0,0,0,1,text,\"no end,\n"
    );
    let part = read_all(file.as_bytes());
    let said: Vec<_> = part
        .faults
        .iter()
        .map(|fault| (fault.line, fault.reason.as_str()))
        .collect();
    assert_eq!(
        said[..3],
        [
            (2, "it has 10 cells, and a row has 11"),
            (3, "its encoding is neither text nor base64"),
            (4, "its qos is not 0, 1 or 2"),
        ]
    );
    assert_eq!((said[3].0, said[4].0, said.len()), (5, 7, 5), "{said:?}");
    assert_eq!((found(&part).len(), part.lines), (1, 7));
    let zip = read_all(b"PK\x03\x04 binary \x00\xff\nfoo\x01 bar\n");
    assert_eq!((found(&zip).len(), zip.faulty), (0, 2));
}

#[test]
fn lines_of_mosquitto_sub_are_read() {
    // mosquitto_sub 2.0.11, -F %J, %j, '%U %t %p', '%I %t %p' and -v.
    let file = concat!(
        r#"{"tst":"2026-11-22T07:53:52.269735Z+0000","topic":"a/b","qos":0,"retain":1,"payloadlen":7,"properties":{"user-properties":{"k":"v"},"content-type":"text/plain","correlation-data":"abc","response-topic":"r/t","payload-format-indicator":1,"message-expiry-interval":60},"payload":{"a":1}}"#,
        "\n",
        r#"{"tst":"2026-11-22T07:53:52.277712Z+0000","topic":"a/b c","qos":1,"retain":0,"payloadlen":10,"payload":"hällo \"q\""}"#,
        "\n",
        r#"{"tst":"2026-11-22T07:53:52.291895Z+0000","topic":"a/empty","qos":0,"retain":0,"payloadlen":0,"payload":null}"#,
        "\n1795334032.277666668 a/b 21.5 °C\n2026-11-22T07:53:52+0000 a/empty \na/b on\na/c (null)\n",
    );
    let part = read_all(file.as_bytes());
    assert_eq!((part.faulty, part.lines), (0, 7), "{:?}", part.faults);
    let at = 1_795_334_032_000;
    let one = |topic: &str, payload: &str, ms: Option<u64>, retain| {
        (
            topic.to_owned(),
            payload.as_bytes().to_vec(),
            ms.map(|ms| at + ms),
            retain,
        )
    };
    assert_eq!(
        found(&part),
        [
            one("a/b", r#"{"a":1}"#, Some(269), true),
            one("a/b c", "hällo \"q\"", Some(277), false),
            one("a/empty", "", Some(291), false),
            one("a/b", "21.5 °C", Some(277), false),
            one("a/empty", "", Some(0), false),
            one("a/b", "on", None, false),
            one("a/c", "", None, false),
        ]
    );
    let properties = Record::read(&part.records).unwrap().0.properties;
    assert_eq!(Properties::read(properties).count(), 6);
}

#[test]
fn an_export_of_mqttx_is_read_with_its_folders() {
    let file = r#"[{"name":"f","isCollection":true,"children":[{"name":"c","messages":[
        {"createAt":"2026-11-22 07:53:52:269","out":false,"topic":"a/b","payload":"1","qos":1,"retain":true,
         "properties":{"contentType":"t","userProperties":{"k":"v","l":["1","2"]}}},
        {"createAt":"2026-11-22 07:53:53:000","out":true,"topic":"a/set","payload":"1","qos":0,"retain":false},
        {"createAt":"never","out":false,"topic":"a/+","payload":"1","qos":0,"retain":false}]}]}]"#;
    let first = read(Pending {
        bytes: &file.as_bytes()[..40],
        lines_before: 0,
        is_last: false,
    });
    assert!(first.wants_whole && first.consumed == 0);
    let part = read_all(file.as_bytes());
    assert_eq!(
        found(&part),
        [("a/b".to_owned(), b"1".to_vec(), Some(1_795_334_032_269), true)]
    );
    assert_eq!((part.faulty, part.faults[0].line), (1, 2));
    let properties = Record::read(&part.records).unwrap().0.properties;
    assert_eq!(Properties::read(properties).count(), 4);
    assert_eq!(
        read_all(b"[1,2,{}]").faults[0].reason,
        "there are no received messages of MQTTX in it"
    );
    assert_eq!(read_all(b"[1,").faults[0].reason, "it is not JSON");
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let file = "{\"topic\":\"a\",\"payload\":\"1\"}\n{\"topic\":\"a\"\n\n{\"payload\":1}\n{\"topic\":\"a\"}\n{\"topic\":\"a/#\",\"payload\":1}\n{\"topic\":\"a\",\"payload\":1,\"qos\":3}\n{\"topic\":\"a\",\"payload\":1,\"time\":\"noon\"}\n{\"topic\":\"a\",\"payload_base64\":\"?\"}\nnothing\n}\n  \"a\": 1\na/# 1";
    let part = read_all(file.as_bytes());
    let said: Vec<_> = part
        .faults
        .iter()
        .map(|fault| (fault.line, fault.reason.as_str()))
        .collect();
    let topic = "its topic cannot be used: ";
    assert_eq!(said.len(), 11, "{said:?}");
    assert_eq!(said[0], (2, "the text ends in the middle, at byte 12"));
    assert_eq!(said[1], (4, "it has no topic"));
    assert_eq!(said[2], (5, "it has no payload"));
    assert!(said[3].0 == 6 && said[3].1.starts_with(topic), "{said:?}");
    assert_eq!(said[4], (7, "its qos is not 0, 1 or 2"));
    assert_eq!(said[5], (8, "its time cannot be read"));
    assert_eq!(said[6], (9, "its payload_base64 is not Base64"));
    assert_eq!(said[7].0, 10);
    assert_eq!(found(&part).len(), 1);
    let many = "x\n".repeat(1_000);
    let part = read_all(many.as_bytes());
    assert_eq!((part.faulty, part.faults.len()), (1_000, 20));
}
