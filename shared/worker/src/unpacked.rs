//! Whose messages travel alone through RabbitMQ: those of a step that waits for an outside system, so that each goes to a worker
//! that has time for it.

use planshift_messaging::Service;

/// Names the steps, with commas between, where the sender does not see the steps' own settings.
pub const VARIABLE: &str = "PLANSHIFT_UNPACKED";

/// The services whose messages a process with these variables sends alone: those that the variable names, and those of which it sees
/// that they have an outside system.
///
/// # Errors
/// What is wrong with the variable.
pub fn unpacked(variable: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Service>, String> {
    let given = |name: &str| variable(name).filter(|text| !text.is_empty());
    let has_outside = |service: &Service| {
        let url = format!("PLANSHIFT_{}_PROVISIONER_URL", service.name().to_uppercase());
        given(&url).is_some() || given(&format!("{url}_FILE")).is_some()
    };
    let mut services: Vec<Service> = Service::ALL.into_iter().filter(has_outside).collect();
    for name in given(VARIABLE).unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let steps = [Service::Purchasing, Service::Mapping, Service::Suspension];
        let service = steps.into_iter().find(|service| service.name() == name);
        services.push(service.ok_or_else(|| format!("{VARIABLE}: {name:?}: purchasing, mapping or suspension was expected"))?);
    }
    Ok(services)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name_or_by_what_is_seen() {
        let of = |name: &'static str, value: &'static str| unpacked(&move |asked| (asked == name).then(|| value.to_owned()));
        assert_eq!(of("", "").unwrap(), []);
        assert_eq!(of(VARIABLE, "mapping, suspension,").unwrap(), [Service::Mapping, Service::Suspension]);
        assert_eq!(of("PLANSHIFT_PURCHASING_PROVISIONER_URL_FILE", "f").unwrap(), [Service::Purchasing]);
        let error = of(VARIABLE, "gateway").unwrap_err();
        assert!(error.contains(VARIABLE) && error.contains("gateway"), "{error}");
    }
}
