//! `GET /v1/productUpgrades/batches/{batch}/results`: all rows, as JSON or as a table, written as they are read.

use super::{find, shown};
use crate::{
    app::App,
    batches::{Batch, RowFilter, ShownRow},
    http::{
        context::Context,
        errors::ApiError,
        fields::Parameters,
        tables::{self, Broken, Cell},
    },
    words::Locale,
};
use axum::{
    Extension,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};

/// How many rows are read at a time.
const AT_ONCE: u32 = 1_000;
/// The columns of the table.
const HEADER: [&str; 19] = [
    "row",
    "customerId",
    "companyName",
    "externalReferenceId",
    "state",
    "attempt",
    "transitionId",
    "subscriptions",
    "code",
    "description",
    "reasons",
    "beganAt",
    "endedAt",
    "planState",
    "planHash",
    "planSubscriptions",
    "plansToBuy",
    "plansToReuse",
    "plansToReactivate",
];

/// Where writing has come to.
struct Writing {
    app: App,
    batch: Batch,
    locale: Locale,
    is_table: bool,
    after: u32,
    is_begun: bool,
    is_done: bool,
    /// Held until it is written: work under way.
    _under_way: tokio::sync::mpsc::Sender<()>,
}

pub(in crate::http) async fn results(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let batch = find(&app, &context, &id).await?;
    let is_table = tables::is_asked(&parameters, &headers)?;
    let (kind, ending) = if is_table { (tables::CSV, "csv") } else { ("application/json; charset=utf-8", "json") };
    let name = format!("batch-{}.{ending}", batch.id);
    let under_way = app.under_way.clone();
    let writing =
        Writing { app, batch, locale: context.locale, is_table, after: 0, is_begun: false, is_done: false, _under_way: under_way };
    Ok(tables::file(kind, &name, writing, |mut writing| async move {
        if writing.is_done {
            return Ok(None);
        }
        let piece = writing.next().await?;
        Ok(Some((piece, writing)))
    }))
}

impl Writing {
    async fn next(&mut self) -> Result<Vec<u8>, Broken> {
        let key = (self.batch.id, self.batch.partner.0);
        let rows = self.app.batches.rows(key, RowFilter::default(), self.after, AT_ONCE).await?;
        self.after = rows.last().map_or(self.after, |last| last.number);
        self.is_done = rows.len() < AT_ONCE as usize;
        let is_first = !std::mem::replace(&mut self.is_begun, true);
        if self.is_table {
            return table(&rows, is_first, self.locale);
        }
        let mut out = if is_first { format!("{{\"batchId\":\"{}\",\"items\":[", self.batch.id) } else { String::new() };
        for (index, row) in rows.iter().enumerate() {
            if !is_first || index > 0 {
                out.push(',');
            }
            out += &shown::row(row, self.locale).to_string();
        }
        if self.is_done {
            out += "],\"attributes\":{\"objectType\":\"ProductUpgradeBatchResults\"}}";
        }
        Ok(out.into_bytes())
    }
}

fn table(rows: &[ShownRow], with_header: bool, locale: Locale) -> Result<Vec<u8>, Broken> {
    tables::table(with_header.then_some(&HEADER[..]), rows.iter().map(|row| cells(row, locale)))
}

fn cells(row: &ShownRow, locale: Locale) -> Vec<Cell> {
    let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
    let reasons = crate::http::findings::translated(row.reasons.clone(), locale);
    let reasons = reasons.iter().map(|reason| format!("{} ({})", reason.code, reason.resource_id)).collect::<Vec<_>>().join("; ");
    let plan = row.plan.as_ref();
    let cells: [String; HEADER.len()] = [
        row.number.to_string(),
        row.customer.to_string(),
        row.company_name.clone().unwrap_or_default(),
        row.reference.clone(),
        row.state.name().to_owned(),
        row.attempt.to_string(),
        row.transition.map(|id| id.to_string()).unwrap_or_default(),
        row.subscriptions.to_string(),
        row.code.clone().unwrap_or_default(),
        shown::description(row, locale).unwrap_or_default(),
        reasons,
        row.began_at.map(|at| at.to_string()).unwrap_or_default(),
        row.ended_at.map(|at| at.to_string()).unwrap_or_default(),
        plan.map(|plan| plan.state.clone()).unwrap_or_default(),
        plan.and_then(|plan| plan.hash.clone()).unwrap_or_default(),
        number(plan.map(|plan| plan.subscriptions)),
        number(plan.map(|plan| plan.buy)),
        number(plan.map(|plan| plan.reuse)),
        number(plan.map(|plan| plan.reactivate)),
    ];
    cells.map(Cell::Text).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{batches::RowState, fixtures::id};

    #[test]
    fn a_name_is_no_formula_and_no_end_of_a_cell() {
        let row = ShownRow {
            number: 1,
            customer: id(1),
            company_name: Some("=HYPERLINK(\"http://x\",\"y\")".into()),
            reference: "-1;\"a\"\r\nb".into(),
            state: RowState::Completed,
            attempt: 1,
            transition: None,
            subscriptions: 2,
            code: None,
            description: Some("@x".into()),
            began_at: None,
            ended_at: None,
            given_hash: None,
            plan: None,
            reasons: Vec::new(),
        };
        let text = table(&[row], true, Locale::English).unwrap();
        let mut read = csv::Reader::from_reader(&text[..]);
        assert_eq!(read.headers().unwrap().iter().collect::<Vec<_>>(), HEADER);
        let cells: Vec<csv::StringRecord> = read.records().collect::<Result<_, _>>().unwrap();
        assert_eq!((&cells[0][2], &cells[0][3], &cells[0][9]), ("'=HYPERLINK(\"http://x\",\"y\")", "'-1;\"a\"\r\nb", "'@x"));
    }
}
