//! What changed between two texts, line by line. Pure.

/// One line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// In both.
    Same(String),
    /// Only in the older text.
    Gone(String),
    /// Only in the newer text.
    New(String),
}

/// Work limit: older times newer lines that differ. Above it the comparison would be felt.
const LIMIT: usize = 1_000_000;

/// The comparison of two texts; `None` when they differ in too many lines.
pub(crate) fn compare(old: &[String], new: &[String]) -> Option<Vec<Change>> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - head;
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(rest)
        .take_while(|(a, b)| a == b)
        .count();
    let old_middle = old.get(head..old.len() - tail)?;
    let new_middle = new.get(head..new.len() - tail)?;
    if old_middle.len().saturating_mul(new_middle.len()) > LIMIT {
        return None;
    }
    let same = |lines: &[String]| lines.iter().cloned().map(Change::Same).collect::<Vec<_>>();
    let mut changes = same(new.get(..head)?);
    changes.extend(paired(middle(old_middle, new_middle)));
    changes.extend(same(new.get(new.len() - tail..)?));
    Some(changes)
}

/// Longest common subsequence by the usual table.
fn middle(old: &[String], new: &[String]) -> Vec<Change> {
    let width = new.len() + 1;
    let mut lengths = vec![0_u32; (old.len() + 1) * width];
    let length = |lengths: &[u32], i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            let longest = if a == b {
                length(&lengths, i + 1, j + 1) + 1
            } else {
                length(&lengths, i + 1, j).max(length(&lengths, i, j + 1))
            };
            if let Some(cell) = lengths.get_mut(i * width + j) {
                *cell = longest;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut changes = Vec::new();
    loop {
        match (old.get(i), new.get(j)) {
            (Some(a), Some(b)) if a == b => {
                changes.push(Change::Same(b.clone()));
                (i, j) = (i + 1, j + 1);
            }
            (Some(a), b) if b.is_none() || length(&lengths, i + 1, j) >= length(&lengths, i, j + 1) => {
                changes.push(Change::Gone(a.clone()));
                i += 1;
            }
            (_, Some(b)) => {
                changes.push(Change::New(b.clone()));
                j += 1;
            }
            (_, None) => return changes,
        }
    }
}

/// As many lines gone as new ones after them are read in pairs: each old line above its new one.
fn paired(changes: Vec<Change>) -> Vec<Change> {
    let mut out = Vec::with_capacity(changes.len());
    let mut rest = changes.into_iter().peekable();
    while rest.peek().is_some() {
        let mut gone = Vec::new();
        while let Some(change) = rest.next_if(|change| matches!(change, Change::Gone(_))) {
            gone.push(change);
        }
        let mut new = Vec::new();
        while let Some(change) = rest.next_if(|change| matches!(change, Change::New(_))) {
            new.push(change);
        }
        if gone.len() == new.len() {
            out.extend(gone.into_iter().zip(new).flat_map(|(gone, new)| [gone, new]));
        } else {
            out.extend(gone);
            out.extend(new);
        }
        out.extend(rest.next_if(|change| matches!(change, Change::Same(_))));
    }
    out
}

/// Lines that are new or gone; a changed line counts once.
pub(crate) fn changed(changes: &[Change]) -> usize {
    let new = changes
        .iter()
        .filter(|change| matches!(change, Change::New(_)))
        .count();
    let gone = changes
        .iter()
        .filter(|change| matches!(change, Change::Gone(_)))
        .count();
    new.max(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn check(old: &str, new: &str, expected: &str) {
        let changes = compare(&lines(old), &lines(new)).unwrap();
        let shown: Vec<String> = changes
            .iter()
            .map(|change| match change {
                Change::Same(line) => line.clone(),
                Change::Gone(line) => format!("-{line}"),
                Change::New(line) => format!("+{line}"),
            })
            .collect();
        assert_eq!(shown, lines(expected), "{old} → {new}");
    }

    #[test]
    fn a_changed_line_is_gone_and_new_in_its_place() {
        check("a b c", "a x c", "a -b +x c");
        check("a b c d e", "a x c y e", "a -b +x c -d +y e");
        check("", "a b", "+a +b");
        check("a b", "", "-a -b");
        check("a a", "a a a", "a a +a");
        check("a", "a", "a");
        check("a b c z", "a x y z", "a -b +x -c +y z");
        check("a b c z", "a x z", "a -b -c +x z");
    }

    #[test]
    fn too_much_work_is_refused() {
        let old: Vec<String> = (0..2_000).map(|n| format!("a{n}")).collect();
        let new: Vec<String> = (0..2_000).map(|n| format!("b{n}")).collect();
        assert_eq!(compare(&old, &new), None);
    }
}
