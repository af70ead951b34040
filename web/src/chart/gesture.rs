//! Dragging with one pointer, pinching with two: what was under a finger stays under it.

/// A pointer has to move this far before it drags, as a part of the width; a tap only shows the cursor.
const SLACK: f64 = 0.01;
/// Two fingers are never closer, as a part of the width.
const CLOSEST: f64 = 0.02;

/// Pointers that are down. Places go from 0 at the left to 1 at the right end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gesture {
    pointers: Vec<Pointer>,
    /// The ends of the chart when the last pointer came or went.
    ends: (f64, f64),
    is_drag: bool,
}

#[derive(Debug, Clone, Copy)]
struct Pointer {
    id: i32,
    began: f64,
    is: f64,
}

impl Gesture {
    /// A pointer came down while these were the ends.
    pub(crate) fn down(&mut self, id: i32, place: f64, ends: (f64, f64)) {
        self.up(id, ends);
        self.pointers.push(Pointer {
            id,
            began: place,
            is: place,
        });
    }

    /// A pointer went up; whether all of it was more than a tap.
    pub(crate) fn up(&mut self, id: i32, ends: (f64, f64)) -> bool {
        self.pointers.retain(|pointer| pointer.id != id);
        for pointer in &mut self.pointers {
            pointer.began = pointer.is;
        }
        self.ends = ends;
        let was_drag = self.is_drag;
        self.is_drag &= !self.pointers.is_empty();
        was_drag
    }

    /// A pointer moved: the new ends if that moves the chart.
    pub(crate) fn moved(&mut self, id: i32, place: f64) -> Option<(f64, f64)> {
        let pointer = self.pointers.iter_mut().find(|pointer| pointer.id == id)?;
        pointer.is = place;
        self.is_drag |= (place - pointer.began).abs() > SLACK || self.pointers.len() > 1;
        let (from, to) = self.ends;
        let span = to - from;
        match self.pointers.as_slice() {
            [one] if self.is_drag => {
                let by = (one.began - one.is) * span;
                Some((from + by, to + by))
            }
            [one, two, ..] => {
                let apart = |a: f64, b: f64| (b - a).abs().max(CLOSEST);
                let span_now = span * apart(one.began, two.began) / apart(one.is, two.is);
                let middle = from + (one.began + two.began) / 2.0 * span;
                let from = middle - (one.is + two.is) / 2.0 * span_now;
                Some((from, from + span_now))
            }
            _ => None,
        }
    }

    /// Whether a pointer is moving the chart.
    pub(crate) fn is_drag(&self) -> bool {
        self.is_drag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tap_moves_nothing_and_a_drag_all_of_it() {
        let mut gesture = Gesture::default();
        gesture.down(1, 0.5, (0.0, 100.0));
        assert_eq!(gesture.moved(1, 0.505), None);
        assert!(!gesture.clone().up(1, (0.0, 100.0)));
        assert_eq!(gesture.moved(1, 0.75), Some((-25.0, 75.0)));
        assert!(gesture.up(1, (0.0, 100.0)));
        assert_eq!(gesture.moved(1, 0.1), None, "nothing is down any more");
    }

    #[test]
    fn two_fingers_apart_zoom_in_about_their_middle() {
        let mut gesture = Gesture::default();
        gesture.down(1, 0.25, (0.0, 100.0));
        gesture.down(2, 0.75, (0.0, 100.0));
        gesture.moved(1, 0.0);
        assert_eq!(gesture.moved(2, 1.0), Some((25.0, 75.0)));
    }

    #[test]
    fn a_finger_that_leaves_a_pinch_does_not_make_the_chart_jump() {
        let mut gesture = Gesture::default();
        gesture.down(1, 0.4, (0.0, 100.0));
        gesture.down(2, 0.6, (0.0, 100.0));
        gesture.moved(2, 0.9);
        gesture.up(2, (10.0, 60.0));
        assert_eq!(gesture.moved(1, 0.4), Some((10.0, 60.0)));
    }
}
