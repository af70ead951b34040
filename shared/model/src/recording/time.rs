//! Times in files: ISO 8601 in UTC, and what other programs write.

/// The latest time that is read, ms since epoch: the end of the year 9999.
const LATEST_MS: u64 = 253_402_300_799_999;
const DAY_MS: u64 = 86_400_000;

/// Ms since epoch as `2026-11-22T07:53:52.269Z`.
#[must_use]
pub fn iso_time(ms: u64) -> String {
    let ms = ms.min(LATEST_MS);
    let (days, in_day) = (ms / DAY_MS, ms % DAY_MS);
    // Days since 1 March of the year 0; 400 years have 146,097 days.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let mut out = String::with_capacity(24);
    let parts = [
        (era * 400 + year_of_era + next_year, 4, '-'),
        (month, 2, '-'),
        (day, 2, 'T'),
        (in_day / 3_600_000, 2, ':'),
        (in_day / 60_000 % 60, 2, ':'),
        (in_day / 1_000 % 60, 2, '.'),
        (in_day % 1_000, 3, 'Z'),
    ];
    for (number, digits, after) in parts {
        for place in (0..digits).rev() {
            let digit = number / 10_u64.pow(place) % 10;
            out.push(char::from(b'0' + u8::try_from(digit).unwrap_or_default()));
        }
        out.push(after);
    }
    out
}

/// A time as ms since epoch: ISO 8601 with `Z`, an offset or (read as UTC) neither; seconds since epoch with or without
/// a fraction; `2026-11-22 07:53:52:269` as MQTTX writes it.
#[must_use]
pub fn parse_time(text: &str) -> Option<u64> {
    let seconds = text.split_once('.').map_or(text, |(seconds, _)| seconds);
    if seconds.len() >= 9 && seconds.bytes().all(|byte| byte.is_ascii_digit()) {
        let fraction = text.get(seconds.len()..).unwrap_or_default();
        let ms = seconds.parse::<u64>().ok()?.checked_mul(1_000)? + fraction_ms(fraction)?.0;
        return Some(ms).filter(|ms| *ms <= LATEST_MS);
    }
    let mut rest = text;
    let year = number(&mut rest, 4, "-")?;
    let month = number(&mut rest, 2, "-")?;
    let day = number(&mut rest, 2, "T ")?;
    let hour = number(&mut rest, 2, ":")?;
    let minute = number(&mut rest, 2, ":")?;
    let second = number(&mut rest, 2, "")?;
    let fits = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !fits {
        return None;
    }
    let (fraction, zone) = fraction_ms(rest)?;
    let seconds = days_since_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    let ms = (seconds * 1_000 + fraction).checked_add_signed(-offset_ms(zone)?)?;
    Some(ms).filter(|ms| *ms <= LATEST_MS)
}

fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if year.is_multiple_of(4) && !year.is_multiple_of(100)
            || month == 2 && year.is_multiple_of(400) =>
        {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_epoch(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let (era, of_era) = (year / 400, year % 400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468
}

/// So many digits and one of the characters after them.
fn number(rest: &mut &str, digits: usize, after: &str) -> Option<u64> {
    let (number, tail) = rest.split_at_checked(digits)?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    *rest = if after.is_empty() {
        tail
    } else {
        tail.strip_prefix(|character| after.contains(character))?
    };
    number.parse().ok()
}

/// The ms of a fraction such as `.269991`, and what stands after it.
fn fraction_ms(text: &str) -> Option<(u64, &str)> {
    let Some(rest) = text.strip_prefix(['.', ':', ',']) else {
        return Some((0, text));
    };
    let len = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = rest.split_at_checked(len)?;
    let three = digits.bytes().chain([b'0'; 3]).take(3);
    let ms = three.fold(0, |ms, digit| ms * 10 + u64::from(digit - b'0'));
    (len > 0).then_some((ms, rest))
}

/// `Z`, `+02:00`, `-0500`, `Z+0000` (mosquitto_sub), or nothing.
fn offset_ms(zone: &str) -> Option<i64> {
    let zone = zone.strip_prefix('Z').unwrap_or(zone);
    let sign = match zone.as_bytes().first() {
        None => return Some(0),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    let mut rest = zone.get(1..)?;
    let hours = number(&mut rest, 2, "")?;
    let mut rest = rest.strip_prefix(':').unwrap_or(rest);
    let minutes = if rest.is_empty() {
        0
    } else {
        number(&mut rest, 2, "")?
    };
    let fits = rest.is_empty() && hours < 24 && minutes < 60;
    let ms = i64::try_from((hours * 60 + minutes) * 60_000).ok()?;
    fits.then_some(sign * ms)
}
