//! What a gateway or a load balancer hands to a function: a request as JSON.
//!
//! Three shapes, after [API Gateway's payload formats][formats] and [those of load balancers][balancers]: version 1.0 has
//! `httpMethod` and a query that is decoded, version 2.0 has `requestContext.http` and the query as it was sent, and a
//! load balancer has `requestContext.elb` and hands on the query in pieces, but not decoded. Other hosts of functions copy
//! the first, some with the URL besides (`rawUrl`, `rawQuery`). The host is the gateway's word where it gives one, and
//! else that of the header.
//!
//! [formats]: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
//! [balancers]: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html

use super::json::{Members, parsed};
use super::{Address, Capture, Form, Note, NoteKind, base64, http, is_absolute, named, percent};
use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    version: Option<String>,
    http_method: Option<String>,
    path: Option<String>,
    raw_path: Option<String>,
    raw_query_string: Option<String>,
    raw_url: Option<String>,
    raw_query: Option<String>,
    cookies: Option<Vec<String>>,
    headers: Option<Members<Option<String>>>,
    multi_value_headers: Option<Members<Vec<String>>>,
    query_string_parameters: Option<Members<Option<String>>>,
    multi_value_query_string_parameters: Option<Members<Vec<String>>>,
    request_context: Option<Context>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    path: Option<String>,
    domain_name: Option<String>,
    http: Option<ContextHttp>,
    elb: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct ContextHttp {
    method: String,
}

pub(super) fn read(bytes: &[u8]) -> Result<Capture, String> {
    let mut event: Event = parsed(bytes)?;
    let context = event.request_context.take().unwrap_or_default();
    let version = event.version.as_deref();
    if let Some(other) = version.filter(|version| !["1.0", "2.0"].contains(version)) {
        return Err(format!("it is an event of version `{other}`: 1.0 and 2.0 are known"));
    }
    match (&event.http_method, &context.http, version) {
        (Some(_), Some(_), _) => {
            Err("it has `httpMethod` as version 1.0 has it, and `requestContext.http` as 2.0: keep one"
                .into())
        }
        (Some(_), None, Some("2.0")) => {
            Err("it says that it is of version 2.0, and has `httpMethod` as 1.0".into())
        }
        (None, Some(_), Some("1.0")) => {
            Err("it says that it is of version 1.0, and has `requestContext.http` as 2.0".into())
        }
        (Some(_), None, _) if context.elb.is_some() => event.first(context, Form::EventBalancer),
        (Some(_), None, _) => event.first(context, Form::EventV1),
        (None, Some(_), _) => event.second(context),
        (None, None, _) => {
            Err("it looks like a gateway's event, and has neither `httpMethod` (version 1.0, or a load \
                                balancer's) nor `requestContext.http` (2.0)"
                .into())
        }
    }
}

impl Event {
    /// Version 1.0, and those of load balancers.
    fn first(self, context: Context, form: Form) -> Result<Capture, String> {
        let mut notes = Vec::new();
        let headers = headers(self.headers, self.multi_value_headers, &mut notes)?;
        let Context { path: staged, domain_name, .. } = context;
        let own = self.path.filter(|path| !path.is_empty());
        if let (Some(own), Some(staged)) = (&own, &staged)
            && own != staged
        {
            let says = format!(
                "`path` is `{own}`, and with what the gateway puts before it `{staged}`, which was taken"
            );
            notes.push(Note::new(NoteKind::STAGE, says));
        }
        let path = staged.or(own).ok_or("it has no `path`")?;
        let url = match self.raw_url {
            Some(url) if is_absolute(&url) => Address::Given(url),
            Some(_) => return Err("its `rawUrl` is not http:// or https://".into()),
            None => {
                let single = self.query_string_parameters;
                let query = match self.raw_query {
                    Some(query) => query,
                    None => query(single, self.multi_value_query_string_parameters, form, &mut notes)?,
                };
                address(domain_name, &headers, &path, &query, &mut notes)?
            }
        };
        let body = body(self.body, self.is_base64_encoded, &mut notes)?;
        settle(form, &self.http_method.unwrap_or_default(), url, headers, body, notes)
    }

    /// Version 2.0.
    fn second(self, context: Context) -> Result<Capture, String> {
        let mut notes = Vec::new();
        let Context { domain_name, http, .. } = context;
        let path = self.raw_path.ok_or("it has no `rawPath`")?;
        let mut headers = headers(self.headers, self.multi_value_headers, &mut notes)?;
        let cookies = self.cookies.unwrap_or_default();
        if !cookies.is_empty() && named(&headers, "cookie").next().is_none() {
            headers.push(("cookie".into(), cookies.join("; ").into_bytes()));
        }
        // The gateway does not tell a comma of its own from one that was sent.
        if headers.iter().any(|(_, value)| value.contains(&b',')) {
            notes.push(Note::of(NoteKind::JOINED));
        }
        let own = |name: &str| [".execute-api.", ".lambda-url."].iter().any(|part| name.contains(part));
        if domain_name.as_ref().is_some_and(|name| !own(name)) {
            notes.push(Note::of(NoteKind::MAPPING));
        }
        let query = self.raw_query_string.unwrap_or_default();
        let url = address(domain_name, &headers, &path, &query, &mut notes)?;
        let body = body(self.body, self.is_base64_encoded, &mut notes)?;
        let method = http.map(|http| http.method).unwrap_or_default();
        settle(Form::EventV2, &method, url, headers, body, notes)
    }
}

fn settle(
    form: Form,
    method: &str,
    url: Address,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    notes: Vec<Note>,
) -> Result<Capture, String> {
    let mut capture = Capture::put_together(form, method, url, headers, body)?;
    capture.notes = notes;
    Ok(capture.with_length_judged())
}

/// All values of each header where they are given; else one of each.
fn headers(
    single: Option<Members<Option<String>>>,
    multi: Option<Members<Vec<String>>>,
    notes: &mut Vec<Note>,
) -> Result<Vec<(String, Vec<u8>)>, String> {
    let single = single.map_or_else(Vec::new, |Members(members)| members);
    let Some(Members(multi)) = multi.filter(|Members(multi)| !multi.is_empty()) else {
        notes.extend((!single.is_empty()).then(|| Note::of(NoteKind::ONCE)));
        return Ok(single
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?.into_bytes())))
            .collect());
    };
    let all: Vec<(String, Vec<u8>)> = multi
        .into_iter()
        .flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value.into_bytes())))
        .collect();
    for (name, value) in single {
        let value = value.unwrap_or_default().into_bytes();
        if !all.iter().any(|(other, held)| other.eq_ignore_ascii_case(&name) && *held == value) {
            return Err(format!(
                "`headers` and `multiValueHeaders` do not agree about `{name}`: leave one of them out"
            ));
        }
    }
    Ok(all)
}

/// The query put together again.
fn query(
    single: Option<Members<Option<String>>>,
    multi: Option<Members<Vec<String>>>,
    form: Form,
    notes: &mut Vec<Note>,
) -> Result<String, String> {
    let pairs: Vec<(String, String)> = match (multi, single) {
        (Some(Members(multi)), _) if !multi.is_empty() => multi
            .into_iter()
            .flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)))
            .collect(),
        (_, Some(Members(single))) => {
            single.into_iter().map(|(name, value)| (name, value.unwrap_or_default())).collect()
        }
        (_, None) => Vec::new(),
    };
    if pairs.is_empty() {
        return Ok(String::new());
    }
    notes.push(Note::of(NoteKind::QUERY));
    // Decoded by gateways, left as they were sent by load balancers.
    let write = |text: &str| match form {
        Form::EventBalancer => text.to_owned(),
        _ => percent(text.as_bytes(), |_| false),
    };
    Ok(pairs
        .iter()
        .map(|(name, value)| format!("{}={}", write(name), write(value)))
        .collect::<Vec<_>>()
        .join("&"))
}

/// By the gateway's name for itself, which it serves under https only; else by the header.
fn address(
    domain: Option<String>,
    headers: &[(String, Vec<u8>)],
    path: &str,
    query: &str,
    notes: &mut Vec<Note>,
) -> Result<Address, String> {
    if !path.starts_with('/') {
        return Err(format!("its path `{path}` does not begin with `/`"));
    }
    let keep = |b: u8| b.is_ascii_graphic() && !b"?#\"<>\\^`{|}".contains(&b);
    let encoded = percent(path.as_bytes(), keep);
    if encoded != path {
        notes.push(Note::of(NoteKind::PATH));
    }
    let target = if query.is_empty() { encoded } else { format!("{encoded}?{query}") };
    if !super::is_target(&target) {
        return Err("its query has a blank or a control character in it".into());
    }
    match domain.filter(|domain| !domain.is_empty()) {
        Some(domain) => Ok(Address::Given(format!("https://{domain}{target}"))),
        None => http::address(&target, headers),
    }
}

fn body(text: Option<String>, is_base64: Option<bool>, notes: &mut Vec<Note>) -> Result<Vec<u8>, String> {
    let text = text.unwrap_or_default();
    if is_base64 == Some(true) {
        return base64(&text, "its `body`, which `isBase64Encoded` says is,");
    }
    if text.contains('\u{fffd}') {
        notes.push(Note::of(NoteKind::REPLACED));
    }
    Ok(text.into_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn read(event: &Value) -> Result<(Capture, Vec<&'static str>), String> {
        let capture = Capture::read(event.to_string().as_bytes(), None).map_err(|error| error.says)?;
        let codes = capture.notes.iter().map(|note| note.code).collect();
        Ok((capture, codes))
    }

    fn with(mut event: Value, more: Value) -> Value {
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    }

    fn given(url: &str) -> Address {
        Address::Given(url.into())
    }

    fn first() -> Value {
        json!({"resource": "/{proxy+}", "path": "/hook", "httpMethod": "POST",
            "headers": {"Host": "x.execute-api.eu-west-1.amazonaws.com", "X-A": "2"},
            "multiValueHeaders": {"Host": ["x.execute-api.eu-west-1.amazonaws.com"], "X-A": ["1", "2"]},
            "queryStringParameters": {"a": "b c", "d": "2"},
            "multiValueQueryStringParameters": {"a": ["b c"], "d": ["1", "2"]},
            "pathParameters": {"proxy": "hook"}, "stageVariables": null,
            "requestContext": {"path": "/prod/hook", "stage": "prod", "httpMethod": "POST",
                "domainName": "x.execute-api.eu-west-1.amazonaws.com", "identity": {"sourceIp": "192.0.2.1"}},
            "body": "{\"a\":1}", "isBase64Encoded": false})
    }

    #[test]
    fn the_first_version_has_every_header_and_a_query_that_was_decoded() {
        let (capture, notes) = read(&first()).unwrap();
        assert_eq!(
            (&*capture.method, &*capture.body, capture.form),
            ("POST", &b"{\"a\":1}"[..], Form::EventV1)
        );
        assert_eq!(
            capture.url,
            given("https://x.execute-api.eu-west-1.amazonaws.com/prod/hook?a=b%20c&d=1&d=2")
        );
        assert_eq!(capture.headers[1..], [("X-A".into(), b"1".to_vec()), ("X-A".into(), b"2".to_vec())]);
        assert_eq!(notes, ["path-of-stage", "query-made"]);

        let none = json!({"headers": null, "multiValueHeaders": null, "queryStringParameters": null,
            "multiValueQueryStringParameters": null, "requestContext": {}, "body": null});
        let (capture, notes) = read(&with(first(), none)).unwrap();
        assert_eq!(capture.url, Address::Wire { host: None, target: "/hook".into() });
        assert!(capture.headers.is_empty() && capture.body.is_empty() && notes.is_empty(), "{notes:?}");

        let one = json!({"multiValueHeaders": {}, "multiValueQueryStringParameters": null, "isBase64Encoded": true, "body": "/wA="});
        let (capture, notes) = read(&with(first(), one)).unwrap();
        assert_eq!((&*capture.body, capture.headers.len()), (&b"\xff\0"[..], 2));
        assert_eq!(notes, ["headers-once", "path-of-stage", "query-made"]);
        assert!(capture.url.target().ends_with("?a=b%20c&d=2"));

        let raw = json!({"rawUrl": "https://h/hook?a=b+c", "rawQuery": "a=b+c"});
        let (capture, notes) = read(&with(first(), raw)).unwrap();
        assert_eq!((capture.url, &*notes), (given("https://h/hook?a=b+c"), &["path-of-stage"][..]));
    }

    #[test]
    fn the_second_version_has_the_query_as_it_was_sent() {
        let event = json!({"version": "2.0", "routeKey": "$default", "rawPath": "/a b/\u{e9}", "rawQueryString": "a=%20&a=2",
            "cookies": ["c=1", "d=2"], "headers": {"host": "x.lambda-url.eu-west-1.on.aws", "x-a": "1,2"},
            "queryStringParameters": {"a": " ,2"},
            "requestContext": {"domainName": "x.lambda-url.eu-west-1.on.aws", "http": {"method": "POST", "path": "/a b", "protocol": "HTTP/1.1"}},
            "body": "aGVsbG8=", "isBase64Encoded": true});
        let (capture, notes) = read(&event).unwrap();
        assert_eq!(capture.url, given("https://x.lambda-url.eu-west-1.on.aws/a%20b/%C3%A9?a=%20&a=2"));
        assert_eq!((&*capture.body, &*capture.headers[2].1), (&b"hello"[..], &b"c=1; d=2"[..]));
        assert_eq!(
            (notes, capture.form),
            (vec!["headers-once", "headers-joined", "path-encoded"], Form::EventV2)
        );
        let own = json!({"requestContext": {"domainName": "hooks.example.com", "http": {"method": "GET"}}, "rawPath": "/", "headers": {}});
        assert_eq!(read(&with(event, own)).unwrap().1, ["path-mapping"]);
    }

    #[test]
    fn a_load_balancer_leaves_the_query_encoded() {
        let event = json!({"requestContext": {"elb": {"targetGroupArn": "arn:x"}}, "httpMethod": "POST", "path": "/hook",
            "multiValueQueryStringParameters": {"a": ["b%20c", ""], "d%5B%5D": ["1"]},
            "multiValueHeaders": {"host": ["lb.example.com"], "x-forwarded-proto": ["https"]},
            "body": "a\u{fffd}", "isBase64Encoded": false});
        let (capture, notes) = read(&event).unwrap();
        let target = "/hook?a=b%20c&a=&d%5B%5D=1".to_owned();
        assert_eq!(capture.url, Address::Wire { host: Some("lb.example.com".into()), target });
        assert_eq!((notes, capture.form), (vec!["query-made", "body-replaced"], Form::EventBalancer));
    }

    #[test]
    fn what_contradicts_itself_or_is_not_known_is_refused() {
        let context = |http: Value| json!({"requestContext": http});
        for (more, says) in [
            (json!({"version": "3.0"}), "1.0 and 2.0 are known"),
            (json!({"version": "2.0"}), "has `httpMethod` as 1.0"),
            (context(json!({"http": {"method": "POST"}})), "keep one"),
            (json!({"httpMethod": null}), "neither `httpMethod`"),
            (
                json!({"httpMethod": null, "version": "1.0", "requestContext": {"http": {"method": "POST"}}}),
                "of version 1.0",
            ),
            (json!({"httpMethod": null, "requestContext": {"http": {"method": "POST"}}}), "no `rawPath`"),
            (json!({"headers": {"X-A": "3"}}), "do not agree about `X-A`"),
            (json!({"path": null, "requestContext": {}}), "no `path`"),
            (json!({"path": "a", "requestContext": {}}), "does not begin with `/`"),
            (json!({"body": "?", "isBase64Encoded": true}), "is not base64"),
            (json!({"rawUrl": "/x"}), "rawUrl"),
            (json!({"rawQuery": "a b"}), "blank"),
            (json!({"httpMethod": "A B"}), "no method"),
            (json!({"headers": {"a": 1}}), "invalid type"),
            (json!({"url": "https://h/"}), "different forms"),
        ] {
            let error = read(&with(first(), more.clone())).err().unwrap_or_default();
            assert!(error.contains(says), "{more}: {error}");
        }
        let twice = r#"{"httpMethod":"POST","path":"/","headers":{"a":"1","a":"2"}}"#;
        assert!(Capture::read(twice.as_bytes(), None).unwrap_err().says.contains("duplicate field `a`"));
    }
}
