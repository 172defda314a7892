//! Which series and labels an expression of PromQL asks for.

/// A selector: label, is it `=`, value.
pub type Selector<'a> = (&'a str, bool, &'a str);

/// What an expression asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Asked<'a> {
    /// Each series, with its selectors.
    pub series: Vec<(&'a str, Vec<Selector<'a>>)>,
    /// The labels of `by (…)`, `on (…)`.
    pub by: Vec<&'a str>,
}

/// Reads an expression. Only what this project's metrics, RabbitMQ's, the process's and the recorded ones are called counts as a series.
pub fn asked(expression: &str) -> Asked<'_> {
    let mut asked = Asked::default();
    let mut rest = expression;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic() || c == '"') {
        rest = &rest[start..];
        if let Some(text) = rest.strip_prefix('"') {
            // a text outside of selectors: of label_replace, for example
            rest = text.find('"').map_or("", |end| &text[end + 1..]);
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':').unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let after_blanks = after.trim_start();
        if matches!(word, "by" | "on") && after_blanks.starts_with('(') {
            let inside = after_blanks.trim_start_matches('(').split(')').next().unwrap_or_default();
            asked.by.extend(inside.split(',').map(str::trim).filter(|label| !label.is_empty()));
            rest = after_blanks.find(')').map_or("", |end| &after_blanks[end..]);
        } else if is_series(word) {
            let selectors = after.strip_prefix('{').map_or(Vec::new(), |inside| selectors(inside).0);
            rest = after.strip_prefix('{').map_or(after, |inside| selectors_end(inside));
            asked.series.push((word, selectors));
        } else {
            rest = after;
        }
    }
    asked
}

fn is_series(word: &str) -> bool {
    word == "up" || ["planshift_", "planshift:", "rabbitmq_", "process_"].iter().any(|prefix| word.starts_with(prefix))
}

fn selectors_end(inside: &str) -> &str {
    selectors(inside).1
}

/// The selectors up to the brace, and what comes after it.
fn selectors(inside: &str) -> (Vec<Selector<'_>>, &str) {
    let (mut found, mut rest) = (Vec::new(), inside);
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(after) = rest.strip_prefix('}') {
            return (found, after);
        }
        let Some((before, after)) = rest.split_once('"') else { return (found, "") };
        let Some((value, after)) = after.split_once('"') else { return (found, "") };
        let label = before.trim_end_matches(['=', '~', '!', ' ']);
        found.push((label, before[label.len()..].trim() == "=", value));
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_selectors_and_labels_are_found() {
        let read = asked(r#"max by (queue) (planshift_queue_ready{queue!="planshift.dead", instance=~"$i"}) > 0 and rate(up[5m])"#);
        assert_eq!(
            read.series,
            [("planshift_queue_ready", vec![("queue", false, "planshift.dead"), ("instance", false, "$i")]), ("up", vec![])]
        );
        assert_eq!(read.by, ["queue"]);
        assert_eq!(asked(r#"absent(planshift_ready{service="x"})"#).series, [("planshift_ready", vec![("service", true, "x")])]);
    }
}
