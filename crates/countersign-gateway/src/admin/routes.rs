//! Every route, each with what the document says of it.

use super::answer::{At, Failure, Said, Sent};
use super::{Shared, metrics, outbound};
use crate::operate::{
    ErrorCode, EventLine, EventSearch, EventShown, Given, Listing, NewSource, OperateError, RequestLine,
    RequestSearch, SecretChanged, Secrets, SourceAdded, SourceLine, SourceRemoved, SourceShown, Span, Stats,
    Switch, Trial, Tried,
};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use countersign_explain::capture::Capture;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{IntoParams, Modify, OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

type Api = State<Arc<Shared>>;
type Answer<T> = Result<Json<T>, Failure>;

/// What wants no token.
pub(super) fn open() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz))
}

/// What does.
pub(super) fn guarded() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(events))
        .routes(routes!(event))
        .routes(routes!(event_body))
        .routes(routes!(requests))
        .routes(routes!(sources, add_source))
        .routes(routes!(source, remove_source))
        .routes(routes!(enable))
        .routes(routes!(disable))
        .routes(routes!(observe))
        .routes(routes!(enforce))
        .routes(routes!(stats))
        .routes(routes!(try_source))
        .routes(routes!(secrets, add_secret))
        .routes(routes!(forget))
        .routes(routes!(confirm))
        .routes(routes!(rotate))
        .routes(routes!(learn))
        .merge(outbound::guarded())
        .routes(routes!(config))
        .routes(routes!(document))
        .routes(routes!(scrape))
}

/// Nothing is there.
pub(super) async fn nothing() -> Failure {
    OperateError::new(ErrorCode::UnknownPath, "there is nothing at this path")
        .help("/api/v1/openapi.json says what there is")
        .into()
}

/// Something is, by another method.
pub(super) async fn other_method() -> Failure {
    OperateError::new(ErrorCode::UnknownMethod, "this path has another method")
        .help("/api/v1/openapi.json says which")
        .into()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "countersign: the admin API",
        description = "What operators do: look at events, requests and sources, and look after secrets. Every answer that is none is \
            an error with a stable code.",
        version = "1",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    modifiers(&Bearer),
    security(("token" = [])),
    tags(
        (name = "events", description = "What was accepted"),
        (name = "requests", description = "Every request that got a row, refused ones as well"),
        (name = "sources", description = "Where requests come in"),
        (name = "secrets", description = "By what they are proven"),
        (name = "sending", description = "What is sent, and to whom"),
        (name = "operating", description = "How the gateway is"),
    )
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("token", token);
    }
}

/// Events that fit, the newest first unless it is asked for otherwise
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(EventSearch), responses(
    (status = 200, description = "They, and where the listing goes on", body = Listing<EventLine>),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn events(State(api): Api, Said(search): Said<EventSearch>) -> Answer<Listing<EventLine>> {
    Ok(Json(api.operator.events(&search).await?))
}

/// One event, with its request and its deliveries
#[utoipa::path(get, path = "/api/v1/events/{id}", tag = "events", params(("id" = String, Path, description = "Its name")), responses(
    (status = 200, description = "It", body = EventShown),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn event(State(api): Api, At(id): At<String>) -> Answer<EventShown> {
    Ok(Json(api.operator.event(&id).await?))
}

/// The body of an event, byte for byte
#[utoipa::path(get, path = "/api/v1/events/{id}/body", tag = "events", params(("id" = String, Path, description = "Its name")), responses(
    (status = 200, description = "It", content_type = "application/octet-stream", body = Vec<u8>),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn event_body(State(api): Api, At(id): At<String>) -> Result<Response, Failure> {
    let body = api.operator.event_body(&id).await?;
    // What a sender wrote is never a page of ours, whatever opens it.
    let headers = [(CONTENT_TYPE, "application/octet-stream"), (CONTENT_DISPOSITION, "attachment")];
    Ok((headers, body).into_response())
}

/// Requests that fit, the newest first unless it is asked for otherwise
#[utoipa::path(get, path = "/api/v1/requests", tag = "requests", params(RequestSearch), responses(
    (status = 200, description = "They, and where the listing goes on", body = Listing<RequestLine>),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn requests(State(api): Api, Said(search): Said<RequestSearch>) -> Answer<Listing<RequestLine>> {
    Ok(Json(api.operator.requests(&search).await?))
}

/// Every source
#[utoipa::path(get, path = "/api/v1/sources", tag = "sources", responses(
    (status = 200, description = "They, those of the file first", body = Vec<SourceLine>),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn sources(State(api): Api) -> Answer<Vec<SourceLine>> {
    Ok(Json(api.operator.sources().await?))
}

/// Add a source to the store. A secret that is made for it is shown in this answer, and never again
#[utoipa::path(post, path = "/api/v1/sources", tag = "sources", request_body = NewSource, responses(
    (status = 200, description = "It", body = SourceAdded),
    (status = "default", description = "Why not; mistakes with their lines", body = OperateError),
))]
async fn add_source(State(api): Api, Sent(new): Sent<NewSource>) -> Answer<SourceAdded> {
    Ok(Json(api.operator.add_source(&new).await?))
}

/// One source, with its scheme, its limits and where what it accepts goes
#[utoipa::path(get, path = "/api/v1/sources/{name}", tag = "sources", params(("name" = String, Path, description = "Its name")), responses(
    (status = 200, description = "It", body = SourceShown),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn source(State(api): Api, At(name): At<String>) -> Answer<SourceShown> {
    Ok(Json(api.operator.source(&name).await?))
}

/// Forced or not.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Forced {
    /// Do it even though something still depends on it.
    pub(super) force: bool,
}

/// Forget a source that the store keeps, and its secrets
#[utoipa::path(delete, path = "/api/v1/sources/{name}", tag = "sources", params(("name" = String, Path, description = "Its name"), Forced), responses(
    (status = 200, description = "It is gone", body = SourceRemoved),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn remove_source(
    State(api): Api,
    At(name): At<String>,
    Said(forced): Said<Forced>,
) -> Answer<SourceRemoved> {
    Ok(Json(api.operator.remove_source(&name, forced.force).await?))
}

/// Let a source receive
#[utoipa::path(post, path = "/api/v1/sources/{name}/enable", tag = "sources", params(("name" = String, Path, description = "Its name")), responses(
    (status = 200, description = "It does", body = SourceShown),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn enable(State(api): Api, At(name): At<String>) -> Answer<SourceShown> {
    Ok(Json(api.operator.switch(&name, Switch::Enable).await?))
}

/// Let a source be as if it were not there
#[utoipa::path(post, path = "/api/v1/sources/{name}/disable", tag = "sources", params(("name" = String, Path, description = "Its name")), responses(
    (status = 200, description = "It is", body = SourceShown),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn disable(State(api): Api, At(name): At<String>) -> Answer<SourceShown> {
    Ok(Json(api.operator.switch(&name, Switch::Disable).await?))
}

/// Let a source let through what it would refuse, with the verdict written on it
#[utoipa::path(post, path = "/api/v1/sources/{name}/observe", tag = "sources", params(("name" = String, Path, description = "Its name")), responses(
    (status = 200, description = "It does", body = SourceShown),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn observe(State(api): Api, At(name): At<String>) -> Answer<SourceShown> {
    Ok(Json(api.operator.switch(&name, Switch::Observe).await?))
}

/// Let a source refuse what does not verify
#[utoipa::path(post, path = "/api/v1/sources/{name}/enforce", tag = "sources", params(("name" = String, Path, description = "Its name")), responses(
    (status = 200, description = "It does", body = SourceShown),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn enforce(State(api): Api, At(name): At<String>) -> Answer<SourceShown> {
    Ok(Json(api.operator.switch(&name, Switch::Enforce).await?))
}

/// What came to a source, by the hour
#[utoipa::path(get, path = "/api/v1/sources/{name}/stats", tag = "sources", params(("name" = String, Path, description = "Its name"), Span), responses(
    (status = 200, description = "Counts and times", body = Stats),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn stats(State(api): Api, At(name): At<String>, Said(span): Said<Span>) -> Answer<Stats> {
    Ok(Json(api.operator.stats(&name, &span).await?))
}

/// What is tried: a stored event, or a request.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ToTry {
    /// A stored event.
    #[schema(nullable = false)]
    event: Option<String>,
    /// A request in any form that is read: a raw HTTP/1.1 message, JSON of our own, a HAR, a curl command line.
    #[schema(nullable = false)]
    request: Option<String>,
    /// Which request of those, from 1, if there are several.
    #[schema(nullable = false)]
    entry: Option<usize>,
    /// When it came. Default: now.
    #[schema(nullable = false)]
    at: Option<crate::operate::Moment>,
    /// Where it came from.
    #[schema(nullable = false, value_type = String)]
    address: Option<IpAddr>,
    /// Look for the cause, if it does not verify.
    #[serde(default = "yes")]
    explain: bool,
}

fn yes() -> bool {
    true
}

/// Try a request against a source as it is now. Nothing is written, charged or claimed
#[utoipa::path(post, path = "/api/v1/sources/{name}/test", tag = "sources", params(("name" = String, Path, description = "Its name")), request_body = ToTry, responses(
    (status = 200, description = "What every check says", body = Trial),
    (status = "default", description = "Why it was not tried", body = OperateError),
))]
async fn try_source(State(api): Api, At(name): At<String>, Sent(asked): Sent<ToTry>) -> Answer<Trial> {
    let ToTry { event, request, entry, at, address, explain } = asked;
    match (event, request) {
        (Some(event), None) => Ok(Json(api.operator.try_event(Some(&name), &event, explain).await?)),
        (None, Some(text)) => {
            let capture = Capture::read(text.as_bytes(), entry).and_then(Capture::strict);
            let capture =
                capture.map_err(|error| OperateError::new(ErrorCode::InvalidRequest, error.says))?;
            let tried = Tried { capture, at: at.map(|at| at.0), address, explain };
            Ok(Json(api.operator.try_request(&name, tried).await?))
        }
        _ => Err(OperateError::new(ErrorCode::InvalidArgument, "give either `event` or `request`").into()),
    }
}

/// The secrets of a source, without their values
#[utoipa::path(get, path = "/api/v1/sources/{name}/secrets", tag = "secrets", params(("name" = String, Path, description = "Whose")), responses(
    (status = 200, description = "They", body = Secrets),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn secrets(State(api): Api, At(name): At<String>) -> Answer<Secrets> {
    Ok(Json(api.operator.secrets(&name).await?))
}

/// Add a secret: the one that is given, or one that is made. One that is made is shown in this answer, and never again
#[utoipa::path(post, path = "/api/v1/sources/{name}/secrets", tag = "secrets", params(("name" = String, Path, description = "Whose")), request_body = Given, responses(
    (status = 200, description = "It verifies", body = SecretChanged),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn add_secret(
    State(api): Api,
    At(name): At<String>,
    Sent(given): Sent<Given>,
) -> Answer<SecretChanged> {
    Ok(Json(api.operator.add_secret(&name, given).await?))
}

/// Forget a secret
#[utoipa::path(delete, path = "/api/v1/sources/{name}/secrets/{id}", tag = "secrets",
    params(("name" = String, Path, description = "Whose"), ("id" = String, Path, description = "Its name"), Forced), responses(
    (status = 200, description = "It is gone", body = SecretChanged),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn forget(
    State(api): Api,
    At((name, id)): At<(String, String)>,
    Said(forced): Said<Forced>,
) -> Answer<SecretChanged> {
    Ok(Json(api.operator.forget(&name, &id, forced.force).await?))
}

/// What an operator saw.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Seen {
    /// The fingerprint of the secret.
    fingerprint: String,
}

/// Let a secret that was handed over verify
#[utoipa::path(post, path = "/api/v1/sources/{name}/secrets/{id}/confirm", tag = "secrets",
    params(("name" = String, Path, description = "Whose"), ("id" = String, Path, description = "Its name")), request_body = Seen, responses(
    (status = 200, description = "It verifies", body = SecretChanged),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn confirm(
    State(api): Api,
    At((name, id)): At<(String, String)>,
    Sent(seen): Sent<Seen>,
) -> Answer<SecretChanged> {
    Ok(Json(api.operator.confirm(&name, &id, &seen.fingerprint).await?))
}

/// How a secret is rotated.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rotation {
    /// How long those that verify now still do: `7d` if nothing is said, `0s` for no longer.
    #[schema(nullable = false, example = "7d")]
    pub(super) keep: Option<String>,
    /// The new one's name. Default: today's date.
    #[schema(nullable = false)]
    pub(super) id: Option<String>,
    /// The new one itself. None: it is made.
    #[schema(nullable = false)]
    pub(super) value: Option<crate::operate::Value>,
}

/// One more secret, and an end for those that verify now. One that is made is shown in this answer, and never again
#[utoipa::path(post, path = "/api/v1/sources/{name}/rotate", tag = "secrets", params(("name" = String, Path, description = "Whose")), request_body = Rotation, responses(
    (status = 200, description = "Both verify until the old one ends", body = SecretChanged),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn rotate(
    State(api): Api,
    At(name): At<String>,
    Sent(rotation): Sent<Rotation>,
) -> Answer<SecretChanged> {
    let Rotation { keep, id, value } = rotation;
    let given = Given { id, value, ..Given::default() };
    Ok(Json(api.operator.rotate(&name, keep.as_deref(), given).await?))
}

/// How long is waited.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Waiting {
    /// `1h` if nothing is said.
    #[serde(rename = "for")]
    #[schema(nullable = false, example = "1h")]
    time: Option<String>,
}

/// Wait for a secret that a set-up challenge hands over
#[utoipa::path(post, path = "/api/v1/sources/{name}/learn", tag = "secrets", params(("name" = String, Path, description = "Whose")), request_body = Waiting, responses(
    (status = 200, description = "It waits", body = Secrets),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn learn(State(api): Api, At(name): At<String>, Sent(waiting): Sent<Waiting>) -> Answer<Secrets> {
    Ok(Json(api.operator.learn(&name, waiting.time.as_deref()).await?))
}

/// The configuration in use, every default written out, with where secrets are and none of them
#[utoipa::path(get, path = "/api/v1/config", tag = "operating", responses(
    (status = 200, description = "It, in the shape of the file", body = Object),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn config(State(api): Api) -> Answer<serde_json::Value> {
    Ok(Json(api.operator.config().await?))
}

/// This document
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "operating", responses(
    (status = 200, description = "It", body = Object),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(super::openapi())
}

/// Measures, in the text format of Prometheus
#[utoipa::path(get, path = "/metrics", tag = "operating", responses(
    (status = 200, description = "They", content_type = "text/plain", body = String),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn scrape(State(api): Api) -> Result<Response, Failure> {
    let (queued, now) = api.operator.queued().await;
    let text = metrics::text((api.measure)(), queued, now).unwrap_or_default();
    Ok(([(CONTENT_TYPE, HeaderValue::from_static(metrics::CONTENT_TYPE))], text).into_response())
}

/// How it is.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`.
    status: &'static str,
}

/// The process lives
#[utoipa::path(get, path = "/healthz", tag = "operating", security(()), responses(
    (status = 200, description = "It does", body = Health),
))]
async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Requests can be accepted: the store writes, and sources are in use
#[utoipa::path(get, path = "/readyz", tag = "operating", security(()), responses(
    (status = 200, description = "They can", body = Health),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn readyz(State(api): Api) -> Answer<Health> {
    if !(api.measure)().loaded {
        return Err(OperateError::new(ErrorCode::StoreUnavailable, "no sources are in use yet").into());
    }
    // To whoever has no token: that it is not, and no more.
    match api.writes().await {
        true => Ok(Json(Health { status: "ok" })),
        false => Err(OperateError::new(ErrorCode::StoreUnavailable, "the store cannot be written").into()),
    }
}
