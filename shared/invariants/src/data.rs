//! What checks look at: plain values, whoever has read them.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

/// A GUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u128);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0;
        let (a, b, c, d, e) = (n >> 96, (n >> 80) & 0xffff, (n >> 64) & 0xffff, (n >> 48) & 0xffff, n & 0xffff_ffff_ffff);
        write!(f, "{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")
    }
}
impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a transition stands, as far as checks must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// Something is still to come.
    UnderWay,
    /// It waits for a person.
    NeedsOperator,
    /// An end: all went well.
    Completed,
    /// An end: nothing was touched.
    Ineligible,
    /// An end: all was undone.
    Compensated,
}

impl Stand {
    /// Final.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Completed | Self::Ineligible | Self::Compensated)
    }
}

/// A step of the saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The check.
    Eligibility,
    /// Plans.
    Purchasing,
    /// Azure subscriptions under plans: the last step that can be undone.
    Mapping,
    /// Commerce subscriptions suspended: past the pivot.
    Suspension,
}

impl Step {
    /// In their order.
    pub const ALL: [Self; 4] = [Self::Eligibility, Self::Purchasing, Self::Mapping, Self::Suspension];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eligibility => "eligibility",
            Self::Purchasing => "purchasing",
            Self::Mapping => "mapping",
            Self::Suspension => "suspension",
        }
    }
}

/// What the effect ledger says of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// An outside system is being called.
    Intent,
    /// The effect is there.
    Done,
    /// There is none, for a reason of business.
    Refused,
    /// It was there and is gone.
    Undone,
    /// There is none, and none will come.
    Fenced,
}

impl Effect {
    /// The evidence of an undo.
    pub const fn is_undone_or_fenced(self) -> bool {
        matches!(self, Self::Undone | Self::Fenced)
    }
}

/// A row of the effect ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it says.
    pub effect: Effect,
    /// When it was written: microseconds since 1970, by the worker's clock.
    pub at: i64,
}

/// A transition's rows of all four ledgers.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// The check.
    pub check: Option<Entry>,
    /// By reseller.
    pub purchases: HashMap<String, Entry>,
    /// By Azure id.
    pub mappings: HashMap<Id, Entry>,
    /// By commerce id.
    pub suspensions: HashMap<Id, Entry>,
    /// Rows whose items are none of these.
    pub strange: Vec<String>,
}

/// A transition with everything that is stored about it, by whomever.
#[derive(Clone, Debug)]
pub struct Transition {
    /// Its id.
    pub id: Id,
    /// Where it stands.
    pub stand: Stand,
    /// Whether each step was ever commanded, in their order.
    pub commanded: [bool; 4],
    /// How many lines it says that it has.
    pub line_count: usize,
    /// How many plans it says that it has.
    pub plan_count: usize,
    /// Its lines.
    pub lines: Vec<Line>,
    /// The plans that it bought or took.
    pub plans: Vec<Plan>,
    /// Its effects.
    pub ledger: Ledger,
}

impl Transition {
    /// Was the step ever commanded?
    pub const fn commanded(&self, step: Step) -> bool {
        self.commanded[step as usize]
    }

    /// The resellers of its lines.
    pub fn resellers(&self) -> BTreeSet<&str> {
        self.lines.iter().map(|line| line.reseller.as_str()).collect()
    }

    /// The plan of a reseller.
    pub fn plan_of(&self, reseller: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.reseller == reseller)
    }
}

/// A line, and what the workers have stored about its two subscriptions; `None` where a worker has no such row.
#[derive(Clone, Debug)]
pub struct Line {
    /// The Azure subscription.
    pub azure: Id,
    /// The commerce subscription.
    pub commerce: Id,
    /// The reseller on record: an MPN id, or `none`.
    pub reseller: String,
    /// What mapping says.
    pub attachment: Option<Attachment>,
    /// What suspension says.
    pub legacy: Option<Legacy>,
    /// What eligibility says.
    pub mark: Option<Mark>,
}

/// Under which plan an Azure subscription is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The plan, if any.
    pub plan: Option<Id>,
    /// The transition that put it there.
    pub by: Option<Id>,
}

/// A commerce subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Legacy {
    /// Its status, as far as it matters.
    pub status: LegacyStatus,
    /// The transition that suspended it.
    pub suspended_by: Option<Id>,
}

/// The status of a commerce subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegacyStatus {
    /// Suspended.
    Suspended,
    /// Gone.
    Deleted,
    /// Active, or anything else that may be billed.
    Other,
}

/// What eligibility noted of the Azure subscription when it found the customer eligible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The transition that it is a line of.
    pub line_of: Id,
    /// The reseller on record then.
    pub reseller: String,
    /// The commerce subscription then.
    pub commerce: Id,
}

/// A plan of a transition.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whose.
    pub reseller: String,
    /// The plan, once there is one.
    pub plan: Option<Id>,
    /// What purchasing says of it.
    pub stored: Option<StoredPlan>,
}

/// A plan as purchasing has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPlan {
    /// Its id.
    pub plan: Id,
    /// Its reseller.
    pub reseller: String,
    /// Active.
    pub active: bool,
    /// Gone.
    pub deleted: bool,
    /// Bought here; a document's may change with the next document.
    pub bought: bool,
    /// The transition that bought it or made it active again last.
    pub activated_by: Option<Id>,
}

/// What the saga of a transition remembers while it runs: of fixed size, however many lines there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The transition.
    pub id: Id,
    /// Where it stands.
    pub stand: Stand,
    /// It is on its way back, or was when an operator was asked, or has come to the end of that way.
    pub turns_back: bool,
    /// How many lines it has; 0 until eligibility has answered.
    pub lines: u32,
    /// How many plans it has; 0 until eligibility has answered.
    pub plans: u32,
    /// When it came to an end: microseconds since 1970.
    pub ended_at: Option<i64>,
    /// By step, in their order: the commands and the undos.
    pub steps: [[Answers; 2]; 4],
}

impl Progress {
    /// How far the commands of a step are.
    pub const fn done(&self, step: Step) -> Answers {
        self.steps[step as usize][0]
    }

    /// How far the undos of a step are.
    pub const fn undone(&self, step: Step) -> Answers {
        self.steps[step as usize][1]
    }

    /// Lines that are under their plan now.
    pub const fn mapped(&self) -> u32 {
        self.done(Step::Mapping).good.saturating_sub(self.undone(Step::Mapping).good)
    }
}

/// How far the commands, or the undos, of one step are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// They were sent.
    pub commanded: bool,
    /// Every one was answered, and nothing was refused.
    pub proven: bool,
    /// Items that were answered well.
    pub good: u32,
}

/// A change point of the ownership of usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Microseconds since 1970.
    pub from: i64,
    /// Counts up at one `from`, from 0.
    pub revision: u32,
    /// The plan, or `None` for legacy.
    pub plan: Option<Id>,
    /// The transition that said so.
    pub by: Id,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_printed_as_guids() {
        assert_eq!(Id(0xd231_908e_31c1_de0e_027b_bc5c_e11f_09d9).to_string(), "d231908e-31c1-de0e-027b-bc5ce11f09d9");
        assert_eq!(Id(1).to_string(), "00000000-0000-0000-0000-000000000001");
    }
}
