//! Rules and runbooks: what `promtool` says of them, what they ask for, and that each alert has its page.

use planshift_tests::monitoring::{Known, alerts, expressions, promtool, root, rule_files, runbooks};
use std::{collections::BTreeSet, fs};

#[test]
fn promtool_takes_the_rules_and_each_alert_fires_and_does_not() {
    let files: Vec<String> = rule_files().iter().map(|path| path.display().to_string()).collect();
    let args: Vec<&str> = ["check", "rules"].into_iter().chain(files.iter().map(String::as_str)).collect();
    promtool(&args, "").unwrap_or_else(|said| panic!("{said}"));

    let folder = root().join("tests/monitoring/rules");
    let mut tried = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        promtool(&["test", "rules", &path.display().to_string()], "").unwrap_or_else(|said| panic!("{said}"));
        tried += &fs::read_to_string(path).unwrap();
    }
    for alert in alerts() {
        for what in ["fires", "does not fire"] {
            assert!(tried.contains(&format!("- name: {} {what}\n", alert.name)), "{} has no test that it {what}", alert.name);
        }
    }
}

#[test]
fn what_rules_ask_for_is_there() {
    let known = Known::new();
    for (name, expression) in expressions() {
        known.check(&expression).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
    }
}

#[test]
fn a_rule_that_asks_for_what_is_not_there_is_found() {
    let known = Known::new();
    for wrong in [
        "planshift_messages > 0",
        "sum by (queue) (planshift_ready)",
        r#"planshift_ready{servise="mapping"} == 0"#,
        r#"planshift_ready{service="maping"} == 0"#,
        "rabbitmq_something",
        "planshift:nothing:ratio",
        "1 > 0",
    ] {
        assert!(known.check(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn every_alert_has_its_page_and_every_page_its_alert() {
    let index = fs::read_to_string(root().join("docs/runbooks/README.md")).unwrap();
    let mut pages = BTreeSet::new();
    for alert in alerts() {
        let page = alert.runbook.strip_prefix("docs/runbooks/").and_then(|page| page.strip_suffix(".md"));
        let page = page.unwrap_or_else(|| panic!("{}: {:?}", alert.name, alert.runbook));
        let text = fs::read_to_string(root().join(&alert.runbook)).unwrap_or_else(|error| panic!("{}: {error}", alert.runbook));
        assert!(text.starts_with(&format!("# {}\n", alert.name)), "{page}");
        assert!(text.to_lowercase().contains(&format!("**{}**", alert.severity)), "{page}: {}", alert.severity);
        assert!(text.contains(&format!("rules/{}.yml", alert.file)), "{page}");
        for part in ["What it means", "What a user notices", "How to look", "What to do", "When to escalate"] {
            assert!(text.contains(&format!("\n## {part}\n\n")), "{page}: {part}");
        }
        assert!(index.contains(&format!("\n| [{}]({page}.md) | {} |", alert.name, alert.severity)), "the list lacks {}", alert.name);
        assert!(pages.insert(page.to_owned()), "{page} is of two alerts");
    }
    assert_eq!(pages, runbooks().into_iter().collect::<BTreeSet<_>>());
}
