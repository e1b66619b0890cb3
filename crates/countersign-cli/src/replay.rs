//! `countersign replay`: captured requests, sent again.
//!
//! All are read before the first is sent, so that a slip in the last name sends nothing. Where they go has to be said: a capture
//! of production names production, and a replay there could pay out a second time; only a URL on this machine is taken from a
//! capture.

mod read;
mod resign;

use crate::args::{Format, ReplayArgs};
use crate::error::{Exit, Failure};
use crate::operate::took;
use crate::output::{self, BAD, GOOD, plain};
use crate::request::Stdin;
use crate::upstream::{Sent, Upstream, leads_home};
use countersign_egress::{HeaderMap, HeaderName, HeaderValue, Method};
use countersign_explain::capture::{Address, Capture, is_absolute, split};
use countersign_gateway::config::{Rate, rate};
use countersign_gateway::passed_on;
use read::Taken;
use resign::Resigner;
use serde::Serialize;
use std::io::{IsTerminal as _, stderr, stdout};
use std::time::{Duration, Instant};

/// Send them.
pub(crate) fn run(args: &ReplayArgs) -> Result<Exit, Failure> {
    let ReplayArgs { request, forward, resign, scheme, url, rate: pace, gateway, entry } = args;
    let names: Vec<Option<&str>> = request.iter().map(|name| Some(&**name)).collect();
    Stdin::check(&scheme.keys.secret, &names)?;
    let mut stdin = Stdin::default();
    let pace = pace.as_deref().map(rate).transpose();
    let pace = pace.map_err(|says| Failure::usage(format!("--rate: {says}")))?;
    if let Some(url) = url.as_deref().filter(|url| !is_absolute(url)) {
        return Err(Failure::usage(format!("--url: `{url}` is no http:// or https:// URL"))
            .next("write it as the receiver is configured with it"));
    }
    let upstream = forward.as_deref().map(|url| Upstream::parse("--forward", url)).transpose()?;
    let resigner = match resign {
        true => Some(Resigner::new(scheme, url.as_deref(), &mut stdin)?),
        false => resign::refuse_unused(scheme).map(|()| None)?,
    };
    let taken = read::all(request, entry, gateway, &mut stdin)?;
    let ready = taken.iter().map(|taken| Ready::new(taken, upstream.as_ref()));
    let ready = ready.collect::<Result<Vec<_>, Failure>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::stream("start", error))?;
    runtime.block_on(send_all(&ready, upstream.as_ref(), resigner.as_ref(), (pace, gateway.format)))
}

/// A request, and where it goes.
struct Ready<'t> {
    name: &'t str,
    capture: &'t Capture,
    /// Where no target was given.
    home: Option<Upstream>,
}

impl<'t> Ready<'t> {
    fn new(Taken { name, capture }: &'t Taken, upstream: Option<&Upstream>) -> Result<Self, Failure> {
        let home = match upstream {
            Some(_) => None,
            None => Some(Upstream::parse(name, &home(name, &capture.url)?)?),
        };
        Ok(Ready { name, capture, home })
    }
}

/// Up to the path, where it went at first, if that is this machine.
fn home(name: &str, url: &Address) -> Result<String, Failure> {
    let origin = match url {
        Address::Given(url) => {
            let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
            Some(format!("{scheme}://{}", split(url).0))
        }
        Address::Wire { host: Some(host), .. } => Some(format!("http://{host}")),
        Address::Wire { host: None, .. } | Address::Unknown => None,
    };
    let name = plain(name);
    let next = "--forward http://127.0.0.1:3000, or wherever it shall go";
    match origin {
        Some(origin) if leads_home(&origin) => Ok(origin),
        Some(origin) => Err(Failure::usage(format!(
            "{name}: it went to `{}`, and a request is only sent to where it went if that is this machine",
            plain(split(&origin).0)
        ))
        .next(next)),
        None => Err(Failure::usage(format!("{name}: it does not say where it went")).next(next)),
    }
}

async fn send_all(
    ready: &[Ready<'_>],
    upstream: Option<&Upstream>,
    resigner: Option<&Resigner>,
    (pace, format): (Option<Rate>, Format),
) -> Result<Exit, Failure> {
    let began = Instant::now();
    let (mut refused, mut lost, mut advice) = (0, 0, None);
    for (index, Ready { name, capture, home }) in ready.iter().enumerate() {
        if let Some(Rate { count, per, .. }) = &pace {
            let due = per.mul_f64(index as f64 / f64::from(*count));
            tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
        }
        // One of the two is there.
        let Some(target) = upstream.or(home.as_ref()) else { continue };
        let outgoing = Outgoing::new(name, capture, target, resigner)?;
        let Outgoing { method, url, headers, body } = outgoing;
        let respelled = target.respells(&url);
        let Sent { answer, took } = target.send(method.clone(), url, headers, body).await;
        let place = (index + 1, ready.len());
        let answer = answer.map(|answer| answer.status).map_err(|refused| {
            advice = Some(refused.why.advice());
            format!("{}: {}", refused.why.word(), refused.what)
        });
        match answer {
            Ok(200..300) => {}
            Ok(_) => refused += 1,
            Err(_) => lost += 1,
        }
        let line = Line::new(place, name, capture, (answer, took, respelled));
        output::print(&line.in_form(format))?;
        progress(place);
    }
    tell(ready.len(), refused, lost);
    advice.into_iter().for_each(output::help);
    Ok(match (refused, lost) {
        (0, 0) => Exit::Done,
        (_, 0) => Exit::No,
        _ => Exit::Io,
    })
}

/// A request as it is sent.
struct Outgoing {
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Outgoing {
    fn new(
        name: &str,
        capture: &Capture,
        target: &Upstream,
        resigner: Option<&Resigner>,
    ) -> Result<Self, Failure> {
        let wrong = |what: String| {
            Failure::usage(format!("{}: {}", plain(name), plain(&what)))
                .next("`countersign capture show` shows what was read")
        };
        let url = target.place(match capture.url.target() {
            "" => "/",
            path => path,
        });
        let headers = match resigner {
            Some(resigner) => resigner.resign(name, capture, &url)?,
            None => capture.headers.clone(),
        };
        let mut map = HeaderMap::with_capacity(headers.len());
        for (header, value) in headers {
            let no_header = || wrong(format!("the header `{header}` cannot be sent"));
            let known = HeaderName::from_bytes(header.as_bytes()).map_err(|_| no_header())?;
            map.append(known, HeaderValue::from_bytes(&value).map_err(|_| no_header())?);
        }
        let passed = passed_on(&map).map(|(name, value)| (name.clone(), value.clone()));
        let headers = passed.collect();
        let method = Method::from_bytes(capture.method.as_bytes());
        let method = method.map_err(|_| wrong(format!("`{}` is no method", capture.method)))?;
        Ok(Outgoing { method, url, headers, body: capture.body.clone() })
    }
}

/// What became of one. The names are stable.
#[derive(Serialize)]
struct Line<'l> {
    number: usize,
    of: usize,
    request: &'l str,
    method: &'l str,
    path: &'l str,
    size: usize,
    status: Option<u16>,
    error: Option<String>,
    micros: u64,
    /// The path went out in another spelling.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    respelled: bool,
}

impl<'l> Line<'l> {
    fn new(
        (number, of): (usize, usize),
        request: &'l str,
        capture: &'l Capture,
        (answer, took, respelled): (Result<u16, String>, Duration, bool),
    ) -> Self {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let (status, error) = match answer {
            Ok(status) => (Some(status), None),
            Err(error) => (None, Some(error)),
        };
        let (method, path, size) = (&*capture.method, capture.url.target(), capture.body.len());
        Line { number, of, request, method, path, size, status, error, micros, respelled }
    }

    fn in_form(&self, format: Format) -> String {
        if format == Format::Json {
            return output::json_line(self);
        }
        let Line { number, of, request, method, path, size, status, error, micros, respelled } = self;
        let answer = match (status, error) {
            (Some(status @ 200..300), _) => output::styled(GOOD, &status.to_string()),
            (Some(status), _) => output::styled(BAD, &status.to_string()),
            (None, error) => output::styled(BAD, &plain(error.as_deref().unwrap_or_default())),
        };
        let spelt = if *respelled { "  (its path spelt otherwise)" } else { "" };
        let (request, method, path) = (plain(request), plain(method), plain(path));
        format!(
            "{number}/{of}  {request}  {method} {path}  {size} B  → {answer} in {}{spelt}\n",
            took(*micros)
        )
    }
}

/// For people who wait and whose lines go elsewhere.
fn progress((number, of): (usize, usize)) {
    if stderr().is_terminal() && !stdout().is_terminal() {
        let text = if number == of { String::new() } else { format!("{number}/{of}") };
        output::raw_error(&format!("\r\x1b[K{text}"));
    }
}

fn tell(all: usize, refused: usize, lost: usize) {
    if all < 2 {
        return;
    }
    let taken = all - refused - lost;
    output::note(&format!(
        "{}: {taken} taken, {refused} refused, {lost} not answered",
        output::count(all, "request")
    ));
}
