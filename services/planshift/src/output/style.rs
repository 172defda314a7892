//! Colours, on a terminal alone (and not where NO_COLOR is set), and the words for states.

use console::{Style, Term};
use planshift_domain::transition::State;

/// Where a text goes: each of the two may be a terminal or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// How wide a text may be where nothing tells: fits every terminal, and a page.
const DEFAULT_WIDTH: u16 = 100;
/// Wider lines are hard to read.
const WIDEST: u16 = 140;
/// Narrower tables are of no use.
const NARROWEST: u16 = 60;

impl To {
    fn style(self) -> Style {
        match self {
            Self::Out => Style::new().for_stdout(),
            Self::Err => Style::new().for_stderr(),
        }
    }

    /// Is it a terminal?
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Out => Term::stdout().is_term(),
            Self::Err => Term::stderr().is_term(),
        }
    }

    /// How wide it is, in characters.
    pub fn width(self) -> u16 {
        let term = match self {
            Self::Out => Term::stdout(),
            Self::Err => Term::stderr(),
        };
        term.size_checked().map_or(DEFAULT_WIDTH, |(_, columns)| columns.clamp(NARROWEST, WIDEST))
    }

    /// A heading.
    pub fn heading(self, text: &str) -> String {
        self.style().bold().apply_to(text).to_string()
    }

    /// Something that matters less.
    pub fn dim(self, text: &str) -> String {
        self.style().dim().apply_to(text).to_string()
    }

    /// Something to type.
    pub fn command(self, text: &str) -> String {
        self.style().cyan().apply_to(text).to_string()
    }

    /// Something that is as it should be.
    pub fn good(self, text: &str) -> String {
        self.style().green().apply_to(text).to_string()
    }

    /// Something that somebody should look at.
    pub fn doubtful(self, text: &str) -> String {
        self.style().yellow().apply_to(text).to_string()
    }

    /// Something that went wrong.
    pub fn bad(self, text: &str) -> String {
        self.style().red().bold().apply_to(text).to_string()
    }

    /// A text in the colour of a state.
    pub fn state(self, state: State, text: &str) -> String {
        let style = self.style();
        let style = match state {
            State::Completed => style.green(),
            State::Ineligible | State::Compensated => style.yellow(),
            State::NeedsOperator => style.red().bold(),
            _ => style.cyan(),
        };
        style.apply_to(text).to_string()
    }

    /// The names of states wherever they stand in a text that is laid out already, in their colours. Colours are put on last:
    /// they have no width, and what lays a table out does not know.
    pub fn paint_states(self, text: &str) -> String {
        State::ALL
            .into_iter()
            .filter(|state| state.is_settled())
            .fold(text.to_owned(), |text, state| text.replace(state.name(), &self.state(state, state.name())))
    }
}

/// A state in plain words, as a sentence goes on after "the transition".
pub const fn plain_words(state: State) -> &'static str {
    match state {
        State::Requested => "is accepted",
        State::CheckingEligibility => "asks whether the customer may move",
        State::PurchasingPlans => "buys a plan for each reseller",
        State::MappingSubscriptions => "maps the Azure subscriptions to their plans",
        State::SuspendingCommerce => "suspends the commerce subscriptions",
        State::Compensating => "undoes what was done",
        State::Completed => "is completed",
        State::Ineligible => "is refused: the customer may not move yet",
        State::Compensated => "is compensated: everything is as it was",
        State::NeedsOperator => "needs an operator",
    }
}
