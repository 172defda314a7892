//! Request bodies and queries. Their names are matched without regard to case: Partner Center's own samples write
//! `customerId` and `CustomerId`.

use super::errors::{ApiError, BAD_INPUT};
use crate::{
    app::App,
    words::{Words, words},
};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{StatusCode, request::Parts},
};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// The properties of a JSON object, their names in lower case.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    fields: HashMap<String, Value>,
    /// Those that are given in two spellings: which is meant, nobody knows.
    twice: HashSet<String>,
    /// The body as it came: what an idempotency key stands for.
    pub(crate) raw: Bytes,
}

impl Fields {
    /// The properties of a JSON object.
    pub(crate) fn read(raw: Bytes) -> Result<Self, ApiError> {
        if raw.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self { raw, ..Self::default() });
        }
        let text = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&raw);
        let object = match serde_json::from_slice(text) {
            Ok(Value::Object(object)) => object,
            Ok(_) => {
                return Err(ApiError::bad_input(
                    "InvalidBody",
                    words!("The body must be a JSON object.", "Le corps doit être un objet JSON."),
                ));
            }
            Err(error) => {
                return Err(ApiError::bad_input(
                    "InvalidBody",
                    words!("The body is not JSON: {error}.", "Le corps n’est pas du JSON : {error}."),
                ));
            }
        };
        Ok(Self::of(object, raw))
    }

    fn of(object: Map<String, Value>, raw: Bytes) -> Self {
        let (mut fields, mut twice) = (HashMap::with_capacity(object.len()), HashSet::new());
        for (name, value) in object {
            let name = name.to_lowercase();
            if fields.insert(name.clone(), value).is_some() {
                twice.insert(name);
            }
        }
        Self { fields, twice, raw }
    }

    /// A property. What nobody asks for may be given in any number of spellings: it is passed over.
    pub(crate) fn value(&self, name: &str) -> Result<Option<&Value>, ApiError> {
        let key = name.to_lowercase();
        if self.twice.contains(&key) {
            let text = words!("The property {name} is given in two spellings.", "La propriété {name} est donnée en deux orthographes.");
            return Err(ApiError::bad_input("InvalidBody", text));
        }
        Ok(self.fields.get(&key))
    }

    /// A text; absent, null and empty are the same.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.value(name)? {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.contains('\0') => {
                let text = words!(
                    "The property {name} may not have the character U+0000.",
                    "La propriété {name} ne peut pas contenir le caractère U+0000."
                );
                Err(ApiError::bad_input("InvalidBody", text))
            }
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(ApiError::bad_input(
                "InvalidBody",
                words!("The property {name} must be a text.", "La propriété {name} doit être un texte."),
            )),
        }
    }

    /// A whole number within bounds; absent and null are the same.
    pub(crate) fn number(&self, name: &str, least: u32, most: u32) -> Result<Option<u32>, ApiError> {
        let text = || {
            words!(
                "The property {name} must be a number from {least} to {most}.",
                "La propriété {name} doit être un nombre de {least} à {most}."
            )
        };
        let wrong = || ApiError::bad_input("InvalidBody", text());
        match self.value(name)? {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                // 5.0 and 5e0 are whole numbers too, as JSON Schema has it; the nearest of any other is not the number itself
                let whole = value.as_f64().map(|number| number as u32).filter(|whole| value.as_f64() == Some(f64::from(*whole)));
                let number = value.as_u64().and_then(|number| u32::try_from(number).ok()).or(whole);
                number.filter(|number| (least..=most).contains(number)).map(Some).ok_or_else(wrong)
            }
        }
    }

    /// An object's properties; absent and null are the same.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Self>, ApiError> {
        match self.value(name)? {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(object)) => Ok(Some(Self::of(object.clone(), Bytes::new()))),
            Some(_) => Err(ApiError::bad_input(
                "InvalidBody",
                words!("The property {name} must be an object.", "La propriété {name} doit être un objet."),
            )),
        }
    }

    /// The objects of a list of at most so many; absent and null are none.
    pub(crate) fn objects(&self, name: &str, most: usize) -> Result<Vec<Self>, ApiError> {
        let text = || {
            words!(
                "The property {name} must be a list of at most {most} objects.",
                "La propriété {name} doit être une liste d’au plus {most} objets."
            )
        };
        let wrong = || ApiError::bad_input("InvalidBody", text());
        match self.value(name)? {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) if items.len() <= most => {
                let object = |item: &Value| match item {
                    Value::Object(object) => Ok(Self::of(object.clone(), Bytes::new())),
                    _ => Err(wrong()),
                };
                items.iter().map(object).collect()
            }
            Some(_) => Err(wrong()),
        }
    }

    /// True or false; absent and null are false.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.value(name)? {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(ApiError::bad_input(
                "InvalidBody",
                words!("The property {name} must be true or false.", "La propriété {name} doit être true ou false."),
            )),
        }
    }

    /// A list of at most so many texts; absent and null are none.
    pub(crate) fn texts(&self, name: &str, most: usize) -> Result<Vec<&str>, ApiError> {
        let text = || {
            words!(
                "The property {name} must be a list of at most {most} texts.",
                "La propriété {name} doit être une liste d’au plus {most} textes."
            )
        };
        let wrong = || ApiError::bad_input("InvalidBody", text());
        match self.value(name)? {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(texts)) if texts.len() <= most => {
                texts.iter().map(|text| text.as_str().filter(|text| !text.contains('\0')).ok_or_else(wrong)).collect()
            }
            Some(_) => Err(wrong()),
        }
    }
}

impl FromRequest<App> for Fields {
    type Rejection = ApiError;
    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let read = Bytes::from_request(request, app);
        let bytes = tokio::select! {
            bytes = read => bytes,
            () = app.ports.clock.sleep(app.settings.piece_time) => {
                let text = words!("The body did not come in time.", "Le corps n’est pas arrivé à temps.");
                return Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "408", "RequestTimeout", text).retryable());
            }
        };
        Self::read(bytes.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => too_large(app.settings.body_bytes as u64),
            status => {
                let why = rejection.body_text();
                ApiError::new(status, BAD_INPUT, "InvalidBody", words!("{why}", "Le corps ne peut pas être lu : {why}"))
            }
        })?)
    }
}

/// A body beyond its limit.
pub(crate) fn too_large(limit: u64) -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "413",
        "BodyTooLarge",
        words!("The body has more than the {limit} bytes that it may have.", "Le corps dépasse les {limit} octets permis."),
    )
}

/// What a parameter that is an id must be.
pub(crate) const A_GUID: &Words = &Words::both("a GUID", "un GUID");
/// What a parameter that is an MPN id must be.
pub(crate) const A_NUMBER: &Words = &Words::both("a number", "un nombre");
/// What a parameter that names a transition's state must be.
pub(crate) const A_STATE: &Words = &Words::both("a state, as Completed or NeedsOperator", "un état, comme Completed ou NeedsOperator");

/// The parameters of a query, their names in lower case.
#[derive(Debug, Default)]
pub(crate) struct Parameters(HashMap<String, String>);

impl Parameters {
    /// A parameter; absent and empty are the same.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_lowercase()).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A parameter that must be a `T`, where it is given.
    pub(crate) fn parse<T>(&self, name: &str, expected: &Words, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let text_of = || words!("The parameter {name} must be {expected}.", "Le paramètre {name} doit être {expected}."; expected);
        parse(text).map(Some).ok_or_else(|| ApiError::bad_input("InvalidParameter", text_of()))
    }

    /// A parameter that must be a number within bounds, where it is given.
    pub(crate) fn number(&self, name: &str, least: u32, most: u32) -> Result<Option<u32>, ApiError> {
        let parse = |text: &str| text.parse().ok().filter(|number| (least..=most).contains(number));
        self.parse(name, &words!("a number from {least} to {most}", "un nombre de {least} à {most}"), parse)
    }
}

impl FromRequestParts<App> for Parameters {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let query = Query::<Vec<(String, String)>>::from_request_parts(parts, app).await;
        let Query(pairs) = query.map_err(|rejection| {
            let why = rejection.body_text();
            ApiError::bad_input("InvalidParameter", words!("{why}", "Les paramètres ne peuvent pas être lus : {why}"))
        })?;
        let mut parameters = HashMap::with_capacity(pairs.len());
        for (name, value) in pairs {
            // no database keeps it in a text
            if name.contains('\0') || value.contains('\0') {
                let text = words!("No parameter may have the character U+0000.", "Aucun paramètre ne peut contenir le caractère U+0000.");
                return Err(ApiError::bad_input("InvalidParameter", text));
            }
            if parameters.insert(name.to_lowercase(), value).is_some() {
                let text = words!("The parameter {name} is given twice.", "Le paramètre {name} est donné deux fois.");
                return Err(ApiError::bad_input("InvalidParameter", text));
            }
        }
        Ok(Self(parameters))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_but_not_twice() {
        let fields = Fields::read(Bytes::from_static(b"\xef\xbb\xbf{\"CustomerID\": \"x\", \"productFamily\": null, \"n\": 1}")).unwrap();
        assert_eq!(fields.text("customerId").unwrap(), Some("x"));
        assert_eq!(fields.text("productFamily").unwrap(), None);
        assert!(fields.text("n").is_err());
        assert_eq!((fields.number("N", 1, 5).unwrap(), fields.number("m", 1, 5).unwrap()), (Some(1), None));
        let floats = Fields::read(Bytes::from_static(b"{\"a\": 5.0, \"b\": 5e0, \"c\": 5.5, \"d\": -1.0, \"e\": 1e300}")).unwrap();
        assert_eq!((floats.number("a", 1, 5).unwrap(), floats.number("b", 1, 5).unwrap()), (Some(5), Some(5)));
        for wrong in ["c", "d", "e"] {
            assert!(floats.number(wrong, 0, u32::MAX).is_err(), "{wrong}");
        }
        assert!(fields.number("n", 2, 5).is_err() && fields.number("customerId", 1, 5).is_err() && fields.flag("n").is_err());
        assert!(!fields.flag("m").unwrap() && fields.texts("m", 1).unwrap().is_empty() && fields.texts("n", 1).is_err());
        for wrong in [&b"[]"[..], b"{", b"\"x\""] {
            assert!(Fields::read(Bytes::from_static(wrong)).is_err());
        }
        let twice = Fields::read(Bytes::from_static(b"{\"a\":\"1\",\"A\":\"2\",\"b\":\"3\"}")).unwrap();
        assert!(twice.text("a").is_err() && twice.value("A").is_err());
        assert_eq!(twice.text("b").unwrap(), Some("3"), "of those that nobody asks for");
        assert_eq!(Fields::read(Bytes::from_static(b" \n")).unwrap().text("a").unwrap(), None);
    }
}
