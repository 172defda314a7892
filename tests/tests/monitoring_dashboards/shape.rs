//! What a dashboard is made of, and its JSON. Source: Grafana's dashboard JSON model (schema version 39, Grafana 11).

use serde_json::{Map, Value, json};

/// How many columns a dashboard has.
pub const COLUMNS: u64 = 24;

/// How a panel looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Lines over time.
    Lines,
    /// The last number.
    Number,
    /// A red number where it is not 0.
    Trouble,
    /// Traces that Jaeger finds.
    Traces,
}

/// A panel: its title, look, unit, width in columns, and what it asks for, each with its legend.
pub struct Panel {
    pub title: &'static str,
    pub look: Look,
    /// Grafana's name of it: `s`, `short`, `percentunit`, `bytes`, `reqps`.
    pub unit: &'static str,
    pub width: u64,
    pub asks: &'static [Ask],
    pub says: &'static str,
}

/// An expression of PromQL, its legend, and whether it has something to say on any installation on which transitions were run.
pub struct Ask(pub &'static str, pub &'static str, pub Always);

/// Does it always have something to say?
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Always {
    Yes,
    /// Only where there was trouble, or where something is configured.
    No,
}

/// A row of panels under a title.
pub struct Row {
    pub title: &'static str,
    pub panels: &'static [Panel],
}

/// A dashboard.
pub struct Dashboard {
    /// Its file's name, and its id.
    pub name: &'static str,
    pub title: &'static str,
    pub says: &'static str,
    /// Labels that a reader chooses values of, each with a series that has them.
    pub chosen: &'static [(&'static str, &'static str)],
    /// A transition is typed in.
    pub asks_for_transition: bool,
    pub rows: &'static [Row],
}

impl Panel {
    const fn height(&self) -> u64 {
        match self.look {
            Look::Number | Look::Trouble => 4,
            Look::Lines => 8,
            Look::Traces => 10,
        }
    }

    fn json(&self, id: u64, (x, y): (u64, u64)) -> Value {
        let source = match self.look {
            Look::Traces => json!({ "type": "jaeger", "uid": "jaeger" }),
            _ => json!({ "type": "prometheus", "uid": "${datasource}" }),
        };
        let targets: Vec<Value> = match self.look {
            Look::Traces => vec![json!({
                "refId": "A", "datasource": source, "queryType": "search", "service": "planshift-gateway",
                "tags": "planshift.transition.id=${transition}", "limit": 20,
            })],
            _ => self.asks.iter().enumerate().map(|(place, ask)| ask.json(place, &source)).collect(),
        };
        let (kind, options) = match self.look {
            Look::Lines => (
                "timeseries",
                json!({ "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true }, "tooltip": { "mode": "multi", "sort": "desc" } }),
            ),
            Look::Number | Look::Trouble => (
                "stat",
                json!({ "colorMode": "value", "graphMode": "area", "justifyMode": "auto", "orientation": "auto",
                        "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false }, "textMode": "auto" }),
            ),
            Look::Traces => ("table", json!({ "showHeader": true })),
        };
        let steps = match self.look {
            Look::Trouble => json!([{ "color": "green", "value": null }, { "color": "red", "value": 1 }]),
            _ => json!([{ "color": "green", "value": null }]),
        };
        json!({
            "id": id, "type": kind, "title": self.title, "description": self.says,
            "gridPos": { "x": x, "y": y, "w": self.width, "h": self.height() },
            "datasource": source, "targets": targets, "options": options,
            "fieldConfig": {
                "defaults": { "unit": self.unit, "min": 0, "thresholds": { "mode": "absolute", "steps": steps } },
                "overrides": [],
            },
        })
    }
}

impl Ask {
    fn json(&self, place: usize, source: &Value) -> Value {
        let letter = char::from(b'A' + u8::try_from(place).expect("few queries"));
        json!({ "refId": letter.to_string(), "datasource": source, "expr": self.0, "legendFormat": self.1, "range": true })
    }
}

impl Dashboard {
    /// As Grafana reads it.
    pub fn json(&self) -> Value {
        let (mut panels, mut id, mut y) = (Vec::new(), 0, 0);
        let mut next = || {
            id += 1;
            id
        };
        for row in self.rows {
            panels.push(json!({
                "id": next(), "type": "row", "title": row.title, "collapsed": false, "panels": [],
                "gridPos": { "x": 0, "y": y, "w": COLUMNS, "h": 1 },
            }));
            y += 1;
            let (mut x, mut deepest) = (0, y);
            for panel in row.panels {
                if x + panel.width > COLUMNS {
                    (x, y) = (0, deepest);
                }
                panels.push(panel.json(next(), (x, y)));
                x += panel.width;
                deepest = deepest.max(y + panel.height());
            }
            y = deepest;
        }
        json!({
            "uid": format!("planshift-{}", self.name), "title": self.title, "description": self.says, "tags": ["planshift"],
            "schemaVersion": 39, "version": 1, "editable": true, "graphTooltip": 1, "timezone": "browser", "refresh": "30s",
            "time": { "from": "now-1h", "to": "now" },
            "links": [{ "type": "dashboards", "tags": ["planshift"], "title": "Planshift", "asDropdown": true, "includeVars": false, "keepTime": true }],
            "annotations": { "list": [] },
            "templating": { "list": self.variables() },
            "panels": panels,
        })
    }

    fn variables(&self) -> Vec<Value> {
        let mut variables = vec![json!({
            "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
            "current": { "text": "Prometheus", "value": "prometheus" }, "hide": 0, "includeAll": false, "multi": false,
        })];
        variables.extend(self.chosen.iter().map(|(label, series)| {
            let query = format!("label_values({series}, {label})");
            json!({
                "name": label, "label": label, "type": "query", "query": { "query": query, "refId": "variable" }, "definition": query,
                "datasource": { "type": "prometheus", "uid": "${datasource}" }, "refresh": 2, "sort": 1,
                "includeAll": true, "allValue": ".*", "multi": true, "current": { "text": "All", "value": "$__all" }, "hide": 0,
            })
        }));
        if self.asks_for_transition {
            let mut variable = Map::new();
            for (key, value) in [("name", "transition"), ("label", "Transition"), ("type", "textbox"), ("query", "")] {
                variable.insert(key.to_owned(), value.into());
            }
            variable.insert("hide".to_owned(), 0.into());
            variables.push(variable.into());
        }
        variables
    }
}
