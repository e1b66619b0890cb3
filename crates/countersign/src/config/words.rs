//! Words for people: the one they may have meant, and lists that read as a sentence.

/// The known word that `word` was most likely meant to be; the first of equals.
///
/// Upper and lower case, `-` and `_` are no difference. A third of the letters may be wrong (one of three,
/// two of six; swapped neighbours are one mistake); failing that, a word of four letters or more that is part
/// of exactly one known word is taken for it (`tolerance` for `tolerance_seconds`). `None` rather than a wild
/// guess. Costs nothing for words much longer than any known one.
pub fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let known: Vec<&'w str> = known.into_iter().collect();
    let longest = known.iter().map(|known| known.len()).max()?;
    if word.len() > 2 * longest {
        return None;
    }
    let plain = |word: &str| word.to_lowercase().replace('-', "_");
    let word = plain(word);
    let allowed = word.chars().count() / 3;
    known
        .iter()
        .map(|&known| (strsim::damerau_levenshtein(&word, &plain(known)), known))
        .filter(|&(mistakes, _)| mistakes <= allowed)
        .min_by_key(|&(mistakes, _)| mistakes)
        .map(|(_, known)| known)
        .or_else(|| {
            let mut holding = known.iter().filter(|known| word.len() >= 4 && plain(known).contains(&word));
            holding.next().copied().filter(|_| holding.next().is_none())
        })
}

/// `` `a`, `b` or `c` ``; `nothing` for an empty list. The words are quoted, not escaped: they are meant to
/// be our own.
pub fn one_of<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => "nothing".into(),
        Some((only, [])) => only.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_knows_a_slip_from_another_word() {
        let known = [
            "algorithm",
            "signed_template",
            "signature_source",
            "tolerance_seconds",
            "key",
            "kv_pairs",
            "sha256",
            "sha512",
        ];
        for (word, meant) in [
            ("algoritm", Some("algorithm")),
            ("SHA256", Some("sha256")),
            ("sha-256", Some("sha256")),
            ("kv-pairs", Some("kv_pairs")),
            ("signature_soucre", Some("signature_source")),
            ("tolerance", Some("tolerance_seconds")),
            ("template", Some("signed_template")),
            ("kye", Some("key")),
            ("sign", None), // part of two
            ("k", None),
            ("", None),
            ("banana", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
        assert_eq!(nearest("anything", []), None);
        assert_eq!(nearest(&"algorithm".repeat(100_000), known), None);
    }

    #[test]
    fn one_of_reads_as_a_sentence() {
        assert_eq!(one_of([]), "nothing");
        assert_eq!(one_of(["a"]), "`a`");
        assert_eq!(one_of(["a", "b"]), "`a` or `b`");
        assert_eq!(one_of(["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
