//! The questions of `preset new`, and what is answered so far.

use super::write;
use countersign::config::nearest;
use countersign::{Compiled, ModeInfo};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One question, and the option that answers it.
pub(super) struct Question {
    /// Without its hyphens.
    pub(super) option: &'static str,
    pub(super) asks: &'static str,
    pub(super) explains: &'static str,
    /// Nothing may be assumed: what fits most senders fits none in particular.
    needed: bool,
    /// Whether it is a question at all, given the answers before it.
    pub(super) applies: fn(&Answers) -> bool,
    pub(super) default: fn(&Answers) -> String,
}

impl Question {
    /// Whether it has to be answered and is not. What hangs on another answer is not missing before that one.
    pub(super) fn is_missing(&self, answers: &Answers) -> bool {
        let Question { option, needed, applies, .. } = self;
        let hangs = option.starts_with("timestamp") || option.starts_with("id-");
        *needed && !answers.is_given(option) && applies(answers) && (!hangs || answers.is_given("signed"))
    }
}

/// In the order in which they are asked: each may look at the answers before it.
pub(super) const QUESTIONS: &[Question] = &[
    Question {
        option: "title",
        asks: "What is the provider called?",
        explains: "For people, who see it in lists.",
        needed: false,
        applies: |_| true,
        default: |answers| answers.name.clone(),
    },
    Question {
        option: "reference",
        asks: "Which page of the provider says how it signs?",
        explains: "A URL, so that others can check what you write.",
        needed: false,
        applies: |_| true,
        default: |_| String::new(),
    },
    Question {
        option: "mode",
        asks: "How is it proved who sent a request?",
        explains: "hmac: with a secret that both sides hold. ed25519 or public-key (ECDSA, RSA): with a key pair. token: a secret is shown, and nothing is signed.",
        needed: false,
        applies: |_| true,
        default: |_| "hmac".into(),
    },
    Question {
        option: "algorithm",
        asks: "Which algorithm signs?",
        explains: "Of hmac it is the hash: sha256, sha1, sha384 or sha512. `countersign mode show MODE` has one of another mode.",
        needed: false,
        applies: Answers::signs,
        default: |answers| answers.own("algorithm"),
    },
    Question {
        option: "adjacent",
        // Never asked: whoever needs it is told so, and the unsafe choice has to be spelled.
        asks: "",
        explains: "",
        needed: false,
        applies: Answers::signs,
        default: |_| String::new(),
    },
    Question {
        option: "signed",
        asks: "What is signed?",
        explains: "body, timestamp.body or id.timestamp.body; or a template of your own, such as v0:{timestamp}:{body} or {method} {url} {body}.",
        needed: true,
        applies: Answers::signs,
        default: |_| "timestamp.body".into(),
    },
    Question {
        option: "signature-header",
        asks: "Which header holds the signature, or the token?",
        explains: "Its name; upper or lower case is the same.",
        needed: true,
        applies: |_| true,
        default: |answers| {
            format!("x-{}-{}", answers.name, if answers.signs() { "signature" } else { "token" })
        },
    },
    Question {
        option: "prefix",
        asks: "What stands before it in that header?",
        explains: "Such as sha256= or v1, exactly as it is sent. Of a token, such as Bearer.",
        needed: false,
        applies: |_| true,
        default: |_| String::new(),
    },
    Question {
        option: "encoding",
        asks: "How are the signature's bytes written?",
        explains: "hex (0-9 and a-f), base64 (also + and /) or base64url (also - and _).",
        needed: true,
        applies: Answers::signs,
        default: |answers| if answers.get("mode") == "public-key" { "base64".into() } else { "hex".into() },
    },
    Question {
        option: "timestamp-header",
        asks: "Which header holds the time that is signed?",
        explains: "Its name.",
        needed: true,
        applies: Answers::signs_time,
        default: |answers| format!("x-{}-timestamp", answers.name),
    },
    Question {
        option: "signature-key",
        asks: "That header holds both, as in t=…,v1=…: what is the signature's key?",
        explains: "What stands before its sign of equality.",
        needed: true,
        applies: Answers::in_one_header,
        default: |_| "v1".into(),
    },
    Question {
        option: "timestamp-key",
        asks: "And the time's?",
        explains: "What stands before its sign of equality.",
        needed: true,
        applies: Answers::in_one_header,
        default: |_| "t".into(),
    },
    Question {
        option: "pair-separator",
        asks: "And what stands between the two?",
        explains: "A comma, mostly.",
        needed: false,
        applies: Answers::in_one_header,
        default: |_| ",".into(),
    },
    Question {
        option: "timestamp-format",
        asks: "How is that time written?",
        explains: "unix (ten digits), unix_ms (thirteen), rfc3339 (2026-01-02T03:04:05Z), iso8601_utc or http_date.",
        needed: true,
        applies: Answers::signs_time,
        default: |_| "unix".into(),
    },
    Question {
        option: "tolerance",
        asks: "How old may a message be, in seconds?",
        explains: "What the provider's page says; 300 is what most say.",
        needed: false,
        applies: Answers::signs_time,
        default: |_| "300".into(),
    },
    Question {
        option: "id-header",
        asks: "Which header holds the message's id?",
        explains: "Its name.",
        needed: true,
        applies: Answers::signs_id,
        default: |answers| format!("x-{}-id", answers.name),
    },
    Question {
        option: "secret-form",
        asks: "How is the secret or the public key written that the provider shows?",
        explains: "text: its letters are the key themselves. hex, base64, base64url: they spell the key's bytes. pem: a public key between BEGIN and END.",
        needed: true,
        applies: |_| true,
        default: |answers| match &*answers.get("mode") {
            "ed25519" => "hex".into(),
            "public-key" => "pem".into(),
            _ => "text".into(),
        },
    },
    Question {
        option: "secret-prefix",
        asks: "What stands before it, and is no part of the key?",
        explains: "Such as whsec_. If the prefix is part of the key, say nothing here.",
        needed: false,
        applies: |answers| !answers.get("secret-form").starts_with("pem"),
        default: |_| String::new(),
    },
];

/// The modes for which there is a made-up key to sign a first case with.
const MODES: [&str; 4] = ["hmac", "ed25519", "public-key", "token"];

/// What is answered so far. The rest is as it would be if nobody said anything.
#[derive(Clone)]
pub(super) struct Answers {
    name: String,
    given: BTreeMap<&'static str, String>,
}

impl Answers {
    pub(super) fn new(name: &str) -> Self {
        Answers { name: name.into(), given: BTreeMap::new() }
    }

    /// With one more; or all that is wrong with that.
    pub(super) fn with(&self, option: &'static str, value: &str) -> Result<Self, Vec<String>> {
        let mut more = self.clone();
        more.given.insert(option, value.into());
        if option == "mode" && !MODES.contains(&value) {
            return Err(vec![no_such_mode(value)]);
        }
        let text = more.get("signed");
        if option == "signed" && !text.contains('{') {
            return Err(vec![format!(
                "`{text}` is neither body, timestamp.body or id.timestamp.body, nor a template: write one with braces, such as {{body}}.{{timestamp}}"
            )]);
        }
        if more.in_one_header() && !more.get("prefix").is_empty() {
            return Err(vec![
                "one header holds signature and time: leave --prefix out, and give --signature-key and --timestamp-key".into(),
            ]);
        }
        let compiled = more.compile()?;
        write::made_up(&more, &compiled).map_err(|wrong| vec![wrong])?;
        Ok(more)
    }

    /// Where age does not matter.
    pub(super) fn ageless(&self) -> Self {
        let mut more = self.clone();
        more.given.insert("tolerance", "none".into());
        more
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_given(&self, option: &str) -> bool {
        self.given.contains_key(option)
    }

    /// What holds: the answer, or else the default. What is signed is spelled out.
    pub(super) fn get(&self, option: &str) -> String {
        let question = QUESTIONS.iter().find(|question| question.option == option);
        let given = self.given.get(option).cloned();
        let value = given.or_else(|| question.map(|q| (q.default)(self))).unwrap_or_default();
        match (option, &*value) {
            ("signed", "body") => "{body}".into(),
            ("signed", "timestamp.body") => "{timestamp}.{body}".into(),
            ("signed", "id.timestamp.body") => "{id}.{timestamp}.{body}".into(),
            _ => value,
        }
    }

    /// As options of the command line, for a shell.
    pub(super) fn options(&self) -> String {
        let given = QUESTIONS.iter().filter_map(|q| Some((q.option, self.given.get(q.option)?)));
        let said = given.filter(|(_, value)| !value.is_empty());
        said.map(|(option, value)| format!(" --{option} {}", crate::sign::shell(value))).collect()
    }

    /// Whether anything is signed: a token is only shown.
    pub(super) fn signs(&self) -> bool {
        self.get("mode") != "token"
    }

    pub(super) fn signs_time(&self) -> bool {
        self.signs() && self.get("signed").contains("{timestamp")
    }

    /// Whether signature and time stand in one header, as pairs.
    pub(super) fn in_one_header(&self) -> bool {
        self.signs_time() && self.get("timestamp-header").eq_ignore_ascii_case(&self.get("signature-header"))
    }

    pub(super) fn signs_id(&self) -> bool {
        self.signs() && self.get("signed").contains("{id")
    }

    pub(super) fn signs_url(&self) -> bool {
        self.signs() && ["{url", "{host"].iter().any(|source| self.get("signed").contains(source))
    }

    /// The preset that this leads to, or all that the reader complains of.
    pub(super) fn compile(&self) -> Result<Arc<Compiled>, Vec<String>> {
        let wrong = |errors: countersign::ConfigErrors| -> Vec<String> {
            let said = |error: countersign::config::ConfigError| match error.help {
                // Here it is no line of a file yet.
                Some(help) => format!("{}; {help}", error.message)
                    .replace("write `adjacent = \"accepted\"`", "give `--adjacent accepted`"),
                None => error.message,
            };
            errors.0.into_iter().map(said).collect()
        };
        let mut registry = countersign_modes::without_presets().map_err(wrong)?;
        registry.add_preset(format!("{}.toml", self.name), self.preset()).map_err(wrong)?;
        registry.named(&self.name).map_err(wrong)
    }

    /// What the mode's own smallest table says at a key.
    fn own(&self, key: &str) -> String {
        let mode = self.get("mode");
        let Ok(registry) = countersign_modes::without_presets() else { return String::new() };
        let said = |info: &ModeInfo| {
            let line = info.example.lines().find_map(|line| line.strip_prefix(key)?.split('"').nth(1));
            line.unwrap_or_default().to_owned()
        };
        registry.modes().find(|info| *info.name == *mode).map(said).unwrap_or_default()
    }
}

fn no_such_mode(name: &str) -> String {
    let asked = MODES.join(", ");
    let all: Vec<String> = countersign_modes::without_presets()
        .map(|registry| registry.modes().map(|info| info.name.to_string()).collect())
        .unwrap_or_default();
    if all.iter().any(|known| known == name) {
        return format!(
            "of `{name}` no first case can be made up, as of {asked}; begin with what `countersign mode show {name}` prints"
        );
    }
    match nearest(name, all.iter().map(|name| &**name)) {
        Some(near) => format!("there is no mode `{name}`: is `{near}` meant?"),
        None => format!("there is no mode `{name}`; there are {}, and here {asked}", all.join(", ")),
    }
}
