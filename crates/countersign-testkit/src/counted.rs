//! How many cases a file of vectors has, for a list of many presets: reading them all would take longer than compiling those.
//!
//! Lines are looked at, and no tree is made of them: a case begins with `[[case]]`, and says `source` and `expect` on lines of
//! their own. So does every file that ships, which a test holds, and whoever begins one with `preset new`.

use crate::vectors::{CaseSource, Expect};

/// The cases of a file by who says that they are right.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counted {
    /// From outside this project.
    pub published: usize,

    /// Made by ourselves: they show that two programs agree.
    pub generated: usize,

    /// Whether a published delivery verifies.
    pub proven: bool,
}

impl Counted {
    /// That of a text in TOML. What is wrong with it is passed over, for whoever reads it tells.
    pub fn of(text: &str) -> Self {
        let mut counted = Counted::default();
        for case in text.split("\n[[case]]").skip(1) {
            let source = said(case, "source").unwrap_or_default();
            // What is no source at all proves nothing.
            match CaseSource::WORDS.iter().any(|(word, known)| *word == source && known.is_proof()) {
                false => counted.generated += 1,
                true => {
                    counted.published += 1;
                    counted.proven |= said(case, "expect") == Some(Expect::Ok.code());
                }
            }
        }
        counted
    }
}

/// The text in quotes at a key.
fn said<'t>(case: &'t str, key: &str) -> Option<&'t str> {
    let value = case.lines().find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='))?;
    value.trim_start().strip_prefix('"')?.split('"').next()
}
