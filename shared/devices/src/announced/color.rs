//! Colours as devices spell them, and as a page does: `#rrggbb`.

use super::json::{Json, JsonLimits};
use hearth_model::decimal;
use hearth_model::json::parse_number;

/// How a device spells a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColorForm {
    /// `255,0,127`, or `{"r":…,"g":…,"b":…}`
    Rgb,
    /// The same with white, which a colour leaves dark: `255,0,127,0`
    Rgbw,
    /// With cold and warm white: `255,0,127,0,0`
    Rgbww,
    /// Hue in degrees and saturation in %: `330,100`, or `{"h":…,"s":…}`
    HueSaturation,
    /// The CIE 1931 colour space: `0.5,0.3`, or `{"x":…,"y":…}`
    Xy,
    /// Hue in degrees, saturation and value in %: `330,100,100`, or `{"h":…,"s":…,"v":…}`
    Hsv,
    /// `FF007F`, or `{"hex":"#FF007F"}`
    Hex,
}

type Rgb = [f64; 3];

impl ColorForm {
    /// A colour in the device's spelling as `#rrggbb`.
    #[must_use]
    pub fn read(self, spelled: &str) -> Option<String> {
        // Also as a list of JSON: `[255,0,127]`
        let spelled = spelled.trim().trim_matches(['[', ']']);
        // `hsv,330,100,100` says its form itself.
        if let Some((form, numbers)) = spelled.split_once(',') {
            match form {
                "rgb" => return Self::Rgb.read(numbers),
                "hsv" => return Self::Hsv.read(numbers),
                "xyz" => return Self::Xy.read(numbers),
                _ => {}
            }
        }
        if spelled.starts_with('{') {
            let json = Json::parse(spelled.as_bytes(), JsonLimits::STATE).ok()?;
            return Some(hex(read_members(&json)?));
        }
        if self == Self::Hex {
            return parse_hex(spelled).map(hex);
        }
        let numbers = spelled.split(',').map(|part| parse_number(part.as_bytes()));
        let numbers: Vec<f64> = numbers.collect::<Option<_>>()?;
        Some(hex(match (self, &numbers[..]) {
            (Self::Rgb | Self::Rgbw | Self::Rgbww, [r, g, b, ..]) => [*r, *g, *b],
            (Self::HueSaturation, [h, s]) => from_hsv(*h, *s, 100.0),
            (Self::Hsv, [h, s, v]) => from_hsv(*h, *s, *v),
            (Self::Xy, [x, y]) => from_xy(*x, *y),
            _ => return None,
        }))
    }

    /// `#rrggbb` in the device's spelling, bare or as JSON.
    #[must_use]
    pub fn write(self, color: &str, as_json: bool) -> Option<String> {
        let rgb = parse_hex(color)?;
        let (h, s, v) = to_hsv(rgb);
        let [r, g, b] = rgb;
        let (names, numbers): (&[&str], Vec<f64>) = match self {
            Self::Rgb => (&["r", "g", "b"], rgb.to_vec()),
            Self::Rgbw => (&["r", "g", "b", "w"], vec![r, g, b, 0.0]),
            Self::Rgbww => (&["r", "g", "b", "c", "w"], vec![r, g, b, 0.0, 0.0]),
            Self::HueSaturation => (&["h", "s"], vec![h, s]),
            Self::Hsv => (&["h", "s", "v"], vec![h, s, v]),
            Self::Xy => {
                let (x, y) = to_xy(rgb);
                (&["x", "y"], vec![x, y])
            }
            Self::Hex if as_json => return Some(format!("{{\"hex\":\"{}\"}}", hex(rgb))),
            Self::Hex => return Some(hex(rgb).trim_start_matches('#').to_ascii_uppercase()),
        };
        let mut out = String::new();
        for (name, number) in names.iter().zip(numbers) {
            if !out.is_empty() {
                out.push(',');
            }
            if as_json {
                out.push('"');
                out.push_str(name);
                out.push_str("\":");
            }
            out.push_str(&decimal::shortest(number));
        }
        Some(if as_json { format!("{{{out}}}") } else { out })
    }
}

/// The parts of `#rrggbb` by the names that templates use.
pub(crate) fn channels(color: &str) -> Option<[(&'static str, f64); 10]> {
    let rgb = parse_hex(color)?;
    let (hue, saturation, _) = to_hsv(rgb);
    let (x, y) = to_xy(rgb);
    let [r, g, b] = rgb;
    Some([
        ("red", r),
        ("green", g),
        ("blue", b),
        ("hue", hue),
        ("sat", saturation),
        ("x", x),
        ("y", y),
        // A colour leaves them dark.
        ("white", 0.0),
        ("cold_white", 0.0),
        ("warm_white", 0.0),
    ])
}

fn read_members(json: &Json) -> Option<Rgb> {
    let number = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| json.get(name))
            .and_then(Json::number)
    };
    if let (Some(r), Some(g), Some(b)) = (
        number(&["r", "red"]),
        number(&["g", "green"]),
        number(&["b", "blue"]),
    ) {
        return Some([r, g, b]);
    }
    if let (Some(h), Some(s)) = (number(&["h", "hue"]), number(&["s", "saturation"])) {
        return Some(from_hsv(h, s, number(&["v"]).unwrap_or(100.0)));
    }
    if let (Some(x), Some(y)) = (number(&["x"]), number(&["y"])) {
        return Some(from_xy(x, y));
    }
    json.get("hex").and_then(Json::text).and_then(parse_hex)
}

fn parse_hex(text: &str) -> Option<Rgb> {
    let digits = text.trim_start_matches('#');
    let channel = |at: usize| {
        let pair = digits.get(at..at + 2)?;
        u8::from_str_radix(pair, 16).ok().map(f64::from)
    };
    Some([channel(0)?, channel(2)?, channel(4)?])
}

fn hex(rgb: Rgb) -> String {
    let [r, g, b] = rgb.map(|channel| channel.round().clamp(0.0, 255.0) as u8);
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn from_hsv(hue: f64, saturation: f64, value: f64) -> Rgb {
    let (saturation, value) = (
        (saturation / 100.0).clamp(0.0, 1.0),
        (value / 100.0).clamp(0.0, 1.0),
    );
    [5.0, 3.0, 1.0].map(|offset| {
        let k = (offset + hue.rem_euclid(360.0) / 60.0) % 6.0;
        255.0 * (value - value * saturation * k.min(4.0 - k).clamp(0.0, 1.0))
    })
}

/// Hue in degrees, saturation and value in %, to a hundredth.
fn to_hsv(rgb: Rgb) -> (f64, f64, f64) {
    let [r, g, b] = rgb.map(|channel| channel / 255.0);
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let span = most - least;
    let hue = if span == 0.0 {
        0.0
    } else if most == r {
        60.0 * ((g - b) / span).rem_euclid(6.0)
    } else if most == g {
        60.0 * ((b - r) / span + 2.0)
    } else {
        60.0 * ((r - g) / span + 4.0)
    };
    let saturation = if most == 0.0 { 0.0 } else { 100.0 * span / most };
    (
        round(hue, 100.0),
        round(saturation, 100.0),
        round(100.0 * most, 100.0),
    )
}

/// sRGB at full brightness to CIE 1931 xy (the D65 matrix of IEC 61966-2-1).
fn to_xy(rgb: Rgb) -> (f64, f64) {
    let [r, g, b] = rgb.map(|channel| {
        let channel = channel / 255.0;
        if channel <= 0.04045 {
            channel / 12.92
        } else {
            ((channel + 0.055) / 1.055).powf(2.4)
        }
    });
    let x = 0.4124 * r + 0.3576 * g + 0.1805 * b;
    let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    let z = 0.0193 * r + 0.1192 * g + 0.9505 * b;
    let sum = x + y + z;
    if sum == 0.0 {
        // Black has no colour: white stands for it.
        return (0.3127, 0.329);
    }
    (round(x / sum, 10_000.0), round(y / sum, 10_000.0))
}

fn from_xy(x: f64, y: f64) -> Rgb {
    let y = y.max(1e-4);
    let (big_x, big_z) = (x / y, (1.0 - x - y) / y);
    let linear = [
        3.2406 * big_x - 1.5372 - 0.4986 * big_z,
        -0.9689 * big_x + 1.8758 + 0.0415 * big_z,
        0.0557 * big_x - 0.2040 + 1.0570 * big_z,
    ];
    let most = linear.iter().copied().fold(1e-6, f64::max);
    linear.map(|channel| {
        let channel = (channel / most).clamp(0.0, 1.0);
        255.0
            * if channel <= 0.003_130_8 {
                12.92 * channel
            } else {
                1.055 * channel.powf(1.0 / 2.4) - 0.055
            }
    })
}

fn round(number: f64, steps: f64) -> f64 {
    (number * steps).round() / steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_in_every_spelling() {
        for (form, spelled, color) in [
            (ColorForm::Rgb, "255, 0,127", "#ff007f"),
            (ColorForm::Rgb, r#"{"r":1,"g":2,"b":3}"#, "#010203"),
            (ColorForm::Rgb, r#"{"h":120,"s":100}"#, "#00ff00"),
            (ColorForm::HueSaturation, "240,100", "#0000ff"),
            (ColorForm::Hsv, "0,0,50", "#808080"),
            (ColorForm::Hex, "FF8000", "#ff8000"),
            (ColorForm::Xy, r#"{"x":0.3127,"y":0.329,"hue":0}"#, "#ffffff"),
        ] {
            assert_eq!(form.read(spelled).as_deref(), Some(color), "{spelled}");
        }
        for broken in ["", "red", "1,2", "nan,1,2", "{}", "{"] {
            assert_eq!(ColorForm::Rgb.read(broken), None, "{broken}");
        }
        assert_eq!(ColorForm::Hex.read("ä€"), None);
    }

    #[test]
    fn colours_are_written_in_every_spelling() {
        for (form, as_json, spelled) in [
            (ColorForm::Rgb, false, "255,128,0"),
            (ColorForm::Rgb, true, r#"{"r":255,"g":128,"b":0}"#),
            (ColorForm::HueSaturation, false, "30.12,100"),
            (ColorForm::Hsv, true, r#"{"h":30.12,"s":100,"v":100}"#),
            (ColorForm::Hex, false, "FF8000"),
            (ColorForm::Hex, true, r##"{"hex":"#ff8000"}"##),
        ] {
            assert_eq!(form.write("#ff8000", as_json).as_deref(), Some(spelled));
        }
        let xy = ColorForm::Xy.write("#ff0000", false).unwrap();
        assert_eq!(xy, "0.6401,0.33");
        assert_eq!(ColorForm::Xy.read(&xy).as_deref(), Some("#ff0000"));
    }
}
