//! A trace as a picture: what was sent from whom to whom and when, as an OTLP receiver got it.

use crate::otlp::{Span, Trace};
use std::fmt::Write as _;

/// How wide the picture is, in pixels.
const WIDTH: f64 = 1180.0;
/// Where its times begin, and how much is free at their end.
const LEFT: f64 = 560.0;
const RIGHT: f64 = 24.0;
/// Where its rows begin, and how high one is.
const TOP: f64 = 64.0;
const ROW: f64 = 19.0;
/// How far a span stands to the right of the one above it.
const INDENT: f64 = 9.0;
/// A service, and its colour.
const SERVICES: [(&str, &str); 6] = [
    ("gateway", "#4878a8"),
    ("coordinator", "#6a5f96"),
    ("eligibility", "#3f8f8a"),
    ("purchasing", "#8a8a3a"),
    ("mapping", "#3d8b52"),
    ("suspension", "#a5703c"),
];
const FAILED: &str = "#c0392b";

/// A span that has a row of its own, with how deep it is and when its statements were.
struct Row<'a> {
    span: &'a Span,
    depth: usize,
    statements: Vec<&'a Span>,
}

/// Draws requests and messages, a row for each; what the database was asked meanwhile is marked within it.
pub fn draw(trace: &Trace) -> String {
    let mut rows = Vec::new();
    add(trace, trace.root(), 0, &mut rows);
    let begin = rows.iter().map(|row| row.span.times.0).min().unwrap_or_default();
    let end = rows.iter().map(|row| row.span.times.1).max().unwrap_or_default().max(begin + 1);
    let scale = Scale { begin, per_pixel: (end - begin) as f64 / (WIDTH - LEFT - RIGHT) };
    let height = TOP + ROW * rows.len() as f64 + 12.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    // writing to a String cannot fail
    for (place, (service, colour)) in SERVICES.iter().enumerate() {
        let x = 12.0 + 105.0 * place as f64;
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"12\" width=\"11\" height=\"11\" rx=\"2\" fill=\"{colour}\"/><text x=\"{}\" y=\"22\" fill=\"#333\">{service}</text>",
            x + 16.0
        );
    }
    scale.axis(&mut svg, height);
    for (place, row) in rows.iter().enumerate() {
        row.draw(&mut svg, TOP + ROW * place as f64, &scale);
    }
    svg.push_str("</svg>\n");
    svg
}

/// A span, and beneath it those that it has caused. What was received is processed: that is one row.
fn add<'a>(trace: &'a Trace, span: &'a Span, depth: usize, rows: &mut Vec<Row<'a>>) {
    let mut below: Vec<&Span> = trace.0.iter().filter(|other| other.parent == span.id).collect();
    below.sort_by_key(|other| other.times);
    let is_statement = |other: &&Span| !other.attribute("db.system.name").is_empty();
    let (statements, below): (Vec<&Span>, Vec<&Span>) = below.into_iter().partition(is_statement);
    let is_shown = span.kind != "Client";
    if is_shown {
        rows.push(Row { span, depth, statements });
    }
    for other in below {
        add(trace, other, depth + usize::from(is_shown), rows);
    }
}

struct Scale {
    begin: u64,
    per_pixel: f64,
}

impl Scale {
    fn x(&self, at: u64) -> f64 {
        LEFT + at.saturating_sub(self.begin) as f64 / self.per_pixel
    }

    /// Lines at round numbers of milliseconds.
    fn axis(&self, svg: &mut String, height: f64) {
        let whole = self.per_pixel * (WIDTH - LEFT - RIGHT) / 1e6;
        let step =
            [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0].into_iter().find(|step| whole / step <= 8.0).unwrap_or(5_000.0);
        for number in 0..=(whole / step) as u32 {
            let (ms, x) = (step * f64::from(number), LEFT + step * f64::from(number) * 1e6 / self.per_pixel);
            let _ = writeln!(
                svg,
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"#e4e4e4\"/><text x=\"{x:.1}\" y=\"{:.1}\" fill=\"#777\" text-anchor=\"middle\">{ms} ms</text>",
                TOP - 8.0,
                height - 8.0,
                TOP - 13.0
            );
        }
    }
}

impl Row<'_> {
    fn draw(&self, svg: &mut String, y: f64, scale: &Scale) {
        let service = self.span.service.trim_start_matches("planshift-");
        let colour = SERVICES.iter().find(|(name, _)| *name == service).map_or("#777777", |(_, colour)| colour);
        let (state, what) = (self.span.attribute("planshift.transition.state"), self.span.attribute("planshift.message.type"));
        let (verb, _) = self.span.name.split_once(' ').unwrap_or((&self.span.name, ""));
        let what = if self.span.kind == "Server" { &self.span.name[verb.len()..] } else { what };
        let ends = if state.is_empty() { String::new() } else { format!(" → {state}") };
        let ink = if self.span.error.is_some() { FAILED } else { "#222222" };
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{ink}\">{} {}{}</text>",
            12.0 + INDENT * self.depth as f64,
            y + 10.0,
            escaped(verb),
            escaped(what.trim()),
            escaped(&ends)
        );
        let (from, to) = (scale.x(self.span.times.0), scale.x(self.span.times.1));
        let (height, opacity) = if self.span.kind == "Producer" { (4.0, 0.55) } else { (11.0, 1.0) };
        let edge = if self.span.error.is_some() { format!(" stroke=\"{FAILED}\" stroke-width=\"2\"") } else { String::new() };
        let _ = writeln!(
            svg,
            "<rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height}\" rx=\"1.5\" fill=\"{colour}\" fill-opacity=\"{opacity}\"{edge}/>",
            y + (11.0 - height) / 2.0,
            (to - from).max(1.5)
        );
        for statement in &self.statements {
            let (from, to) = (scale.x(statement.times.0), scale.x(statement.times.1));
            let _ = writeln!(
                svg,
                "<rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"5\" fill=\"#ffffff\" fill-opacity=\"0.75\"/>",
                y + 3.0,
                (to - from).max(0.6)
            );
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
