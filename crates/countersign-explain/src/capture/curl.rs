//! A command line of `curl`, such as browsers copy, and what curl makes of it.
//!
//! What curl adds that follows from the command is added: the method, a form's content type. What only curl's version or the
//! moment decides (`User-Agent`, `Accept`, `Host`, a boundary) is not made up. Options that do not touch the request are
//! passed over, and any other is refused by its name: a reader that guesses would judge another request.

mod options;

use super::{Address, is_absolute, named};
use super::{Capture, Form, Note, NoteKind, percent, shell};
use options::{Act, FROM_FILE, Takes};

pub(super) fn read(bytes: &[u8]) -> Result<Capture, String> {
    let shell::Words { words, joined_surrogates } = shell::split(bytes)?;
    let mut command = Command::default();
    let mut words = words.into_iter().skip(1);
    let mut only_urls = false;
    while let Some(word) = words.next() {
        let text = String::from_utf8_lossy(&word).into_owned();
        match text.strip_prefix('-') {
            Some("-") if !only_urls => only_urls = true,
            Some(rest) if !only_urls && !rest.is_empty() => match rest.strip_prefix('-') {
                Some(name) => {
                    let option = Takes::by_name(name)?;
                    command.take(&format!("--{name}"), option, &mut || words.next())?;
                }
                None => command.short(&word[1..], &mut || words.next())?,
            },
            _ => command.url(word)?,
        }
    }
    let mut capture = command.capture()?;
    if joined_surrogates {
        capture.notes.push(Note::of(NoteKind::SURROGATES));
    }
    Ok(capture.with_length_judged())
}

/// What has been read of it.
#[derive(Default)]
struct Command {
    urls: Vec<Vec<u8>>,
    method: Option<Vec<u8>>,
    headers: Vec<(String, Vec<u8>)>,
    /// Headers that curl is told not to add, in lower case.
    without: Vec<String>,
    data: Option<Vec<u8>>,
    cookies: Vec<Vec<u8>>,
    agent: Option<Vec<u8>>,
    referer: Option<Vec<u8>>,
    basic: Option<Vec<u8>>,
    bearer: Option<Vec<u8>>,
    /// Something was encoded that versions of curl encode differently.
    differs: bool,
    json: bool,
    get: bool,
    head: bool,
    globoff: bool,
    path_as_is: bool,
}

impl Command {
    fn url(&mut self, url: Vec<u8>) -> Result<(), String> {
        self.urls.push(url);
        match self.urls.len() {
            1 => Ok(()),
            _ => {
                let urls: Vec<_> =
                    self.urls.iter().map(|url| format!("`{}`", String::from_utf8_lossy(url))).collect();
                Err(format!("it has more than one URL: {}", urls.join(" and ")))
            }
        }
    }

    /// Letters behind one hyphen: flags, and at last one that takes the rest, or the next word.
    fn short(&mut self, letters: &[u8], next: &mut dyn FnMut() -> Option<Vec<u8>>) -> Result<(), String> {
        for (index, letter) in letters.iter().enumerate() {
            let letter = char::from(*letter);
            let (name, takes) = (format!("-{letter}"), Takes::by_letter(letter)?);
            let rest = &letters[index + 1..];
            if takes.a_value() && !rest.is_empty() {
                return self.take(&name, takes, &mut || Some(rest.to_vec()));
            }
            self.take(&name, takes, next)?;
        }
        Ok(())
    }

    fn take(
        &mut self,
        name: &str,
        takes: Takes,
        next: &mut dyn FnMut() -> Option<Vec<u8>>,
    ) -> Result<(), String> {
        let value = match takes.a_value() {
            true => next().ok_or_else(|| format!("`{name}` has no value"))?,
            false => Vec::new(),
        };
        match takes {
            Takes::Flag | Takes::Value => Ok(()),
            Takes::Refused(why) => Err(format!("`{name}`: {why}")),
            Takes::Does(act) => self.act(act, value).map_err(|says| format!("`{name}`: {says}")),
        }
    }

    fn act(&mut self, act: Act, value: Vec<u8>) -> Result<(), String> {
        match act {
            Act::Agent => self.agent = Some(value),
            Act::Bearer => self.bearer = Some([b"Bearer ", &*value].concat()),
            Act::Cookie if value.contains(&b'=') => self.cookies.push(value),
            Act::Cookie => return Err(format!("{FROM_FILE}; a cookie is NAME=VALUE")),
            Act::Data => return self.add(from_no_file(value)?, true),
            Act::DataRaw => return self.add(value, true),
            Act::DataEncoded => return self.add_encoded(&value),
            Act::Json => {
                self.json = true;
                return self.add(from_no_file(value)?, false);
            }
            Act::Get => self.get = true,
            Act::Globoff => self.globoff = true,
            Act::Head => self.head = true,
            Act::Header => return self.header(&value),
            Act::Method => self.method = Some(value),
            Act::PathAsIs => self.path_as_is = true,
            Act::Referer => self.referer = Some(value.strip_suffix(b";auto").unwrap_or(&value).to_vec()),
            Act::Url => return self.url(value),
            Act::User if value.contains(&b':') => {
                let basic = base64_simd::STANDARD.encode_to_string(&value);
                self.basic = Some(format!("Basic {basic}").into_bytes());
            }
            Act::User => return Err("curl would ask for the password: write NAME:PASSWORD".into()),
        }
        Ok(())
    }

    fn add(&mut self, more: Vec<u8>, joined: bool) -> Result<(), String> {
        match &mut self.data {
            None => self.data = Some(more),
            Some(data) if data.is_empty() && joined => {
                return Err("an empty one stands before it, and versions of curl differ about the `&` between: leave \
                            the empty one out"
                    .into());
            }
            Some(data) => {
                data.extend(joined.then_some(b'&'));
                data.extend(more);
            }
        }
        Ok(())
    }

    /// What stands before a `=` is a name, and encoded already.
    fn add_encoded(&mut self, data: &[u8]) -> Result<(), String> {
        let (name, content) = match data.iter().position(|b| *b == b'=') {
            Some(at) => (if at == 0 { &[][..] } else { &data[..=at] }, &data[at + 1..]),
            None => match data.iter().position(|b| *b == b'@') {
                Some(at) => return from_no_file(data[at..].to_vec()).map(drop),
                None => (&[][..], data),
            },
        };
        self.differs |= content.contains(&b' ');
        let content = percent(content, |b| b == b' ').replace(' ', "+");
        self.add([name, content.as_bytes()].concat(), true)
    }

    /// `Name: value`; `Name;` for an empty one; `Name:` for none where curl would add one.
    fn header(&mut self, line: &[u8]) -> Result<(), String> {
        if line.starts_with(b"@") {
            return Err(FROM_FILE.into());
        }
        let Some(at) = line.iter().position(|b| *b == b':') else {
            return match line.strip_suffix(b";") {
                Some(name) => {
                    self.headers.push((utf8(name, "its name")?, Vec::new()));
                    Ok(())
                }
                None => Err("it has no `:`; an empty header is written `Name;`".into()),
            };
        };
        let (name, value) = (utf8(&line[..at], "its name")?, line[at + 1..].trim_ascii());
        match value.is_empty() {
            true if countersign::HeaderName::new(&name).is_none() => {
                return Err(format!("`{name}` can be no header's name"));
            }
            true => self.without.push(name.to_ascii_lowercase()),
            false => self.headers.push((name, value.to_vec())),
        }
        Ok(())
    }

    /// Add a header that curl adds, unless the command has one, or says that there is to be none.
    fn add_header(&mut self, name: &str, value: Option<Vec<u8>>) {
        let has = named(&self.headers, name).next().is_some();
        if let Some(value) = value.filter(|value| !value.trim_ascii().is_empty() && !has)
            && !self.without.iter().any(|other| other.eq_ignore_ascii_case(name))
        {
            self.headers.push((name.into(), value.trim_ascii().to_vec()));
        }
    }

    fn capture(mut self) -> Result<Capture, String> {
        let url = self.urls.pop().ok_or("it has no URL")?;
        let (agent, referer) = (self.agent.take(), self.referer.take());
        let authorization = self.bearer.take().or(self.basic.take());
        self.add_header("User-Agent", agent);
        self.add_header("Referer", referer);
        self.add_header("Authorization", authorization);
        let cookies = self.cookies.join(&b';');
        self.add_header("Cookie", Some(cookies));
        if self.head && self.data.is_some() && !self.get {
            return Err("`--head` and data: curl sends one or the other".into());
        }
        let query = if self.get { self.data.take() } else { None };
        self.differs |= query.as_ref().is_some_and(|query| query.contains(&b'%'));
        let kind = if self.json { "application/json" } else { "application/x-www-form-urlencoded" };
        let sends = self.data.is_some();
        self.add_header("Content-Type", (sends || self.json).then(|| kind.into()));
        self.add_header("Accept", self.json.then(|| kind.into()));
        let usual = match (self.head, sends) {
            (true, _) => "HEAD",
            (false, true) => "POST",
            (false, false) => "GET",
        };
        let method = match self.method.take() {
            Some(method) => utf8(&method, "its method")?,
            None => usual.into(),
        };
        let (url, note) = self.address(&url, query)?;
        let body = self.data.unwrap_or_default();
        let mut capture =
            Capture::put_together(Form::Curl, &method, Address::Given(url), self.headers, body)?;
        capture.notes.extend(note);
        capture.notes.extend(self.differs.then(|| Note::of(NoteKind::CURL)));
        Ok(capture)
    }

    /// The URL as curl sends it.
    fn address(&self, url: &[u8], query: Option<Vec<u8>>) -> Result<(String, Option<Note>), String> {
        let mut url = utf8(url, "its URL")?;
        if !self.globoff {
            url = without_globs(&url)?;
        }
        let guessed = !url.contains("://");
        if guessed {
            url.insert_str(0, "http://");
        }
        // What follows a `#` is not sent.
        url.truncate(url.find('#').unwrap_or(url.len()));
        if let Some(query) = query {
            if query.is_empty() {
                return Err("`--get` with data that is empty: leave both out".into());
            }
            url.push_str(match url.contains('?') {
                true if url.ends_with('?') => "",
                true => "&",
                false => "?",
            });
            url.push_str(&utf8(&query, "what `--get` puts into the URL")?);
        }
        if !is_absolute(&url) {
            return Err(format!("its URL `{url}` is not http:// or https://, or has a blank in it"));
        }
        if !url.is_ascii() {
            return Err("its URL has characters beyond ASCII, which versions of curl encode differently: write it as it was \
                        sent, encoded"
                .into());
        }
        let (authority, rest) = super::split(&url);
        if authority.contains('@') {
            return Err("its URL holds a name and a password: give them with -u, and the URL without".into());
        }
        let path = rest.split('?').next().unwrap_or_default();
        if !self.path_as_is && path.split('/').any(|step| step == "." || step == "..") {
            return Err(
                "its path has a step `.` or `..`, which curl takes out: add --path-as-is if it was sent so"
                    .into(),
            );
        }
        Ok((url, guessed.then(|| Note::of(NoteKind::GUESSED))))
    }
}

/// Data that is in the command itself.
fn from_no_file(data: Vec<u8>) -> Result<Vec<u8>, String> {
    match data.strip_prefix(b"@") {
        None => Ok(data),
        Some(file) => Err(format!(
            "the body is in the file `{}`, and a capture has to hold it: put it into the command with --data-raw, or \
             save the request as a raw HTTP message",
            String::from_utf8_lossy(file)
        )),
    }
}

/// Brackets and braces of a URL are patterns to curl, unless a `\` stands before them; those of an address are not.
fn without_globs(url: &str) -> Result<String, String> {
    let (host, rest) = match url.find("://").map(|at| at + 3) {
        Some(start) if url[start..].starts_with('[') => {
            url.split_at(url[start..].find(']').map_or(start, |end| start + end + 1))
        }
        _ => ("", url),
    };
    let mut out = host.to_owned();
    let mut chars = rest.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek().is_some_and(|c| "[]{}".contains(*c)) => out.extend(chars.next()),
            '[' | ']' | '{' | '}' => {
                return Err(format!(
                    "its URL has a `{c}`, by which curl would make several URLs: add --globoff if it was sent so"
                ));
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

fn utf8(bytes: &[u8], what: &str) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| format!("{what} is not UTF-8"))
}

#[cfg(test)]
mod tests;
