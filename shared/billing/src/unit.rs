//! What quantities are counted in. Files name the same unit in several ways: utilisation counts `Hours`, daily rated usage `1 Hour`.

/// Units of time, which files name in the singular and in the plural.
const TIMES: [&str; 6] = ["Second", "Minute", "Hour", "Day", "Month", "Year"];

/// One name for a unit, however a file names it: `1 Hour`, `hours` and `Hours` are `Hours`, `1 GB` is `GB`. So many of it are another unit:
/// `100 Hours`.
pub fn unit_name(text: &str) -> String {
    let text = text.trim();
    let (size, what) = match text.split_once(' ') {
        Some((size, what)) if size.bytes().all(|byte| byte.is_ascii_digit()) => (size, what.trim_start()),
        _ => ("1", text),
    };
    let one = what.strip_suffix(['s', 'S']).unwrap_or(what);
    let what = match TIMES.into_iter().find(|time| time.eq_ignore_ascii_case(one)) {
        Some(time) => format!("{time}s"),
        // whether `Gb` is `GB` is not for us to say
        None => what.to_owned(),
    };
    if size == "1" { what } else { format!("{size} {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_unit_has_one_name_and_another_one_has_another() {
        for (texts, name) in [
            (&["Hours", "1 Hour", "Hour", "hours", " 1 HOURS "][..], "Hours"),
            (&["100 Hours", "100 Hour"][..], "100 Hours"),
            (&["GB", "1 GB"][..], "GB"),
            (&["1 GB/Month", "GB/Month"][..], "GB/Month"),
            (&["1/Month"][..], "1/Month"),
            (&["10K"][..], "10K"),
            (&["Gb"][..], "Gb"),
            (&["10,000 Hours"][..], "10,000 Hours"),
            (&["", " "][..], ""),
        ] {
            for text in texts {
                assert_eq!(unit_name(text), name, "{text:?}");
                assert_eq!(unit_name(name), name, "a name is its own");
            }
        }
    }
}
