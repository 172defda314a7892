//! The outside systems of the workers in this process.

use crate::{exit::Failure, settings::Environment};
use planshift_domain::step::Step;
use planshift_worker::provisioner::Target;

/// For each step at most one.
#[derive(Clone, Debug, Default)]
pub struct Provisioners(Vec<(Step, Target)>);

impl Provisioners {
    /// By the environment.
    ///
    /// # Errors
    /// Usage: a variable is wrong; it is named.
    pub fn by(environment: Environment<'_>) -> Result<Self, Failure> {
        let mut all = Vec::new();
        for step in Step::ALL {
            let target = planshift_provisioner::from_variables(step, environment).map_err(|error| Failure::usage(error.to_string()))?;
            all.extend(target.map(|target| (step, target)));
        }
        Ok(Self(all))
    }

    /// A step's.
    pub fn of(&self, step: Step) -> Option<Target> {
        self.0.iter().find(|(of, _)| *of == step).map(|(_, target)| target.clone())
    }
}
