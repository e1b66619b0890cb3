pub(crate) async fn serve(
    _: tokio::net::TcpListener,
    _: std::sync::Arc<crate::run::Shared>,
    _: countersign::Secret,
    mut stop: tokio::sync::watch::Receiver<bool>,
) {
    let _ = stop.wait_for(|s| *s).await;
}
