//! The cases, in the families and with the numbers of the Autobahn test suite where it has the same.

use super::peer::frame;

const BINARY: u8 = 0x82;
const FIRST: u8 = 0x02;
const MIDDLE: u8 = 0x00;
const LAST: u8 = 0x80;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

/// How a case must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Everything comes back; the close frame with 1000 that the case sends at its end is answered in kind.
    Fine,
    /// The close frame is part of the case, and is answered with its code.
    Closed(Option<u16>),
    /// The bridge closes with this code.
    Refused(u16),
}

#[derive(Clone)]
pub(super) struct Case {
    pub(super) id: String,
    pub(super) bytes: Vec<u8>,
    /// Bytes of each write; 0 is all at once.
    pub(super) chop: usize,
    /// What must come back, or the beginning of it where the bridge closes.
    pub(super) echo: Vec<u8>,
    pub(super) pings: Vec<Vec<u8>>,
    pub(super) end: End,
}

/// Frames, and what they mean.
#[derive(Clone, Default)]
struct Script {
    bytes: Vec<u8>,
    echo: Vec<u8>,
    pings: Vec<Vec<u8>>,
}

impl Script {
    fn data(mut self, first: u8, payload: &[u8]) -> Self {
        self.bytes.extend(frame(first, payload));
        self.echo.extend_from_slice(payload);
        self
    }

    fn ping(mut self, payload: &[u8]) -> Self {
        self.bytes.extend(frame(PING, payload));
        self.pings.push(payload.to_vec());
        self
    }

    /// Means nothing to a broker.
    fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn case(self, id: impl Into<String>, end: End) -> Case {
        Case {
            id: id.into(),
            bytes: self.bytes,
            chop: 0,
            echo: self.echo,
            pings: self.pings,
            end,
        }
    }
}

fn script() -> Script {
    Script::default()
}

fn filled(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 7 % 251) as u8).collect()
}

/// Every case, and each that is small a second time byte by byte.
pub(super) fn all() -> Vec<Case> {
    let families = [
        framing(),
        pings(),
        reserved_bits(),
        opcodes(),
        fragments(),
        text(),
        closing(),
        masks(),
        sizes(),
    ];
    let mut cases = Vec::new();
    for case in families.into_iter().flatten() {
        if case.bytes.len() < 600 {
            cases.push(Case {
                id: format!("{} (byte by byte)", case.id),
                chop: 1,
                ..case.clone()
            });
        }
        cases.push(case);
    }
    cases
}

fn framing() -> Vec<Case> {
    let lens = [0, 1, 125, 126, 127, 128, 65_535, 65_536];
    let mut cases: Vec<Case> = lens
        .iter()
        .enumerate()
        .map(|(n, len)| {
            script()
                .data(BINARY, &filled(*len))
                .case(format!("1.2.{}", n + 1), End::Fine)
        })
        .collect();
    let mut chopped = script().data(BINARY, &filled(65_536)).case("1.2.9", End::Fine);
    chopped.chop = 997;
    cases.push(chopped);
    cases
}

fn pings() -> Vec<Case> {
    let ten = (0..10_u8).fold(script(), |script, n| script.ping(&[b'p', n]));
    let mut cases = vec![
        script().ping(b"").case("2.1", End::Fine),
        script().ping(b"Hello, world!").case("2.2", End::Fine),
        script()
            .ping(&[0, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0, 0xFF])
            .case("2.3", End::Fine),
        script().ping(&[0xFE; 125]).case("2.4", End::Fine),
        script()
            .raw(&frame(PING, &[0xFE; 126]))
            .case("2.5", End::Refused(1002)),
        script().raw(&frame(PONG, b"")).case("2.7", End::Fine),
        script().raw(&frame(PONG, b"unsolicited")).case("2.8", End::Fine),
        script()
            .raw(&frame(PONG, b"unsolicited"))
            .ping(b"after it")
            .case("2.9", End::Fine),
        ten.case("2.10", End::Fine),
        script()
            .raw(&frame(PONG, &[1; 126]))
            .case("2.12", End::Refused(1002)),
    ];
    let mut chopped = script().ping(&[0xFE; 125]).case("2.6", End::Fine);
    chopped.chop = 3;
    cases.push(chopped);
    cases
}

fn reserved_bits() -> Vec<Case> {
    let mut cases = Vec::new();
    for bits in 1..=7_u8 {
        for (part, first) in [BINARY, FIRST, PING, PONG, CLOSE].into_iter().enumerate() {
            let bad = frame(first | bits << 4, b"bits");
            cases.push(
                script()
                    .raw(&bad)
                    .case(format!("3.{bits}.{part}"), End::Refused(1002)),
            );
            let later = script()
                .data(BINARY, b"before")
                .ping(b"here")
                .raw(&bad)
                .data(BINARY, b"");
            cases.push(later.case(format!("3.{bits}.{part} after others"), End::Refused(1002)));
        }
    }
    cases
}

fn opcodes() -> Vec<Case> {
    let mut cases = Vec::new();
    for (family, codes) in [("4.1", 3..=7_u8), ("4.2", 11..=15)] {
        for code in codes {
            for (part, payload) in [&b""[..], b"payload"].into_iter().enumerate() {
                let bad = frame(0x80 | code, payload);
                let id = format!("{family}.{code}.{part}");
                cases.push(script().raw(&bad).case(&*id, End::Refused(1002)));
                let later = script().data(BINARY, b"before").raw(&bad);
                cases.push(later.case(format!("{id} after others"), End::Refused(1002)));
            }
        }
    }
    cases
}

fn fragments() -> Vec<Case> {
    let two = || script().data(FIRST, b"fragment1").data(LAST, b"fragment2");
    let interleaved = (0..5_u8).fold(script().data(FIRST, b"start"), |script, n| {
        script.data(MIDDLE, &[n; 9]).ping(&[b'p', n])
    });
    vec![
        script()
            .raw(&frame(0x09, b"fragment1"))
            .case("5.1", End::Refused(1002)),
        script()
            .raw(&frame(0x0A, b"fragment1"))
            .case("5.2", End::Refused(1002)),
        two().case("5.3", End::Fine),
        script()
            .data(FIRST, b"fragment1")
            .ping(b"between")
            .data(LAST, b"fragment2")
            .case("5.6", End::Fine),
        script()
            .raw(&frame(LAST, b"no start"))
            .case("5.9", End::Refused(1002)),
        script()
            .data(BINARY, b"whole")
            .raw(&frame(LAST, b"no start"))
            .case("5.10", End::Refused(1002)),
        script()
            .raw(&frame(MIDDLE, b"no start"))
            .case("5.12", End::Refused(1002)),
        script()
            .data(BINARY, b"whole")
            .raw(&frame(MIDDLE, b"no start"))
            .case("5.13", End::Refused(1002)),
        two()
            .raw(&frame(MIDDLE, b"fragment3"))
            .case("5.15", End::Refused(1002)),
        two()
            .raw(&frame(LAST, b""))
            .data(BINARY, b"x")
            .case("5.16", End::Refused(1002)),
        script()
            .data(FIRST, b"one")
            .raw(&frame(BINARY, b"two"))
            .case("5.18", End::Refused(1002)),
        script()
            .data(FIRST, b"one")
            .raw(&frame(FIRST, b"two"))
            .case("5.18.2", End::Refused(1002)),
        interleaved.clone().data(LAST, b"end").case("5.19", End::Fine),
        interleaved.ping(b"last").data(LAST, b"").case("5.20", End::Fine),
        script()
            .data(FIRST, b"")
            .data(MIDDLE, b"")
            .data(LAST, b"")
            .data(BINARY, b"next")
            .case("5.21", End::Fine),
        script()
            .raw(&frame(0x08, &1000_u16.to_be_bytes()))
            .case("5.22", End::Refused(1002)),
    ]
}

/// MQTT has no text frames [MQTT-6.0.0-1]: whatever is in them, they are refused.
fn text() -> Vec<Case> {
    let contents: [&[u8]; 5] = [
        b"",
        b"plain",
        "κόσμε".as_bytes(),
        &[0xCE, 0xBA, 0xE1],
        &[0xFF; 200],
    ];
    let mut cases = Vec::new();
    for (n, content) in contents.into_iter().enumerate() {
        for (part, first) in [0x81, 0x01].into_iter().enumerate() {
            let case = script().data(BINARY, b"before").raw(&frame(first, content));
            cases.push(case.case(format!("6.{}.{part}", n + 1), End::Refused(1003)));
        }
    }
    cases
}

fn closing() -> Vec<Case> {
    let close = |payload: &[u8]| frame(CLOSE, payload);
    let with_code = |code: u16, reason: &[u8]| close(&[&code.to_be_bytes()[..], reason].concat());
    let normal = with_code(1000, b"");
    let done = End::Closed(Some(1000));
    let mut cases = vec![
        script().data(BINARY, b"Hello").raw(&normal).case("7.1.1", done),
        script().raw(&normal).raw(&normal).case("7.1.2", done),
        script()
            .raw(&normal)
            .raw(&frame(PING, b"late"))
            .case("7.1.3", done),
        script()
            .raw(&normal)
            .raw(&frame(BINARY, b"late"))
            .case("7.1.4", done),
        script()
            .data(FIRST, b"fragment1")
            .raw(&normal)
            .raw(&frame(LAST, b"late"))
            .case("7.1.5", done),
        script().raw(&close(b"")).case("7.3.1", End::Closed(None)),
        script().raw(&close(b"a")).case("7.3.2", End::Refused(1002)),
        script().raw(&with_code(1000, b"")).case("7.3.3", done),
        script()
            .raw(&with_code(1000, b"Hello World!"))
            .case("7.3.4", done),
        script().raw(&with_code(1000, &[b'*'; 123])).case("7.3.5", done),
        script()
            .raw(&with_code(1000, &[b'*'; 124]))
            .case("7.3.6", End::Refused(1002)),
    ];
    let reasons: [&[u8]; 6] = [
        &[0xCE, 0xBA, 0xE1, 0xBD, 0xB9, 0xCF, 0x83, 0xED, 0xA0, 0x80],
        &[0xFF],
        &[0xC0, 0x80],
        &[0xF4, 0x90, 0x80, 0x80],
        &[0xE2, 0x82],
        &[b'o', b'k', 0x80],
    ];
    for (n, reason) in reasons.into_iter().enumerate() {
        let case = script().raw(&with_code(1000, reason));
        cases.push(case.case(format!("7.5.{}", n + 1), End::Refused(1007)));
    }
    for code in (1000..=1003).chain(1007..=1014).chain([3000, 3999, 4000, 4999]) {
        let case = script().raw(&with_code(code, b"reason"));
        cases.push(case.case(format!("7.7.{code}"), End::Closed(Some(code))));
    }
    for code in [
        0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
    ] {
        let case = script().raw(&with_code(code, b"reason"));
        cases.push(case.case(format!("7.9.{code}"), End::Refused(1002)));
    }
    cases
}

/// Frames without a mask, and lengths that are written longer than needed.
fn masks() -> Vec<Case> {
    let refused = |id: &str, bytes: &[u8]| {
        script()
            .data(BINARY, b"before")
            .raw(bytes)
            .case(id, End::Refused(1002))
    };
    vec![
        refused("8.1", &[0x82, 3, 1, 2, 3]),
        refused("8.2", &[0x89, 0]),
        refused("8.3", &[0x88, 2, 3, 0xE8]),
        refused("8.4", &[0x82, 126, 0, 200]),
        refused("8.5", &[0x82, 0x80 | 126, 0, 125, 0, 0, 0, 0]),
        refused(
            "8.6",
            &[0x82, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0],
        ),
        script()
            .raw(&[0x82, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
            .case("8.7", End::Refused(1009)),
    ]
}

fn sizes() -> Vec<Case> {
    const MIB: usize = 1024 * 1024;
    let mut cases = Vec::new();
    for (n, len) in [MIB / 16, MIB / 4, MIB, 2 * MIB, super::MAX_MESSAGE_BYTES]
        .into_iter()
        .enumerate()
    {
        cases.push(
            script()
                .data(BINARY, &filled(len))
                .case(format!("9.2.{}", n + 1), End::Fine),
        );
    }
    let content = filled(2 * MIB);
    for (n, size) in [1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576]
        .into_iter()
        .enumerate()
    {
        let parts = content.chunks(size);
        let last = parts.len() - 1;
        let whole = parts.enumerate().fold(script(), |script, (part, bytes)| {
            let first = if part == 0 { FIRST } else { MIDDLE } | if part == last { LAST } else { 0 };
            script.data(first, bytes)
        });
        cases.push(whole.case(format!("9.4.{}", n + 1), End::Fine));
    }
    for (n, chop) in [64, 128, 256, 512, 1_024, 2_048].into_iter().enumerate() {
        let mut case = script()
            .data(BINARY, &filled(MIB))
            .case(format!("9.6.{}", n + 1), End::Fine);
        case.chop = chop;
        cases.push(case);
    }
    for (n, len) in [0, 16, 64, 256, 1_024, 4_096].into_iter().enumerate() {
        let thousand = (0..1_000).fold(script(), |script, _| script.data(BINARY, &filled(len)));
        cases.push(thousand.case(format!("9.8.{}", n + 1), End::Fine));
    }
    let too_big = script().raw(&frame(BINARY, &filled(super::MAX_MESSAGE_BYTES + 1)));
    cases.push(too_big.case("9.9.1", End::Refused(1009)));
    let half = filled(super::MAX_MESSAGE_BYTES / 2 + 1);
    let in_two = script().data(FIRST, &half).raw(&frame(LAST, &half));
    cases.push(in_two.case("9.9.2", End::Refused(1009)));
    let bomb = (0..super::MAX_MESSAGE_FRAMES).fold(script().raw(&frame(FIRST, b"")), |script, _| {
        script.raw(&frame(MIDDLE, b""))
    });
    cases.push(bomb.case("9.9.3", End::Refused(1009)));
    cases
}

/// Frames made by chance: `random` gives numbers below its argument.
pub(super) fn by_chance(id: u64, random: &mut impl FnMut(usize) -> usize) -> Case {
    let mut made = script();
    let mut inside = false;
    for _ in 0..=random(30) {
        let payload = filled([0, 1, 20, 125, 126, 300, 70_000][random(7)] + random(5));
        made = match (random(5), inside) {
            (0, _) => made.ping(payload.get(..random(126)).unwrap_or_default()),
            (1, _) => made.raw(&frame(PONG, payload.get(..random(126)).unwrap_or_default())),
            (2, false) => made.data(BINARY, &payload),
            (_, false) => {
                inside = true;
                made.data(FIRST, &payload)
            }
            (3, true) => {
                inside = false;
                made.data(LAST, &payload)
            }
            (_, true) => made.data(MIDDLE, &payload),
        };
    }
    // Half of them break a rule at the end.
    let broken: [&[u8]; 6] = [
        &frame(0xC2, b"x"),
        &frame(0x83, b"x"),
        &frame(0x09, b""),
        &[0x82, 1, 0],
        &frame(CLOSE, b"x"),
        &frame(if inside { BINARY } else { LAST }, b"x"),
    ];
    let case = match random(2) {
        0 => made.case(format!("chance {id}"), End::Fine),
        _ => made
            .raw(broken[random(6)])
            .case(format!("chance {id}, broken"), End::Refused(1002)),
    };
    Case {
        chop: [0, 0, 1 + random(7), 1 + random(3_000)][random(4)].max(case.bytes.len() / 5_000),
        ..case
    }
}
