//! Everything that happens, in an order that a reader can go on from: the history's entries and the transitions' present states.
//!
//! # Why a reader loses nothing
//! Each batch of events takes the next number of one clock, under the lock of the clock's row, in the transaction that writes what it
//! tells. So a number is visible only after all lower ones, whichever replica took them, and a reader that has seen the clock at N
//! and then reads everything up to N has it all. (A sequence gives numbers outside the transaction: 8 may be visible before 7, and
//! whoever asks for what comes after 8 never sees 7.)
//!
//! History entries keep the number they were written with. A transition's state has the number of its last change: a reader that was
//! away gets the present state once, and every entry. The order is (number, transition, entry, state): a place in it is a [`Cursor`],
//! and any replica goes on from it, also after a restart.

use super::{Known, ReadModel, from_json, read::known_at};
use planshift_domain::{
    history::HistoryEntry,
    ids::{AzureSubscriptionId, CustomerId, PartnerId, TransitionId},
    transition::State,
};
use planshift_storage::{Args, Statement, StorageError};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// How many entries, and how many states, are read at once: the limit that stands in the statements.
const PAGE: usize = 200;

pub(super) static CLOCK: Statement = Statement::new("SELECT value FROM feed_clock WHERE one = 1");
/// The next change: until the transaction ends, nobody else has one.
pub(super) static TICK: Statement = Statement::new("UPDATE feed_clock SET value = value + 1 WHERE one = 1 RETURNING value");
pub(super) static CHANGED: Statement = Statement::new(
    "INSERT INTO feed (transition_id, change)
     SELECT r.id, $2::bigint FROM {1: id uuid} AS r WHERE true
     ON CONFLICT (transition_id) DO UPDATE SET change = excluded.change",
);

// A page is cut out of the order before anything is joined to it, so that a read costs the same for whoever reads little of much; what
// its reader does not hear of has no body. The limits are numbers, so that a planner knows how small they are.
static ENTRIES: Statement = Statement::new(
    "SELECT h.change, h.transition_id, h.number,
            CASE WHEN ($5::uuid IS NULL OR t.partner_id = $5) AND ($6::uuid IS NULL OR t.customer_id = $6) THEN h.body END
     FROM (SELECT change, transition_id, number, body FROM history
           WHERE (change, transition_id, number) > ($1::bigint, $2::uuid, $3::bigint) AND change <= $4::bigint
           ORDER BY change, transition_id, number LIMIT 200) AS h
     LEFT JOIN transitions AS t ON t.id = h.transition_id
     ORDER BY h.change, h.transition_id, h.number",
);
static STATES: Statement = Statement::new(
    "SELECT f.change, f.transition_id, t.whole, t.asked,
            CASE WHEN ($4::uuid IS NULL OR t.partner_id = $4) AND ($5::uuid IS NULL OR t.customer_id = $5) THEN t.body END
     FROM (SELECT change, transition_id FROM feed
           WHERE (change, transition_id) >= ($1::bigint, $2::uuid) AND change <= $3::bigint
           ORDER BY change, transition_id LIMIT 200) AS f
     LEFT JOIN transitions AS t ON t.id = f.transition_id
     ORDER BY f.change, f.transition_id",
);
static ENTRIES_OF: Statement = Statement::new(
    "SELECT change, transition_id, number, body FROM history
     WHERE transition_id = $1 AND (change > $2::bigint OR (change = $2::bigint AND number > $3::bigint)) AND change <= $4::bigint
     ORDER BY change, number LIMIT 200",
);
static STATE_OF: Statement = Statement::new(
    "SELECT coalesce(f.change, 0), t.id, t.whole, t.asked, t.body
     FROM transitions AS t LEFT JOIN feed AS f ON f.transition_id = t.id WHERE t.id = $1",
);
static LINES_CHANGED: Statement = Statement::new(
    "SELECT azure_id FROM lines
     WHERE transition_id = $1 AND (change > $2::bigint
        OR packet IN (SELECT packet FROM packets WHERE transition_id = $1 AND change > $2::bigint))
     ORDER BY azure_id",
);

/// A place in the order: after an entry of a transition, or after its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cursor {
    change: i64,
    transition: TransitionId,
    /// The entry; [`STATE`](Self::STATE) stands for the state.
    number: u32,
}

impl Cursor {
    const STATE: u32 = u32::MAX;
    /// Before everything.
    pub(crate) const START: Self = Self::after(-1);

    /// After everything of this change.
    const fn after(change: i64) -> Self {
        Self { change, transition: TransitionId(Uuid::max()), number: Self::STATE }
    }

    /// The state of its transition was given, and not only entries of the same change.
    pub(crate) const fn is_after_a_state(&self) -> bool {
        self.number == Self::STATE
    }

    /// The last entry of `transition` that stands before it in its own change: 0 where none does.
    fn number_in(&self, transition: TransitionId) -> u32 {
        match self.transition.cmp(&transition) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => self.number,
            std::cmp::Ordering::Greater => Self::STATE,
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.change)?;
        if *self == Self::after(self.change) {
            return Ok(());
        }
        write!(f, ".{}", self.transition.0.as_simple())?;
        if self.number == Self::STATE { f.write_str(".s") } else { write!(f, ".{}", self.number) }
    }
}

/// A text that is no place in the order.
#[derive(Debug)]
pub(crate) struct NoCursor;

impl FromStr for Cursor {
    type Err = NoCursor;
    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let mut parts = text.split('.');
        let change = parts.next().and_then(|text| text.parse().ok()).filter(|change| *change >= -1).ok_or(NoCursor)?;
        let Some(transition) = parts.next() else { return Ok(Self::after(change)) };
        let transition = TransitionId(Uuid::try_parse(transition).map_err(|_| NoCursor)?);
        let number = match parts.next().ok_or(NoCursor)? {
            "s" => Self::STATE,
            number => number.parse().map_err(|_| NoCursor)?,
        };
        if parts.next().is_some() { Err(NoCursor) } else { Ok(Self { change, transition, number }) }
    }
}

/// Which transitions a reader hears of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of {
    /// This one.
    One(TransitionId),
    /// All that meet what is given.
    All {
        /// Of this partner.
        partner: Option<PartnerId>,
        /// Of this customer.
        customer: Option<CustomerId>,
        /// In this state: entries that lead to it, and states that are it.
        state: Option<State>,
    },
}

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) struct Happened {
    /// Where the reader goes on from after it.
    pub(crate) at: Cursor,
    /// Whose.
    pub(crate) transition: TransitionId,
    /// What.
    pub(crate) what: What,
}

/// What happened.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// An entry of the history.
    Entry(Box<HistoryEntry>),
    /// How the transition is now.
    State(Box<Known>),
}

/// Some of what happened after a place.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// In order.
    pub(crate) happened: Vec<Happened>,
    /// Everything up to here was read.
    pub(crate) reached: Cursor,
    /// There may be more already.
    pub(crate) more: bool,
}

impl ReadModel {
    /// The place after everything that has happened.
    pub(crate) async fn now(&self) -> Result<Cursor, StorageError> {
        Ok(Cursor::after(self.feed_clock().await?))
    }

    /// Is this place one that has been reached? One that has not is of another database, or of a later time of this one.
    pub(crate) async fn has_reached(&self, cursor: &Cursor) -> Result<bool, StorageError> {
        Ok(cursor.change <= self.feed_clock().await?)
    }

    /// The number of the last change.
    pub(crate) async fn feed_clock(&self) -> Result<i64, StorageError> {
        self.database.query(&CLOCK, Args::new()).await?.first().map_or(Ok(0), |row| row.get(0))
    }

    /// The next of what happened after a place, some hundreds at most.
    pub(crate) async fn happened(&self, of: &Of, after: Cursor) -> Result<Batch, StorageError> {
        // read before all else: what changes meanwhile has a higher number, and is read the next time
        let now = self.feed_clock().await?;
        let (entries, states) = match of {
            Of::One(id) => {
                let number = i64::from(after.number_in(*id));
                let args = Args::new().value(id.0).value(after.change).value(number).value(now);
                (self.database.query(&ENTRIES_OF, args).await?, self.database.query(&STATE_OF, Args::new().value(id.0)).await?)
            }
            Of::All { partner, customer, .. } => {
                let place = || Args::new().value(after.change).value(after.transition.0);
                let whose = |args: Args| args.value(now).value(partner.map(|id| id.0)).value(customer.map(|id| id.0));
                let entries = self.database.query(&ENTRIES, whose(place().value(after.number))).await?;
                (entries, self.database.query(&STATES, whose(place())).await?)
            }
        };
        let mut happened = Vec::with_capacity(entries.len() + states.len());
        let mut bound = Cursor::after(now);
        for (number, row) in entries.iter().enumerate() {
            let transition = TransitionId(row.get(1)?);
            let at = Cursor { change: row.get(0)?, transition, number: row.get(2)? };
            if let Some(entry) = row.get::<Option<String>>(3)? {
                let entry = from_json("a history entry", &entry)?;
                happened.push(Happened { at, transition, what: What::Entry(Box::new(entry)) });
            }
            // a page that is full ends where it ends: what the other has after that comes with the next one
            if number + 1 == PAGE {
                bound = bound.min(at);
            }
        }
        for (number, row) in states.iter().enumerate() {
            let transition = TransitionId(row.get(1)?);
            let at = Cursor { change: row.get(0)?, transition, number: Cursor::STATE };
            // the first may be the one that the reader has; and one transition's state has its number whatever was asked for
            if at > after && at <= Cursor::after(now) && row.get::<Option<String>>(4)?.is_some() {
                happened.push(Happened { at, transition, what: What::State(Box::new(known_at(row, 2)?)) });
            }
            if number + 1 == PAGE {
                bound = bound.min(at);
            }
        }
        happened.sort_by_key(|one| one.at);
        happened.retain(|one| one.at <= bound && of.wants(&one.what));
        Ok(Batch { happened, reached: bound.max(after), more: bound < Cursor::after(now) })
    }

    /// The lines that have changed after a place, by themselves or with their packets.
    pub(crate) async fn lines_changed(&self, id: TransitionId, after: Cursor) -> Result<Vec<AzureSubscriptionId>, StorageError> {
        let rows = self.database.query(&LINES_CHANGED, Args::new().value(id.0).value(after.change)).await?;
        rows.iter().map(|row| row.get(0).map(AzureSubscriptionId)).collect()
    }
}

impl Of {
    fn wants(&self, what: &What) -> bool {
        let Self::All { state: Some(wanted), .. } = self else { return true };
        match what {
            What::Entry(entry) => entry.state == *wanted,
            What::State(known) => known.row.state == *wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_and_read() {
        let transition = TransitionId(Uuid::from_u128(7));
        for cursor in [
            Cursor::START,
            Cursor::after(17),
            Cursor { change: 3, transition, number: 9 },
            Cursor { change: 3, transition, number: Cursor::STATE },
        ] {
            assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor, "{cursor}");
        }
        for wrong in ["", "x", "-2", "1.7", "1.x.2", "1.00000000000000000000000000000007.", "1.00000000000000000000000000000007.1.2"] {
            assert!(wrong.parse::<Cursor>().is_err(), "{wrong:?}");
        }
    }
}
