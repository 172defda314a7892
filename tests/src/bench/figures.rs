//! What is printed for a load: one line of JSON.

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};

/// The figures of one load.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Which system.
    pub system: String,
    /// `closed` or `burst`.
    pub load: &'static str,
    /// How transitions were started and seen to end.
    pub through: super::settings::Through,
    /// How many transitions.
    pub sagas: usize,
    /// Plans of each.
    #[serde(rename = "P")]
    pub plans: usize,
    /// Subscriptions of each.
    #[serde(rename = "S")]
    pub subscriptions: usize,
    /// How many were outstanding at most.
    pub concurrency: usize,
    /// From the first start to the last end.
    pub sagas_per_s: f64,
    /// From just before the start to the end: the median.
    pub p50_ms: f64,
    /// Of a hundred, one took longer.
    pub p99_ms: f64,
    /// Of everything that has a part in it.
    pub cpu_ms_per_saga: f64,
    /// The same, of each.
    #[serde(serialize_with = "in_order")]
    pub cpu_ms_split: Vec<(String, f64)>,
    /// The peak of the proportional set size.
    pub peak_rss_mb: f64,
    /// The same, of each by itself.
    #[serde(serialize_with = "in_order")]
    pub peak_mb_split: Vec<(String, f64)>,
    /// Effects counted in the ledgers.
    pub rows: i64,
    /// How long after the last end the read model was whole.
    pub read_model_lag_ms: f64,
    /// Cores that everything else used meanwhile.
    pub other_cpu: f64,
    /// Which repetition, from 1.
    pub repetition: usize,
}

/// Pairs as an object, in their order.
///
/// # Errors
/// The serializer's.
pub fn in_order<S: Serializer>(pairs: &[(String, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(pairs.len()))?;
    for (name, value) in pairs {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

/// A line, ours or the textbook's, as the summary reads it.
#[derive(Clone, Debug, Deserialize)]
pub struct Line {
    /// Which system.
    pub system: String,
    /// `closed` or `burst`.
    pub load: String,
    /// How many transitions.
    pub sagas: u64,
    /// How many were outstanding at most.
    pub concurrency: u64,
    /// Throughput.
    pub sagas_per_s: f64,
    /// The median.
    pub p50_ms: f64,
    /// Of a hundred, one took longer.
    pub p99_ms: f64,
    /// Of everything that has a part in it.
    pub cpu_ms_per_saga: f64,
    /// The peak.
    pub peak_rss_mb: f64,
    /// Cores that everything else used meanwhile.
    pub other_cpu: f64,
    /// Of ours: how transitions were started and seen to end.
    #[serde(default)]
    pub through: Option<super::settings::Through>,
}

/// With two decimals.
pub fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
