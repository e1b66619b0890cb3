//! The routes of what is sent.

use super::Shared;
use super::answer::{At, Failure, Said, Sent};
use super::routes::{Forced, Rotation};
use crate::operate::{
    DeliveriesAsked, DeliveryShown, EndpointAdded, EndpointLine, EndpointRemoved, EndpointShown,
    EndpointTried, EventType, Given, Listing, MessageSent, NewEndpoint, NewEventType, NewMessage,
    OperateError, Redrive, RedriveStep, SecretChanged, Secrets,
};
use axum::Json;
use axum::extract::State;
use countersign_store::of_endpoint;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

type Api = State<Arc<Shared>>;
type Answer<T> = Result<Json<T>, Failure>;

/// All of them; each wants the token.
pub(super) fn guarded() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(publish))
        .routes(routes!(types, declare))
        .routes(routes!(remove_type))
        .routes(routes!(endpoints, add))
        .routes(routes!(endpoint, remove))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(try_one))
        .routes(routes!(secrets, add_secret))
        .routes(routes!(forget))
        .routes(routes!(rotate))
        .routes(routes!(deliveries))
        .routes(routes!(delivery))
        .routes(routes!(cancel))
        .routes(routes!(redrive))
}

/// Send a message: to every endpoint whose filter fits its type, or to those that are named
#[utoipa::path(post, path = "/api/v1/messages", tag = "sending", request_body = NewMessage, responses(
    (status = 200, description = "It is written down, and delivered from now on", body = MessageSent),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn publish(State(api): Api, Sent(new): Sent<NewMessage>) -> Answer<MessageSent> {
    Ok(Json(api.operator.publish(&new).await?))
}

/// Every type of events that is declared
#[utoipa::path(get, path = "/api/v1/event-types", tag = "sending", responses(
    (status = 200, description = "They, by name", body = Vec<EventType>),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn types(State(api): Api) -> Answer<Vec<EventType>> {
    Ok(Json(api.operator.event_types().await?))
}

/// Declare a type of events, or say something else of one
#[utoipa::path(post, path = "/api/v1/event-types", tag = "sending", request_body = NewEventType, responses(
    (status = 200, description = "It", body = EventType),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn declare(State(api): Api, Sent(new): Sent<NewEventType>) -> Answer<EventType> {
    Ok(Json(api.operator.declare(&new).await?))
}

/// What is gone.
#[derive(Serialize, ToSchema)]
struct Gone {
    /// What it was called.
    name: String,
}

/// Forget a type of events
#[utoipa::path(delete, path = "/api/v1/event-types/{name}", tag = "sending", params(("name" = String, Path, description = "Its name")), responses(
    (status = 200, description = "It is gone", body = Gone),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn remove_type(State(api): Api, At(name): At<String>) -> Answer<Gone> {
    api.operator.remove_type(&name).await?;
    Ok(Json(Gone { name }))
}

/// Every endpoint
#[utoipa::path(get, path = "/api/v1/endpoints", tag = "sending", responses(
    (status = 200, description = "They, by name", body = Vec<EndpointLine>),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn endpoints(State(api): Api) -> Answer<Vec<EndpointLine>> {
    Ok(Json(api.operator.endpoints().await?))
}

/// Add an endpoint. A secret that is made for it is shown in this answer, and never again
#[utoipa::path(post, path = "/api/v1/endpoints", tag = "sending", request_body = NewEndpoint, responses(
    (status = 200, description = "It", body = EndpointAdded),
    (status = "default", description = "Why not; mistakes with their lines", body = OperateError),
))]
async fn add(State(api): Api, Sent(new): Sent<NewEndpoint>) -> Answer<EndpointAdded> {
    Ok(Json(api.operator.add_endpoint(new).await?))
}

/// One endpoint
#[utoipa::path(get, path = "/api/v1/endpoints/{name}", tag = "sending", params(("name" = String, Path, description = "Its name")), responses(
    (status = 200, description = "It", body = EndpointShown),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn endpoint(State(api): Api, At(name): At<String>) -> Answer<EndpointShown> {
    Ok(Json(api.operator.endpoint(&name).await?))
}

/// Forget an endpoint and its secrets; what is queued for it becomes dead letters
#[utoipa::path(delete, path = "/api/v1/endpoints/{name}", tag = "sending", params(("name" = String, Path, description = "Its name"), Forced), responses(
    (status = 200, description = "It is gone", body = EndpointRemoved),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn remove(
    State(api): Api,
    At(name): At<String>,
    Said(forced): Said<Forced>,
) -> Answer<EndpointRemoved> {
    Ok(Json(api.operator.remove_endpoint(&name, forced.force).await?))
}

/// Hold what is queued for an endpoint
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/pause", tag = "sending", params(("name" = String, Path, description = "Its name")), responses(
    (status = 200, description = "It is paused", body = EndpointShown),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn pause(State(api): Api, At(name): At<String>) -> Answer<EndpointShown> {
    Ok(Json(api.operator.pause_endpoint(&name).await?))
}

/// Send to an endpoint again: what was held is due at once
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/resume", tag = "sending", params(("name" = String, Path, description = "Its name")), responses(
    (status = 200, description = "It is active", body = EndpointShown),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn resume(State(api): Api, At(name): At<String>) -> Answer<EndpointShown> {
    Ok(Json(api.operator.resume_endpoint(&name).await?))
}

/// Make one attempt with a message of no meaning. It is not written down
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/test", tag = "sending", params(("name" = String, Path, description = "Its name")), responses(
    (status = 200, description = "What came of it, be it a failure", body = EndpointTried),
    (status = "default", description = "Why nothing was tried", body = OperateError),
))]
async fn try_one(State(api): Api, At(name): At<String>) -> Answer<EndpointTried> {
    Ok(Json(api.operator.try_endpoint(&name).await?))
}

/// The secrets that sign for an endpoint, without their values
#[utoipa::path(get, path = "/api/v1/endpoints/{name}/secrets", tag = "sending", params(("name" = String, Path, description = "Whose")), responses(
    (status = 200, description = "They", body = Secrets),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn secrets(State(api): Api, At(name): At<String>) -> Answer<Secrets> {
    Ok(Json(api.operator.secrets(&of_endpoint(&name)).await?))
}

/// Add a secret to sign by: the one that is given, or one that is made. One that is made is shown in this answer, and never again
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/secrets", tag = "sending", params(("name" = String, Path, description = "Whose")), request_body = Given, responses(
    (status = 200, description = "It signs", body = SecretChanged),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn add_secret(
    State(api): Api,
    At(name): At<String>,
    Sent(given): Sent<Given>,
) -> Answer<SecretChanged> {
    Ok(Json(api.operator.add_secret(&of_endpoint(&name), given).await?))
}

/// Forget a secret of an endpoint
#[utoipa::path(delete, path = "/api/v1/endpoints/{name}/secrets/{id}", tag = "sending",
    params(("name" = String, Path, description = "Whose"), ("id" = String, Path, description = "Its name"), Forced), responses(
    (status = 200, description = "It is gone", body = SecretChanged),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn forget(
    State(api): Api,
    At((name, id)): At<(String, String)>,
    Said(forced): Said<Forced>,
) -> Answer<SecretChanged> {
    Ok(Json(api.operator.forget(&of_endpoint(&name), &id, forced.force).await?))
}

/// One more secret to sign by, and an end for those that sign now: until then both do, where the scheme has room for two
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/rotate", tag = "sending", params(("name" = String, Path, description = "Whose")), request_body = Rotation, responses(
    (status = 200, description = "Both sign until the old one ends", body = SecretChanged),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn rotate(
    State(api): Api,
    At(name): At<String>,
    Sent(rotation): Sent<Rotation>,
) -> Answer<SecretChanged> {
    let Rotation { keep, id, value } = rotation;
    let given = Given { id, value, ..Given::default() };
    Ok(Json(api.operator.rotate(&of_endpoint(&name), keep.as_deref(), given).await?))
}

/// Deliveries that fit, the newest first unless it is asked for otherwise; dead letters among them
#[utoipa::path(get, path = "/api/v1/deliveries", tag = "sending", params(DeliveriesAsked), responses(
    (status = 200, description = "They, and where the listing goes on", body = Listing<DeliveryShown>),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn deliveries(State(api): Api, Said(asked): Said<DeliveriesAsked>) -> Answer<Listing<DeliveryShown>> {
    Ok(Json(api.operator.find_deliveries(&asked).await?))
}

/// One delivery
#[utoipa::path(get, path = "/api/v1/deliveries/{id}", tag = "sending", params(("id" = String, Path, description = "Its name")), responses(
    (status = 200, description = "It", body = DeliveryShown),
    (status = "default", description = "Why not", body = OperateError),
))]
async fn delivery(State(api): Api, At(id): At<String>) -> Answer<DeliveryShown> {
    Ok(Json(api.operator.delivery(&id).await?))
}

/// Which.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Named {
    /// Deliveries; at most 1000.
    ids: Vec<String>,
}

/// Give deliveries up, for good: nothing sends them any more
#[utoipa::path(post, path = "/api/v1/deliveries/cancel", tag = "sending", request_body = Named, responses(
    (status = 200, description = "They", body = Vec<DeliveryShown>),
    (status = "default", description = "Why none was", body = OperateError),
))]
async fn cancel(State(api): Api, Sent(Named { ids }): Sent<Named>) -> Answer<Vec<DeliveryShown>> {
    Ok(Json(api.operator.cancel(&ids).await?))
}

/// Send dead letters again: one step, of at most 500. Ask with `next` and `next_due` for the next one
#[utoipa::path(post, path = "/api/v1/deliveries/redrive", tag = "sending", request_body = Redrive, responses(
    (status = 200, description = "What became of them", body = RedriveStep),
    (status = "default", description = "Why none was", body = OperateError),
))]
async fn redrive(State(api): Api, Sent(asked): Sent<Redrive>) -> Answer<RedriveStep> {
    Ok(Json(api.operator.redrive(&asked).await?))
}
