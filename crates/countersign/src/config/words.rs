//! Words for people: those they may have meant, and lists that read as a sentence.

/// How many names [`near`] gives at most: more are a list, and no answer.
const HANDFUL: usize = 5;

/// The longest text that [`near`] looks at, in bytes. Nobody types a longer name.
const LONGEST: usize = 128;

/// The known word that `word` was most likely meant to be; the first of equals.
///
/// Upper and lower case, `-` and `_` are no difference. A third of the shorter may be wrong (one of three letters,
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
    known
        .iter()
        .filter_map(|&known| Some((slips(&word, &plain(known))?, known)))
        .min_by_key(|&(slips, _)| slips)
        .map(|(_, known)| known)
        .or_else(|| {
            let mut holding = known.iter().filter(|known| word.len() >= 4 && plain(known).contains(&word));
            holding.next().copied().filter(|_| holding.next().is_none())
        })
}

/// The names that `name` was most likely meant to be: at most five, the likeliest first. Each that is known comes with its
/// title, for whoever does not know a name tries what the thing is called.
///
/// Of the following, the first that finds any; upper and lower case and what stands between words are no difference.
///
/// 1. All the letters and digits of a name: `Ac Me` for `acme`.
/// 2. Words of a name or title: `acme` for `acme-v1` and `acme-v2`, and for `widgets`, which is titled *Widgets (Acme)*.
/// 3. The fewest slips in a name, a title or words of one, and at most as many as [`nearest`] allows: `amce`.
/// 4. Four letters or more of one: `idge` for `widgets`.
/// 5. All this for less: without its last word (`acme-webhooks`), then without the last two, and so on.
pub fn near<'w>(name: &str, known: impl IntoIterator<Item = (&'w str, &'w str)>) -> Vec<&'w str> {
    if name.len() > LONGEST {
        return Vec::new();
    }
    let known: Vec<_> = known.into_iter().map(|(name, title)| (name, [words(name), words(title)])).collect();
    let mut meant = words(name);
    while !meant.is_empty() {
        for way in [same, within, almost, part] {
            let far = known.iter().filter_map(|(name, spelt)| Some((way(&meant, spelt)?, *name)));
            let mut found: Vec<((usize, At), &str)> = far.collect();
            found.sort_unstable();
            if let Some(&((fewest, _), _)) = found.first() {
                let best = found.into_iter().take_while(|((slips, _), _)| *slips == fewest);
                return best.map(|(_, name)| name).take(HANDFUL).collect();
            }
        }
        meant.pop();
    }
    Vec::new()
}

/// The words of a name, and of its title.
type Spelt = [Vec<String>; 2];

/// 0: in the name; 1: in the title.
type At = usize;

/// All the letters and digits, and nothing else.
fn same(meant: &[String], [name, _]: &Spelt) -> Option<(usize, At)> {
    (meant.concat() == name.concat()).then_some((0, 0))
}

/// Words of it: in any order, or written together or apart.
fn within(meant: &[String], spelt: &Spelt) -> Option<(usize, At)> {
    let whole = meant.concat();
    either(spelt, |spelt| {
        (meant.iter().all(|word| spelt.contains(word)) || runs(spelt).any(|run| run == whole)).then_some(0)
    })
}

/// The slips in what comes nearest of it: word for word, for in all of them together those that are right would make up for
/// one that is another; or in words of it that one word is meant to be.
fn almost(meant: &[String], spelt: &Spelt) -> Option<(usize, At)> {
    let each = |known: &[String]| meant.iter().zip(known).map(|(word, known)| slips(word, known)).sum();
    either(spelt, |spelt| match meant {
        [word] => runs(spelt).filter_map(|run| slips(word, &run)).min(),
        _ => spelt.windows(meant.len()).filter_map(each).min(),
    })
}

/// Enough of its letters to tell it by.
fn part(meant: &[String], spelt: &Spelt) -> Option<(usize, At)> {
    let whole = meant.concat();
    let is_enough = whole.chars().count() >= 4;
    either(spelt, |spelt| (is_enough && spelt.concat().contains(&whole)).then_some(0))
}

/// In the name or the title, whichever comes nearer.
fn either(spelt: &Spelt, slips: impl Fn(&[String]) -> Option<usize>) -> Option<(usize, At)> {
    spelt.iter().enumerate().filter_map(|(at, spelt)| Some((slips(spelt)?, at))).min()
}

/// How many slips make one word of the other; `None` if they are more than a third of the letters of the shorter.
fn slips(word: &str, known: &str) -> Option<usize> {
    let (letters, others) = (word.chars().count(), known.chars().count());
    let allowed = letters.min(others) / 3;
    // Most are told apart by this, which costs next to nothing.
    let slips = (letters.abs_diff(others) <= allowed).then(|| strsim::damerau_levenshtein(word, known))?;
    (slips <= allowed).then_some(slips)
}

/// In lower case, without what stands between them.
fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// Every run of neighbouring words, as one.
fn runs(words: &[String]) -> impl Iterator<Item = String> {
    (0..words.len()).flat_map(move |from| (from..words.len()).map(move |to| words[from..=to].concat()))
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
    fn near_finds_names_and_titles_and_guesses_at_little() {
        let known = [
            ("adyen-platform", "Adyen (platforms, banking, management)"),
            ("adyen-standard", "Adyen (standard notifications)"),
            ("apple-app-store", "Apple App Store Server Notifications, version 2"),
            ("github", "GitHub"),
            ("gitlab-signing", "GitLab, signing tokens"),
            ("gitlab-token", "GitLab, secret tokens"),
            ("hubspot-v1", "HubSpot (v1)"),
            ("hubspot-v2", "HubSpot (v2)"),
            ("hubspot-v3", "HubSpot (v3)"),
            ("mailchimp-transactional", "Mailchimp Transactional (Mandrill)"),
            ("meta-graph", "Meta Graph API"),
            ("messenger", "Messenger (Meta)"),
            ("salesforce-marketing-cloud", "Salesforce Marketing Cloud"),
            ("stripe", "Stripe"),
            ("v-one", ""),
            ("v-two", ""),
            ("v-three", ""),
        ];
        for (name, meant) in [
            ("strpe", &["stripe"][..]),
            ("Stripe", &["stripe"]),
            ("Git Hub", &["github"]),
            ("git_hub", &["github"]),
            ("hubspot", &["hubspot-v1", "hubspot-v2", "hubspot-v3"]),
            ("HubSpot v3", &["hubspot-v3"]),
            ("hubspot v9", &["hubspot-v1", "hubspot-v2", "hubspot-v3"]),
            ("adyen", &["adyen-platform", "adyen-standard"]),
            ("adyan", &["adyen-platform", "adyen-standard"]),
            ("Adyen banking", &["adyen-platform"]),
            ("Git Lab", &["gitlab-signing", "gitlab-token"]),
            ("gitlab-webhooks", &["gitlab-signing", "gitlab-token"]),
            ("acme-notifications", &[]),
            ("strpe webhooks", &["stripe"]),
            ("mandrill", &["mailchimp-transactional"]),
            ("appstore", &["apple-app-store"]),
            ("meta", &["meta-graph", "messenger"]), // in a name, then in a title
            ("force", &["salesforce-marketing-cloud"]),
            ("v", &["v-one", "v-three", "v-two"]),
            ("notifications", &["adyen-standard", "apple-app-store"]),
            ("for", &[]),
            ("", &[]),
            ("–", &[]),
            ("banana", &[]),
        ] {
            assert_eq!(near(name, known), meant, "{name}");
        }
        let many = ["acme-a", "acme-b", "acme-c", "acme-d", "acme-e", "acme-f"].map(|name| (name, ""));
        assert_eq!(near("acme", many).len(), HANDFUL);
        assert_eq!(near("anything", []), [""; 0]);
        assert!(near(&"stripe ".repeat(100_000), known).is_empty());
    }

    #[test]
    fn one_of_reads_as_a_sentence() {
        assert_eq!(one_of([]), "nothing");
        assert_eq!(one_of(["a"]), "`a`");
        assert_eq!(one_of(["a", "b"]), "`a` or `b`");
        assert_eq!(one_of(["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
