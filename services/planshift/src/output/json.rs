//! What programs read: one JSON object a line.

use super::print;
use crate::exit::{Exit, Failure};
use planshift_domain::{transition::State, view::TransitionView};
use serde::Serialize;
use std::time::Duration;

/// Prints a value as one line.
///
/// # Errors
/// Program: standard output cannot be written to.
pub fn print_line<T: Serialize>(value: &T) -> Result<(), Failure> {
    let mut line = serde_json::to_string(value).map_err(|error| Failure::program("cannot write JSON").because(error))?;
    line.push('\n');
    print(&line)
}

/// The last line of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SummaryLine {
    /// What the run came to.
    pub summary: Summary,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Customers that were asked for.
    pub customers: u64,
    /// Moved.
    pub completed: u64,
    /// Refused.
    pub ineligible: u64,
    /// Failed and undone.
    pub compensated: u64,
    /// Waiting for an operator.
    pub needs_operator: u64,
    /// Lines of all of them.
    pub subscriptions: u64,
    /// How long it took.
    pub seconds: f64,
}

impl Summary {
    /// Counts a customer that came to this.
    pub fn count(&mut self, view: &TransitionView) {
        self.customers += 1;
        self.subscriptions += view.lines.len() as u64;
        match view.state {
            State::Completed => self.completed += 1,
            State::Ineligible => self.ineligible += 1,
            State::Compensated => self.compensated += 1,
            State::NeedsOperator => self.needs_operator += 1,
            // not settled: nothing that a run counts
            _ => {}
        }
    }

    /// Sets how long it took, to the millisecond.
    pub fn took(&mut self, time: Duration) {
        self.seconds = (time.as_secs_f64() * 1000.0).round() / 1000.0;
    }

    /// The exit code that it means.
    pub const fn exit(&self) -> Exit {
        if self.completed == self.customers { Exit::Done } else { Exit::EndedOtherwise }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_promised_shape_and_order() {
        // exactly as the interfaces promise it: names, order, times, case
        let line = concat!(
            r#"{"customerId":"c501c3c4-d776-40ef-9ecf-9cefb59442c1","transitionId":"42d075a4-bfe7-43e7-af6d-7c68a57edcb4","state":"Completed","#,
            r#""adopted":false,"reasons":[],"warnings":[{"code":"ReportingWillChange","resourceId":"c501c3c4-d776-40ef-9ecf-9cefb59442c1","#,
            r#""description":"x"}],"failure":null,"#,
            r#""plans":[{"planId":"d231908e-31c1-de0e-027b-bc5ce11f09d9","partnerId":"4847383","reused":false,"status":"active"},"#,
            r#"{"planId":"d231908e-31c1-de0e-027b-bc5ce11f09da","partnerId":null,"reused":true,"status":"suspended"}],"#,
            r#""lines":[{"azureSubscriptionId":"b1beb621-3cad-4d7a-b360-62db33ce0001","commerceSubscriptionId":"b1beb621-3cad-4d7a-b360-62db33ce0002","#,
            r#""planId":"d231908e-31c1-de0e-027b-bc5ce11f09d9","state":"Completed","commerceStatus":"suspended","effectiveAt":"2026-11-22T16:00:00Z","#,
            r#""error":null}],"startedAt":"2026-11-22T15:12:00.5Z","endedAt":"2026-11-22T15:12:01Z"}"#
        );
        let view: TransitionView = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&view).unwrap(), line);
        let failed = line.replace(
            r#""failure":null"#,
            r#""failure":{"step":"mapping","resourceId":"b1beb621-3cad-4d7a-b360-62db33ce0001","code":"FaultInjected","description":"x"}"#,
        );
        assert_eq!(serde_json::to_string(&serde_json::from_str::<TransitionView>(&failed).unwrap()).unwrap(), failed);
    }

    #[test]
    fn the_summary_has_the_promised_shape_and_order() {
        let mut summary = Summary { customers: 40, completed: 31, ineligible: 9, subscriptions: 112, ..Summary::default() };
        summary.took(Duration::from_millis(800));
        assert_eq!(
            serde_json::to_string(&SummaryLine { summary }).unwrap(),
            r#"{"summary":{"customers":40,"completed":31,"ineligible":9,"compensated":0,"needsOperator":0,"subscriptions":112,"seconds":0.8}}"#
        );
        assert_eq!(summary.exit(), Exit::EndedOtherwise);
        assert_eq!(Summary { customers: 2, completed: 2, ..Summary::default() }.exit(), Exit::Done);
    }
}
