//! Moments to columns: time in which the function ran is drawn to scale, time asleep is folded.

use durable_trace_history::{Timeline, UnixMicros};

/// Columns of a folded gap.
const FOLD: f64 = 1.0;

/// A stretch of time and the columns it has.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    start: UnixMicros,
    end: UnixMicros,
    from: f64,
    to: f64,
    is_gap: bool,
}

/// The time axis of one timeline.
#[derive(Debug)]
pub(super) struct Axis {
    stretches: Vec<Stretch>,
    columns: usize,
    folds: bool,
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "columns are few, and a column is some time wide"
)]
impl Axis {
    pub(super) fn of(timeline: &Timeline, columns: usize) -> Self {
        let mut pieces = Vec::new();
        let mut at = timeline.execution.start_us;
        for gap in &timeline.gaps {
            // A clock that stands still while functions run, as the local service's can, leaves them no time; they have their place all the same.
            pieces.push((at, gap.start_us.max(at), false));
            pieces.push((gap.start_us, gap.end_us, true));
            at = gap.end_us;
        }
        pieces.push((at, timeline.until_us.max(at), false));

        let gaps = timeline.gaps.len() as f64;
        let (running, asleep) = pieces.iter().fold((0, 0), |(running, asleep), piece| {
            let took = piece.1.since(piece.0);
            if piece.2 {
                (running, asleep + took)
            } else {
                (running + took, asleep)
            }
        });
        let room = columns as f64;
        // Folded where that leaves room for what ran, and where sleep is the greater part.
        let folds = gaps > 0.0 && gaps * 4.0 <= room && asleep > running;
        let runs = pieces.len() as f64 - gaps;
        let (least, room) = if folds {
            let room = room - gaps * FOLD;
            // A fifth is shared out, so that none is too narrow to be seen.
            let share = if running == 0 { 1.0 } else { 0.2 };
            (room * share / runs, room * (1.0 - share))
        } else {
            (0.0, room)
        };
        let time = if folds { running } else { running + asleep };
        let scale = room / time.max(1) as f64;
        let (mut exact, mut from) = (0.0, 0.0);
        let mut stretches = Vec::new();
        for (start, end, is_gap) in pieces {
            exact += if is_gap && folds {
                FOLD
            } else {
                least + end.since(start) as f64 * scale
            };
            // Whole columns, so that a fold has one of its own.
            let to = if is_gap && folds {
                from + FOLD
            } else {
                exact.round().max(from)
            };
            stretches.push(Stretch {
                start,
                end,
                from,
                to,
                is_gap,
            });
            from = to;
        }
        Self {
            stretches,
            columns,
            folds,
        }
    }

    pub(super) const fn columns(&self) -> usize {
        self.columns
    }

    pub(super) const fn is_folded(&self) -> bool {
        self.folds
    }

    /// The column in which something that starts then starts.
    pub(super) fn column(&self, at: UnixMicros) -> usize {
        let holds = |stretch: &&Stretch| stretch.start <= at && at <= stretch.end;
        let all = || self.stretches.iter().filter(holds);
        // Things start and end where the function runs: at the edge of a gap that is the stretch beside it.
        let stretch = all()
            .rfind(|stretch| !stretch.is_gap)
            .or_else(|| all().next());
        let place = stretch.map_or(self.columns as f64, |stretch| stretch.place(at));
        (place as usize).min(self.columns.saturating_sub(1))
    }

    /// The last column of something that ends then and started before.
    pub(super) fn last_column(&self, at: UnixMicros) -> usize {
        let ends_in = |stretch: &&Stretch| stretch.start < at && at <= stretch.end;
        let stretch = self.stretches.iter().find(ends_in);
        self.before(stretch.map_or(self.columns as f64, |stretch| stretch.place(at)))
    }

    /// The last column of the stretch in which the function ran at that moment.
    pub(super) fn last_column_of_run(&self, at: UnixMicros) -> usize {
        let holds =
            |stretch: &&Stretch| !stretch.is_gap && stretch.start <= at && at <= stretch.end;
        let stretch = self.stretches.iter().rfind(holds);
        self.before(stretch.map_or(self.columns as f64, |stretch| stretch.to))
    }

    /// What ends where a column begins is not in it.
    fn before(&self, place: f64) -> usize {
        ((place - 1e-9).max(0.0) as usize).min(self.columns.saturating_sub(1))
    }

    /// The columns of folded gaps.
    pub(super) fn folds(&self) -> impl Iterator<Item = usize> {
        let gaps = self
            .stretches
            .iter()
            .filter(|stretch| stretch.is_gap && self.folds);
        gaps.map(|stretch| {
            (f64::midpoint(stretch.from, stretch.to) as usize).min(self.columns.saturating_sub(1))
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a column is some time wide")]
impl Stretch {
    fn place(&self, at: UnixMicros) -> f64 {
        let share = at.since(self.start) as f64 / self.end.since(self.start).max(1) as f64;
        self.from + share * (self.to - self.from)
    }
}
