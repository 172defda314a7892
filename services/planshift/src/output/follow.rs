//! One transition as it goes on, for people on standard error: on a terminal a line that says where it is and two bars, how many
//! subscriptions are mapped and how many are suspended; elsewhere a line for each step.

use super::{
    live::style,
    style::{To, plain_words},
    text,
};
use crate::client::Progress;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};
use planshift_domain::{time::Timestamp, transition::State, view::TransitionView};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Shows how a transition goes on.
pub struct Follow {
    name: String,
    bars: Option<Bars>,
    last: Mutex<Option<State>>,
}

struct Bars {
    all: MultiProgress,
    head: ProgressBar,
    mapped: ProgressBar,
    suspended: ProgressBar,
}

impl Follow {
    /// Of the customer of that name.
    pub fn new(name: String) -> Self {
        let bars = To::Err.is_terminal().then(|| {
            let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
            // with its message from the beginning: what is added is drawn
            let head = ProgressBar::new_spinner().with_style(style("{spinner:.cyan} {wide_msg} {elapsed:.dim}")).with_message(name.clone());
            let head = all.add(head);
            let bar = |what: &'static str| {
                let bar = ProgressBar::new(1).with_style(style("  {msg:10} {bar:40.cyan} {pos}/{len}")).with_message(what);
                all.add(bar)
            };
            let (mapped, suspended) = (bar("mapped"), bar("suspended"));
            head.enable_steady_tick(Duration::from_millis(200));
            Bars { all, head, mapped, suspended }
        });
        Self { name, bars, last: Mutex::default() }
    }

    /// It has got here.
    pub fn saw(&self, progress: &Progress, now: Timestamp) {
        let before = self.last.lock().unwrap_or_else(PoisonError::into_inner).replace(progress.state);
        let Some(bars) = &self.bars else {
            if before != Some(progress.state) && !progress.state.is_settled() {
                let line = format!("{} {} {}", self.name, plain_words(progress.state), text::how_far(progress));
                eprintln!("{}", line.trim_end());
            }
            return;
        };
        let mut line = format!("{} {}", self.name, To::Err.state(progress.state, plain_words(progress.state)));
        if let Some(end) = progress.expected_end {
            line.push_str(&To::Err.dim(&format!(", {} left at this pace", left(end, now))));
        }
        bars.head.set_message(line);
        for (bar, count) in [(&bars.mapped, progress.mapped), (&bars.suspended, progress.suspended)] {
            bar.set_length(progress.lines.max(1).into());
            bar.set_position(count.into());
        }
    }

    /// It has come to this.
    pub fn ended(&self, view: &TransitionView) {
        self.finish();
        eprintln!("{} {}", self.name, To::Err.state(view.state, &text::outcome(view)));
    }

    /// Takes the bars away.
    pub fn finish(&self) {
        if let Some(bars) = &self.bars {
            for bar in [&bars.head, &bars.mapped, &bars.suspended] {
                bar.finish_and_clear();
            }
            // nothing is drawn any more; what fails is a terminal that is gone
            let _ = bars.all.clear();
        }
    }
}

/// How long it is until then, not less than a second.
fn left(end: Timestamp, now: Timestamp) -> String {
    let micros = (end.as_micros() - now.as_micros()).max(1_000_000);
    text::span(u64::try_from(micros / 1_000_000).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_that_has_passed_is_a_second_ahead() {
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        assert_eq!((left(at(130), at(10)).as_str(), left(at(5), at(10)).as_str()), ("2m", "1s"));
    }
}
