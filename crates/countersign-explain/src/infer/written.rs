//! What was found, as lines of a preset.

use crate::candidates::Candidate;
use crate::layers::quoted;
use crate::secret;

/// The spellings of a secret that came to the key, as lines of a preset.
pub(super) fn forms_of(variants: &[secret::Variant], matched: &[usize]) -> Vec<String> {
    let line = |variant: &secret::Variant| match &variant.deviation {
        None => "key = { forms = [{ decode = \"text\" }] }\n".to_owned(),
        Some(deviation) => match &deviation.patch {
            Some(patch) => format!("key = {{ {} }}\n", patch.trim_start_matches("key.")),
            None => "key = { forms = [{ decode = \"pem\" }, { decode = \"jwk\" }, { decode = \"hex\" }] }\n"
                .to_owned(),
        },
    };
    let mut lines: Vec<String> = matched.iter().filter_map(|at| variants.get(*at)).map(line).collect();
    // A public key is told by its container, whatever it was read from.
    lines.extend(
        ["hex", "base64"].map(|decode| format!("key = {{ forms = [{{ decode = \"{decode}\" }}] }}\n")),
    );
    lines.dedup();
    lines
}

/// How a signature may be cut out of where it stands, the plainest first.
pub(super) fn sources(candidate: &Candidate) -> Vec<String> {
    let place = candidate.place.toml();
    let encoding = format!("encoding = \"{}\"", candidate.encoding);
    let before = candidate.before.as_str();
    let mut sources = Vec::new();
    if before.is_empty() && candidate.after.is_empty() {
        sources.push(format!("{place}, {encoding}"));
    }
    for between in [",", ";", " ", "&"] {
        let last = before.rsplit(between).next().unwrap_or_default().trim_start();
        if let Some(key) = last.strip_suffix('=').filter(|key| !key.is_empty()) {
            let separator = if between == "," {
                String::new()
            } else {
                format!(", pair_separator = {}", quoted(between))
            };
            if before.contains(between) || candidate.after.starts_with(between) {
                sources.push(format!(
                    "{place}, extract = \"kv_pairs\", key = {}{separator}, {encoding}",
                    quoted(key)
                ));
            }
        }
        if candidate.after.starts_with(between) || before.contains(between) {
            // One of a list, behind a word.
            sources.push(match last {
                "" => format!("{place}, list = {}, {encoding}", quoted(between)),
                last => format!(
                    "{place}, list = {}, extract = \"prefix\", prefix = {}, {encoding}",
                    quoted(between),
                    quoted(last)
                ),
            });
        }
    }
    if !before.is_empty() {
        sources.push(format!("{place}, extract = \"prefix\", prefix = {}, {encoding}", quoted(before)));
    }
    sources
}
