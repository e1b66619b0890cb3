//! `countersign preset new`: a preset and its first case, from what the provider's page says.
//!
//! What is not given is asked for, where somebody is there to answer. No answer is judged here: each is put into the preset
//! that it leads to, and the reader of presets says what is wrong with it. So the questions know as many algorithms,
//! encodings and formats as the reader does, and nothing that `new` writes fails to compile.

mod answers;
mod keys;
mod write;

use crate::args::{EntryArgs, NewArgs};
use crate::error::{Exit, Failure};
use crate::output;
use crate::request::{self, Stdin};
use crate::vectors::{Delivered, create, taken};
use crate::verify::advice;
use crate::{scheme, secret, time};
use answers::{Answers, QUESTIONS, Question};
use countersign::{Context, Outcome, Rejection, Vars};
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// The schemas that the files name on their first lines.
const SCHEMAS: [(&str, &str); 2] =
    [("preset.schema.json", super::PRESET_SCHEMA), ("vectors.schema.json", super::VECTORS_SCHEMA)];

/// Write them.
pub(super) fn run(args: &NewArgs) -> Result<Exit, Failure> {
    let NewArgs { name, dir, from, entry, secret, .. } = args;
    check_name(name)?;
    let file = |name: String| if dir == Path::new(".") { PathBuf::from(name) } else { dir.join(name) };
    let (preset, vectors) = (file(format!("{name}.toml")), file(format!("{name}.vectors.toml")));
    for path in [&preset, &vectors] {
        if path.exists() {
            return Err(taken(path));
        }
    }
    let at_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    let mut answers = given(args, at_terminal)?;
    if at_terminal {
        ask(&mut answers, &mut io::stdin().lock(), &mut anstream::stderr().lock())?;
    }
    let compiled = answers.compile().map_err(|wrong| Failure::config(wrong.join("; ")))?;
    let delivered = match from {
        None => None,
        Some(from) => Some(captured(&answers, from, entry, secret)?),
    };
    let texts = [(&preset, answers.preset()), (&vectors, answers.vectors(&compiled, delivered.as_ref())?)];
    let mut said = String::new();
    for (path, text) in texts {
        create(path, &text)?.then_some(()).ok_or_else(|| taken(path))?;
        said.push_str(&format!("wrote {}\n", path.display()));
    }
    for (name, text) in SCHEMAS {
        // One that is there may serve other presets, and is let be.
        let path = file(name.into());
        if create(&path, text)? {
            said.push_str(&format!("wrote {}, by which an editor completes and checks\n", path.display()));
        }
    }
    output::print(&said)?;
    if delivered.is_some() {
        output::warn(&format!(
            "the secret and all headers of the delivery now stand in {}: keep it to yourself, unless they are of a test account",
            vectors.display()
        ));
    }
    output::help(&format!("countersign preset test {name} --presets {}", dir.display()));
    Ok(Exit::Done)
}

/// What the options say. All that is wrong is told at once; and all that is missing, if nobody can be asked.
fn given(args: &NewArgs, can_ask: bool) -> Result<Answers, Failure> {
    let mut answers = Answers::new(&args.name);
    let mut wrong = Vec::new();
    for question in QUESTIONS {
        let Question { option, applies, .. } = question;
        let Some(value) = args.answer(option) else { continue };
        if !applies(&answers) {
            wrong.push(format!(
                "--{option} does not apply: see --mode, and what of the request --signed says is signed"
            ));
            continue;
        }
        match answers.with(option, value) {
            Ok(more) => answers = more,
            Err(says) => wrong.extend(says.iter().map(|says| format!("--{option}: {says}"))),
        }
    }
    if args.from.is_some() == args.secret.is_empty() {
        wrong.push(
            "--from and --secret belong together: a delivery, and the secret that it was signed with".into(),
        );
    }
    let missing = QUESTIONS.iter().filter(|question| question.is_missing(&answers));
    let missing: Vec<String> = missing.map(|question| format!("--{}", question.option)).collect();
    if !can_ask && wrong.is_empty() && !missing.is_empty() {
        let says = format!("not said, and here is nobody to ask: {}", missing.join(", "));
        return Err(Failure::usage(says).next(
            "give them, as `countersign preset new --help` says; or run it at a terminal, and it asks",
        ));
    }
    match wrong.is_empty() {
        true => Ok(answers),
        false => Err(Failure::usage(wrong.join("\n       "))
            .next("`countersign preset new --help` says what each option is")),
    }
}

/// Ask for what is not given. An answer that will not do is told why, and asked for again.
fn ask(answers: &mut Answers, input: &mut impl BufRead, out: &mut impl Write) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::stream("ask", error);
    let (mut asked, name) = (0, answers.name().to_owned());
    for Question { option, asks, explains, applies, default, .. } in QUESTIONS {
        if asks.is_empty() || answers.is_given(option) || !applies(answers) {
            continue;
        }
        let default = default(answers);
        let shown = if default.is_empty() { "nothing" } else { &default };
        write!(out, "\n{asks}\n  {explains}\n[{shown}] ").and_then(|()| out.flush()).map_err(failed)?;
        asked += 1;
        loop {
            let mut line = String::new();
            if input.read_line(&mut line).map_err(failed)? == 0 {
                return Err(Failure::usage(
                    "the answers ended before the questions, and nothing was written",
                ));
            }
            let line = line.trim_end_matches(['\r', '\n']);
            // A blank may be part of a prefix, and of nothing else.
            let value = if option.ends_with("prefix") { line } else { line.trim() };
            let value = if value.is_empty() { &default } else { value };
            match answers.with(option, value) {
                Ok(more) => break *answers = more,
                Err(wrong) => {
                    let mut wrong = output::plain(&wrong.join("; "));
                    // No question asks for the unsafe choice.
                    if wrong.contains("--adjacent accepted") {
                        let begin =
                            format!("; to begin again: countersign preset new {name} --adjacent accepted");
                        wrong.push_str(&begin);
                    }
                    write!(out, "  That will not do: {wrong}\n[{shown}] ")
                        .and_then(|()| out.flush())
                        .map_err(failed)?;
                }
            }
        }
    }
    if asked > 0 {
        writeln!(out, "\nThe same without questions: countersign preset new {name}{}\n", answers.options())
            .map_err(failed)?;
    }
    Ok(())
}

/// A delivery that was kept, if the new preset takes it: else the answers are wrong, and there is nothing to write down.
fn captured(
    answers: &Answers,
    from: &Path,
    entry: &EntryArgs,
    secret: &[String],
) -> Result<Delivered, Failure> {
    let mut stdin = Stdin::default();
    let capture = request::captured(from, entry, &mut stdin)?;
    // It may be old: when it was sent, it says itself, and then is the present of its case.
    let compiled = answers.ageless().compile().map_err(|wrong| Failure::config(wrong.join("; ")))?;
    let ring = secret::keyring(secret, compiled.needs().key_kind(false), &mut stdin)?;
    let url = request::settle_url(&capture, answers.signs_url())?;
    let verifier = compiled.verifier("command-line", &ring, &Vars::new())?;
    let now = time::now();
    match verifier.verify(&capture.request(&url), &Context::at(now)) {
        Outcome::Verified(verified) => {
            let now = verified.signed_at().unwrap_or(now);
            Delivered::new(&capture, url.clone(), now, &ring)
        }
        Outcome::Rejected(Rejection { reason, detail, .. }) => {
            let detail = detail.map_or_else(String::new, |detail| format!(" {}", detail.text));
            let says = format!(
                "such a preset refuses what is in `{}`: {reason}: {}{detail}",
                from.display(),
                reason.says()
            );
            Err(Failure::config(says).next(format!("nothing was written; look at {}", advice(reason))))
        }
        Outcome::Unresolved(_) => Err(Failure::key("the delivery's key would have to be fetched")),
    }
}

/// A name that leads nowhere, and that no preset has yet.
fn check_name(name: &str) -> Result<(), Failure> {
    scheme::check_name(name)
        .map_err(|failure| failure.next("for example: countersign preset new acme-v2"))?;
    let file = format!("{name}.toml");
    if countersign_presets::PRESETS.iter().any(|(known, _)| Path::new(known).ends_with(&file)) {
        return Err(Failure::usage(format!("`{name}` is the name of a preset that is built in")).next(format!(
            "choose another name; `countersign preset show {name} --format toml` prints that preset, to begin with"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn asked(given: &[(&'static str, &str)], typed: &str) -> (Result<Answers, Failure>, String) {
        let mut answers = Answers::new("acme");
        for (option, value) in given {
            answers = answers.with(option, value).unwrap();
        }
        let mut out = Vec::new();
        let asked = ask(&mut answers, &mut typed.as_bytes(), &mut out);
        (asked.map(|()| answers), String::from_utf8(out).unwrap())
    }

    #[test]
    fn every_question_has_a_default_that_will_do() {
        let (answers, out) = asked(&[], &"\n".repeat(20));
        let text = answers.unwrap().preset();
        for line in [
            "algorithm = \"sha256\"",
            "signed_template = \"{timestamp}.{body}\"",
            "signature_source = { header = \"x-acme-signature\", encoding = \"hex\" }",
            "tolerance_seconds = 300",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
        assert!(
            out.contains("\nWhat is signed?\n  body, timestamp.body or")
                && out.contains("\n[timestamp.body] ")
        );
        assert!(
            out.contains("The same without questions: countersign preset new acme --title 'acme'"),
            "{out}"
        );
    }

    #[test]
    fn what_is_given_is_not_asked_nor_what_does_not_apply() {
        let (answers, out) = asked(&[("mode", "token"), ("title", "Acme")], &"\n".repeat(9));
        assert!(answers.unwrap().preset().contains("[token]"));
        for not in ["called?", "Which algorithm", "What is signed?", "holds the time"] {
            assert!(!out.contains(not), "{out}");
        }
    }

    #[test]
    fn a_wrong_answer_is_told_why_and_asked_for_again() {
        let typed = "\n\nhmca\nhmac\nsha257\nsha1\n{bdy}\nbody\nx sig\nx-sig\nv1 \nhexx\nhex\n\n\n";
        let (answers, out) = asked(&[], typed);
        let answers = answers.unwrap();
        assert_eq!(answers.get("algorithm"), "sha1");
        assert_eq!(answers.get("prefix"), "v1 ", "a blank is part of a prefix");
        for why in [
            "That will not do: there is no mode `hmca`: is `hmac` meant?\n[hmac] ",
            "unknown algorithm `sha257`",
            "`bdy`",
            "`x sig` can be no header's name",
            "unknown encoding `hexx`",
        ] {
            assert!(out.contains(why), "{why} is not in:\n{out}");
        }
    }

    #[test]
    fn answers_that_end_early_write_nothing() {
        let (answers, _) = asked(&[], "Acme\n");
        assert!(format!("{:?}", answers.err().unwrap()).contains("ended before the questions"));
    }
}
