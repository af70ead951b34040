//! Waits for the first packet of a browser, which must be CONNECT [MQTT5-3.1.0-1].

/// How far the first packet has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectGate {
    /// Nothing of it yet.
    First,
    /// Within the Remaining Length: its value so far, and the weight of the next byte.
    Length { value: u32, shift: u32 },
    /// That many bytes of it are missing.
    Body { missing: u32 },
    /// It has arrived whole.
    Open,
}

/// The first bytes are not those of a CONNECT.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotConnect;

impl ConnectGate {
    /// The type CONNECT (1) with its flags, which must be 0 [MQTT5-2.1.3-1].
    const CONNECT: u8 = 0x10;

    /// Follows the stream; the bytes themselves go to the broker as they are.
    pub(crate) fn advance(self, bytes: &[u8]) -> Result<Self, NotConnect> {
        let mut gate = self;
        let mut rest = bytes;
        while let Some((byte, tail)) = rest.split_first() {
            gate = match gate {
                Self::Open => return Ok(gate),
                Self::First if *byte == Self::CONNECT => Self::Length { value: 0, shift: 0 },
                Self::First => return Err(NotConnect),
                Self::Length { value, shift } => {
                    let value = value | (u32::from(byte & 0x7F) << shift);
                    match (byte & 0x80, shift) {
                        (0, _) if value == 0 => return Err(NotConnect),
                        (0, _) => Self::Body { missing: value },
                        (_, 21..) => return Err(NotConnect),
                        _ => Self::Length {
                            value,
                            shift: shift + 7,
                        },
                    }
                }
                Self::Body { missing } => {
                    let have = u32::try_from(rest.len()).unwrap_or(u32::MAX);
                    return Ok(if have >= missing {
                        Self::Open
                    } else {
                        Self::Body {
                            missing: missing - have,
                        }
                    });
                }
            };
            rest = tail;
        }
        Ok(gate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connect_opens_the_gate_however_it_is_cut() {
        let connect = [&[0x10, 0x82, 0x01][..], &[7; 130], &[0xC0, 0]].concat();
        for cut in 0..connect.len() {
            let (head, tail) = connect.split_at(cut);
            let gate = ConnectGate::First.advance(head).unwrap();
            assert_eq!(gate == ConnectGate::Open, cut >= 133, "cut at {cut}");
            assert_eq!(gate.advance(tail), Ok(ConnectGate::Open), "cut at {cut}");
        }
    }

    #[test]
    fn anything_else_is_refused_at_once() {
        for bytes in [
            &b"GET / HTTP"[..],
            &[0x30, 2],
            &[0x11, 2],
            &[0x10, 0],
            &[0x10, 0xFF, 0xFF, 0xFF, 0xFF, 1],
        ] {
            assert_eq!(ConnectGate::First.advance(bytes), Err(NotConnect), "{bytes:02x?}");
        }
    }
}
