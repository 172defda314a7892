//! Which traces are recorded: decided where a trace begins, and never again.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};
use uuid::Uuid;

/// How many traces a second are recorded unless said otherwise: all of them where little happens, few among many.
pub const TRACES_A_SECOND: f64 = 5.0;

/// Decides which traces are recorded.
#[derive(Debug)]
pub enum Sampler {
    /// So many a second at most, and as many at once as in a second. Of those that only look, a tenth as many: who looks once a second
    /// must not leave nothing for those who act. Of batches a fifth as many: under load every one of them has some recorded message
    /// among hundreds, and all their statements would be recorded for it.
    Paced {
        /// Those of which something may follow.
        changes: Pace,
        /// Those that only look.
        looks: Pace,
        /// Those that batches of several messages have to themselves.
        batches: Pace,
    },
    /// This share of them: 0 for none, 1 for all.
    Share(f64),
}

/// So many a second at most.
#[derive(Debug)]
pub struct Pace {
    a_second: f64,
    /// What is left, and since when.
    left: Mutex<(f64, Instant)>,
}

impl Pace {
    fn new(a_second: f64) -> Self {
        Self { a_second, left: Mutex::new((a_second.max(1.0), Instant::now())) }
    }

    fn takes_one(&self) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let there = (left.0 + now.duration_since(left.1).as_secs_f64() * self.a_second).min(self.a_second.max(1.0));
        let takes = there >= 1.0 && self.a_second > 0.0;
        *left = (if takes { there - 1.0 } else { there }, now);
        takes
    }
}

impl Default for Sampler {
    fn default() -> Self {
        Self::paced(TRACES_A_SECOND)
    }
}

impl Sampler {
    /// So many a second at most.
    pub fn paced(a_second: f64) -> Self {
        let pace = |part: f64| Pace::new(a_second / part);
        Self::Paced { changes: pace(1.0), looks: pace(10.0), batches: pace(5.0) }
    }

    /// As `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` say; [`TRACES_A_SECOND`] where they say nothing.
    ///
    /// # Errors
    /// What cannot be read, and what was expected.
    pub fn from_variables(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let given = |name: &str| variable(name).filter(|text| !text.is_empty());
        let number = |default: f64| {
            let Some(text) = given("OTEL_TRACES_SAMPLER_ARG") else { return Ok(default) };
            let wrong = || format!("OTEL_TRACES_SAMPLER_ARG: {text:?} is no number of 0 or more");
            text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0).ok_or_else(wrong)
        };
        let Some(name) = given("OTEL_TRACES_SAMPLER") else { return Ok(Self::default()) };
        match name.as_str() {
            "always_on" | "parentbased_always_on" => Ok(Self::Share(1.0)),
            "always_off" | "parentbased_always_off" => Ok(Self::Share(0.0)),
            "traceidratio" | "parentbased_traceidratio" => match number(1.0)? {
                share if share <= 1.0 => Ok(Self::Share(share)),
                more => Err(format!("OTEL_TRACES_SAMPLER_ARG: {more} is no share from 0 to 1")),
            },
            "parentbased_rate_limited" => number(TRACES_A_SECOND).map(Self::paced),
            _ => Err(format!(
                "OTEL_TRACES_SAMPLER: {name:?} is none of always_on, always_off, traceidratio (each also with parentbased_ before it) and \
                 parentbased_rate_limited"
            )),
        }
    }

    /// Is the trace recorded that begins with these bytes as its id? `changes`: something may follow from it.
    pub(crate) fn decides(&self, changes: bool, random: Uuid) -> bool {
        match self {
            // the same trace everywhere, whoever decides: by the last 7 bytes of its id, which are random. Source: W3C Trace Context,
            // level 2; OpenTelemetry's specification, TraceIdRatioBased.
            Self::Share(share) => {
                let low = random.as_u64_pair().1 & ((1 << 56) - 1);
                *share >= 1.0 || (low as f64 / (1_u64 << 56) as f64) < *share
            }
            Self::Paced { changes: pace, .. } if changes => pace.takes_one(),
            Self::Paced { looks, .. } => looks.takes_one(),
        }
    }

    /// Is the trace of a batch recorded, some messages of which are?
    pub(crate) fn decides_of_batch(&self) -> bool {
        match self {
            Self::Share(_) => true,
            Self::Paced { batches, .. } => batches.takes_one(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, argument: &str) -> Result<Sampler, String> {
        Sampler::from_variables(&|variable| match variable {
            "OTEL_TRACES_SAMPLER" => Some(name.to_owned()),
            _ => Some(argument.to_owned()),
        })
    }

    fn sampled(sampler: &Sampler, many: u32) -> usize {
        (0..many).filter(|_| sampler.decides(true, Uuid::new_v4())).count()
    }

    #[test]
    fn a_share_of_them_is_recorded() {
        assert_eq!((sampled(&read("always_on", "").unwrap(), 100), sampled(&read("always_off", "").unwrap(), 100)), (100, 0));
        let some = sampled(&read("parentbased_traceidratio", "0.25").unwrap(), 4_000);
        assert!((800..1_200).contains(&some), "{some}");
    }

    #[test]
    fn a_few_are_all_recorded_and_many_are_not() {
        let sampler = Sampler::default();
        assert_eq!(sampled(&sampler, 5), 5);
        assert!(sampled(&sampler, 5_000) < 100, "unless the machine needs seconds for it");
        assert!(sampler.decides(false, Uuid::nil()) && !sampler.decides(false, Uuid::nil()), "who looks takes nothing of theirs");
        assert!(sampler.decides_of_batch() && !sampler.decides_of_batch(), "one a second");
        assert!(read("always_on", "").is_ok_and(|all| (0..100).all(|_| all.decides_of_batch())));
        assert_eq!(sampled(&read("parentbased_rate_limited", "0").unwrap(), 10), 0);
    }

    #[test]
    fn what_cannot_be_read_says_what_was_expected() {
        for (name, argument, said) in [
            ("sometimes", "", "always_on"),
            ("traceidratio", "x", "number"),
            ("traceidratio", "2", "0 to 1"),
            ("traceidratio", "-1", "number"),
        ] {
            assert!(read(name, argument).unwrap_err().contains(said), "{name} {argument}");
        }
    }
}
