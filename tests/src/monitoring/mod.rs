//! What rules and dashboards may ask for: the metrics that there are, and the expressions that ask.
//!
//! | file | holds |
//! |---|---|
//! | `asked` | an expression's metrics and labels, read without a query parser: Prometheus itself does the rest |
//! | `files` | the files of rules and runbooks |
//! | `prometheus` | a real Prometheus |
//! | `trouble` | what makes messages retried and dead; RabbitMQ's own metrics |

mod asked;
mod files;
mod prometheus;
mod trouble;

pub use asked::{Asked, Selector, asked};
pub use files::{Alert, alerts, expressions, root, rule_files, runbooks};
pub use prometheus::{Prometheus, promtool};
pub use trouble::{rabbitmq_metrics, send};

use planshift_worker::metrics::{
    CATALOGUE, OF_THE_PROCESS,
    described::{Kind, Values},
};
use std::collections::BTreeMap;

/// What Prometheus itself adds to every series.
const ADDED: [&str; 2] = ["instance", "job"];

/// A series' labels, and what they may say; `None`: anything.
pub type Labels = BTreeMap<&'static str, Option<Vec<&'static str>>>;

/// Every series that may be asked for.
pub struct Known(BTreeMap<String, Labels>);

impl Known {
    /// Ours, those of RabbitMQ that are listed, and what the rules record.
    pub fn new() -> Self {
        let mut known = BTreeMap::new();
        for metric in CATALOGUE {
            let values = |values: Values| values.all();
            let labels: BTreeMap<_, _> = metric.labels.iter().map(|label| (label.name, values(label.values))).collect();
            if let Kind::Histogram(_) = metric.kind {
                let mut buckets = labels.clone();
                buckets.insert("le", None);
                known.insert(format!("{}_bucket", metric.name), buckets);
                known.insert(format!("{}_sum", metric.name), labels.clone());
                known.insert(format!("{}_count", metric.name), labels);
            } else {
                known.insert(metric.name.to_owned(), labels);
            }
        }
        let listed = std::fs::read_to_string(root().join("tests/monitoring/rabbitmq.txt")).expect("the list of RabbitMQ's metrics");
        let rabbitmq = listed.lines().filter(|line| line.starts_with("rabbitmq_")).map(str::to_owned);
        let process = OF_THE_PROCESS.iter().map(|(name, ..)| (*name).to_owned());
        known.extend(rabbitmq.chain(process).chain(["up".to_owned()]).map(|name| (name, BTreeMap::new())));
        // a recorded series has the labels that its expression keeps
        let mut known = Self(known);
        for (name, expression) in files::recorded() {
            let of_it = known.check(&expression).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
            let labels = asked(&expression).by.into_iter().filter(|label| *label != "le");
            let kept =
                labels.filter_map(|label| of_it.iter().find(|(known, _)| **known == label).map(|(name, values)| (*name, values.clone())));
            let kept = kept.collect();
            known.0.insert(name, kept);
        }
        known
    }

    /// The labels of a series, with what they may say.
    pub fn labels(&self, series: &str) -> Option<&Labels> {
        self.0.get(series)
    }

    /// Is everything that the expression asks for there? Gives the labels of the series that it asks for.
    ///
    /// # Errors
    /// In words: what is not there.
    pub fn check(&self, expression: &str) -> Result<Labels, String> {
        let asked = asked(expression);
        if asked.series.is_empty() {
            return Err(format!("it asks for nothing: {expression}"));
        }
        let mut all = BTreeMap::new();
        for (name, selectors) in &asked.series {
            let labels = self.0.get(*name).ok_or_else(|| format!("there is no {name}: {expression}"))?;
            for (label, is_equal, value) in selectors {
                if ADDED.contains(label) {
                    continue;
                }
                let values = labels.get(label).ok_or_else(|| format!("{name} has no label {label}: {expression}"))?;
                if *is_equal && !value.contains('$') && values.as_ref().is_some_and(|values| !values.contains(value)) {
                    return Err(format!("{label} of {name} never says {value:?}: {expression}"));
                }
            }
            all.extend(labels.iter().map(|(name, values)| (*name, values.clone())));
        }
        match asked.by.iter().find(|label| !ADDED.contains(label) && !all.contains_key(*label)) {
            Some(label) => Err(format!("nothing that it asks for has the label {label}: {expression}")),
            None => Ok(all),
        }
    }
}

impl Default for Known {
    fn default() -> Self {
        Self::new()
    }
}
