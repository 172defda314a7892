//! Connections: how many there may be, and how slow they may be. `axum::serve` has neither limit.

use super::taken::Taken;
use crate::settings::Settings;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use planshift_worker::Ports;
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// The pause after a connection could not be taken: the process has no file to spare, which others give back.
const BREATH: Duration = Duration::from_millis(100);

/// Serves until `stop`: takes no connection more then, and ends when those that are there have ended. Dropped, it ends them.
pub(crate) async fn serve(listener: TcpListener, router: Router, settings: &Settings, ports: &Ports, stop: &CancellationToken) {
    let (room, mut connections) = (Arc::new(Semaphore::new(settings.connections.max(1))), JoinSet::new());
    loop {
        let next = async {
            // it is never closed
            let place = room.clone().acquire_owned().await.ok();
            (listener.accept().await, place)
        };
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            (accepted, place) = next => match accepted {
                Ok((stream, _)) => {
                    let times = (settings.header_time, settings.piece_time);
                    let connection = serve_one(stream, router.clone(), times, stop.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                // one that was given up before it was taken is nobody's loss
                Err(error) => {
                    tracing::warn!(%error, "a connection is not taken");
                    ports.clock.sleep(BREATH).await;
                }
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve_one(stream: TcpStream, router: Router, (header_time, piece_time): (Duration, Duration), stop: CancellationToken) {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(header_time);
    let mut connection = pin!(server.serve_connection(TokioIo::new(Taken::new(stream, piece_time)), TowerToHyperService::new(router)));
    // what is wrong with a connection is its client's affair
    let _ = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
}
