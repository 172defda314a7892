//! The dashboards for Grafana, `deploy/grafana/dashboards`: made of the tables here, checked here, and asked of a real Prometheus.
//! After a change: `PLANSHIFT_UPDATE_DOCS=1 cargo test --workspace --test monitoring_dashboards`.
//!
//! Grafana itself does not take part: what is checked is what it reads.

mod journey;
mod live;
mod mapping;
mod overview;
mod servers;
mod shape;

use planshift_tests::monitoring::{Known, asked, promtool, root};
use serde_json::Value;
use shape::{Ask, COLUMNS, Dashboard};
use std::{collections::BTreeSet, env, fmt::Write as _, fs};

const ALL: [Dashboard; 4] = [overview::OVERVIEW, journey::JOURNEY, mapping::MAPPING, servers::SERVERS];

fn asks(dashboard: &Dashboard) -> impl Iterator<Item = &Ask> {
    dashboard.rows.iter().flat_map(|row| row.panels).flat_map(|panel| panel.asks)
}

/// The expression with the variables' values as they are when nobody has chosen any.
fn resolved(dashboard: &Dashboard, expression: &str) -> String {
    let text = expression.replace("$__rate_interval", "1m");
    dashboard.chosen.iter().fold(text, |text, (label, _)| text.replace(&format!("${label}"), ".*"))
}

#[test]
fn the_files_are_what_the_tables_say() {
    let folder = root().join("deploy/grafana/dashboards");
    let mut names = BTreeSet::new();
    for dashboard in ALL {
        let path = folder.join(format!("{}.json", dashboard.name));
        let json = serde_json::to_string_pretty(&dashboard.json()).unwrap() + "\n";
        if env::var_os("PLANSHIFT_UPDATE_DOCS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &json).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == json,
            "{}.json is stale: PLANSHIFT_UPDATE_DOCS=1 cargo test --workspace --test monitoring_dashboards",
            dashboard.name
        );
        names.insert(format!("{}.json", dashboard.name));
    }
    let there = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<BTreeSet<_>>();
    assert_eq!(names, there, "a file without a table");
}

/// The shape that Grafana reads, as far as that can be told without it.
#[test]
fn the_files_have_the_shape_that_grafana_reads() {
    let mut uids = BTreeSet::new();
    for dashboard in ALL {
        let json = dashboard.json();
        let name = dashboard.name;
        assert!(uids.insert(json["uid"].as_str().unwrap().to_owned()) && json["uid"].as_str().unwrap().len() <= 40, "{name}");
        assert!(json["schemaVersion"].as_u64() >= Some(36) && json["title"].is_string() && json["time"]["from"].is_string(), "{name}");
        let variables: BTreeSet<&str> =
            json["templating"]["list"].as_array().unwrap().iter().map(|variable| variable["name"].as_str().unwrap()).collect();
        let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
        for panel in json["panels"].as_array().unwrap() {
            let title = panel["title"].as_str().unwrap();
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}: {title}: an id twice");
            let side = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(side("x") + side("w") <= COLUMNS && side("w") > 0, "{name}: {title} is too wide");
            for cell in (side("x")..side("x") + side("w")).flat_map(|x| (side("y")..side("y") + side("h")).map(move |y| (x, y))) {
                assert!(taken.insert(cell), "{name}: {title} lies on another panel");
            }
            if panel["type"] == "row" {
                continue;
            }
            let kind = panel["type"].as_str().unwrap();
            assert!(["timeseries", "stat", "table"].contains(&kind), "{name}: {title}: {kind}");
            assert!(
                panel["fieldConfig"]["defaults"]["unit"].is_string() && panel["fieldConfig"]["overrides"].is_array(),
                "{name}: {title}"
            );
            let mut letters = BTreeSet::new();
            for target in panel["targets"].as_array().unwrap() {
                assert!(letters.insert(target["refId"].as_str().unwrap()), "{name}: {title}");
                for used in variables_in(&target.to_string()) {
                    assert!(used.starts_with("__") || variables.contains(used.as_str()), "{name}: {title}: there is no variable {used}");
                }
            }
            assert!(!letters.is_empty(), "{name}: {title} asks for nothing");
        }
    }
}

/// Names after a `$`.
fn variables_in(text: &str) -> Vec<String> {
    let after = text.split('$').skip(1).map(|after| after.trim_start_matches('{'));
    after.map(|after| after.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()).collect()
}

#[test]
fn what_dashboards_ask_for_is_there() {
    let known = Known::new();
    for dashboard in ALL {
        for Ask(expression, legend, _) in asks(&dashboard) {
            known.check(expression).unwrap_or_else(|wrong| panic!("{}: {wrong}", dashboard.name));
            let by = asked(expression).by;
            for label in legend.split("{{").skip(1).map(|after| after.split("}}").next().unwrap()) {
                // what is not aggregated has the label of its process
                assert!(by.contains(&label) || (by.is_empty() && label == "instance"), "{}: {{{{{label}}}}}: {expression}", dashboard.name);
            }
        }
        for (label, series) in dashboard.chosen {
            known.check(&format!("sum by ({label}) ({series})")).unwrap_or_else(|wrong| panic!("{}: {wrong}", dashboard.name));
        }
    }
}

#[test]
fn every_expression_is_one() {
    let mut rules = "groups:\n  - name: dashboards\n    rules:\n".to_owned();
    for dashboard in ALL {
        for (place, Ask(expression, ..)) in asks(&dashboard).enumerate() {
            let name = format!("dashboard:{}:n{place}", dashboard.name.replace('-', "_"));
            let text = serde_json::to_string(&resolved(&dashboard, expression)).unwrap();
            writeln!(rules, "      - record: {name}\n        expr: {text}").unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dashboards.yml");
    fs::write(&file, &rules).unwrap();
    promtool(&["check", "rules", &file.display().to_string()], "").unwrap_or_else(|said| panic!("{said}"));
    // and it would be found
    fs::write(&file, rules.replacen("sum(", "sum((", 1)).unwrap();
    promtool(&["check", "rules", &file.display().to_string()], "").unwrap_err();
}

/// What Grafana is given at its start names the data sources that dashboards ask, and the folder that they are in.
#[test]
fn provisioning_names_the_data_sources() {
    let read = |file: &str| fs::read_to_string(root().join("deploy/grafana/provisioning").join(file)).unwrap();
    let sources = read("datasources/planshift.yml");
    let uids: BTreeSet<&str> = sources.lines().filter_map(|line| line.trim().strip_prefix("uid: ")).collect();
    assert_eq!(uids, BTreeSet::from(["jaeger", "prometheus"]));
    for dashboard in ALL {
        let json: Value = dashboard.json();
        let default = json["templating"]["list"][0]["current"]["value"].as_str().unwrap().to_owned();
        assert!(uids.contains(default.as_str()), "{default}");
    }
    assert!(read("dashboards/planshift.yml").contains("path: /var/lib/grafana/dashboards\n"));
}
