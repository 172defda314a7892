//! What goes on, for people on standard error: bars on a terminal, lines otherwise.

use super::{
    style::{To, plain_words},
    table::Names,
    text,
};
use crate::client::Progress;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use planshift_domain::{ids::CustomerId, view::TransitionView};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How many transitions have a line of their own on a terminal at once.
const SHOWN: usize = 8;

/// How much is told where standard error is no terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A line as each transition ends.
    Ends,
    /// Nothing but the beginning and the end.
    Quiet,
}

/// Shows how transitions go on.
pub struct Live {
    names: Names,
    detail: Detail,
    bars: Option<Bars>,
    shown: Mutex<BTreeMap<CustomerId, Shown>>,
}

struct Bars {
    all: MultiProgress,
    total: ProgressBar,
}

struct Shown {
    bar: Option<ProgressBar>,
}

impl Live {
    /// For that many transitions.
    pub fn new(names: Names, transitions: usize, detail: Detail) -> Self {
        let bars = To::Err.is_terminal().then(|| {
            let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
            let total = all.add(ProgressBar::new(transitions as u64).with_style(style("{bar:24.green} {pos}/{len} {msg} {elapsed:.dim}")));
            total.set_message("customers");
            total.enable_steady_tick(Duration::from_millis(200));
            Bars { all, total }
        });
        Self { names, detail, bars, shown: Mutex::default() }
    }

    /// A line that stays.
    pub fn say(&self, line: &str) {
        match &self.bars {
            // an error here is a terminal that is gone: there is nobody to tell
            Some(bars) => drop(bars.all.println(line)),
            None => eprintln!("{line}"),
        }
    }

    /// Does anybody see the steps of a transition?
    pub const fn shows_steps(&self) -> bool {
        self.bars.is_some()
    }

    /// A transition has got here.
    pub fn saw(&self, progress: &Progress) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let room = shown.values().filter(|shown| shown.bar.is_some()).count() < SHOWN;
        let far = format!("{} {} {}", self.name(progress.customer_id), plain_words(progress.state), text::how_far(progress));
        let shown =
            shown.entry(progress.customer_id).or_insert_with(|| Shown {
                // with its message from the beginning: what is added is drawn
                bar: self.bars.as_ref().filter(|_| room).map(|bars| {
                    bars.all.add(ProgressBar::new(1).with_style(style("  {bar:12.cyan} {wide_msg}")).with_message(far.clone()))
                }),
            });
        if let Some(bar) = &shown.bar {
            bar.set_length(u64::from(progress.lines.max(1)) * 2);
            bar.set_position(u64::from(progress.mapped) + u64::from(progress.suspended));
            bar.set_message(far);
        }
    }

    /// A transition has come to this.
    pub fn ended(&self, view: &TransitionView) {
        self.forget(view.customer_id);
        if self.detail != Detail::Quiet {
            let line = format!("{} {}", self.name(view.customer_id), To::Err.state(view.state, &text::outcome(view)));
            self.say(&line);
        }
    }

    /// A customer could not be moved at all.
    pub fn failed(&self, customer: CustomerId, why: &str) {
        self.forget(customer);
        self.say(&format!("{} {} {why}", self.name(customer), To::Err.bad("failed:")));
    }

    /// Takes the bars away.
    pub fn finish(&self) {
        if let Some(bars) = &self.bars {
            bars.total.finish_and_clear();
            // nothing is drawn any more; what fails is a terminal that is gone
            let _ = bars.all.clear();
        }
    }

    fn forget(&self, customer: CustomerId) {
        let gone = self.shown.lock().unwrap_or_else(PoisonError::into_inner).remove(&customer);
        if let Some(bars) = &self.bars {
            if let Some(bar) = gone.and_then(|shown| shown.bar) {
                bar.finish_and_clear();
                bars.all.remove(&bar);
            }
            bars.total.inc(1);
        }
    }

    fn name(&self, customer: CustomerId) -> String {
        self.names.get(&customer).cloned().unwrap_or_else(|| customer.to_string())
    }
}

pub(super) fn style(template: &str) -> ProgressStyle {
    // the templates are constants above: a wrong one shows as the default style in the first try by hand
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━╌")
}
