//! A connection whose other end must take what it is sent: one that takes nothing for a while is ended. It would hold its place, and what was
//! made for it, for ever. A connection that nothing is sent on is not meant: a stream on which nothing happens stays.

use std::{
    future::Future as _,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// A stream that fails once nothing of what is written was taken for so long.
pub(super) struct Taken<S> {
    stream: S,
    limit: Duration,
    /// Runs from the first write that found no room, until one finds some.
    waits: Option<Pin<Box<Sleep>>>,
}

impl<S> Taken<S> {
    pub(super) const fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, waits: None }
    }

    fn watch<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.waits = None;
            return polled;
        }
        let limit = self.limit;
        let waits = self.waits.get_or_insert_with(|| Box::pin(sleep(limit)));
        waits.as_mut().poll(context).map(|()| {
            tracing::info!("a client does not take what it is sent, and is let go");
            Err(io::ErrorKind::TimedOut.into())
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Taken<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Taken<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, polled)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.watch(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // a socket has nothing to flush: what it has taken is on its way, and says nothing about room
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    #[tokio::test]
    async fn who_takes_a_little_now_and_then_is_served_to_the_end_and_who_takes_nothing_is_not() {
        let limit = Duration::from_millis(500);
        let (mut reader, writer) = duplex(8);
        let mut writer = Taken::new(writer, limit);
        let written = tokio::spawn(async move { writer.write_all(&[7; 80]).await });
        // longer than the limit in all
        for _ in 0..10 {
            sleep(limit / 5).await;
            reader.read_exact(&mut [0; 8]).await.unwrap();
        }
        written.await.unwrap().unwrap();

        let (_reader, writer) = duplex(8);
        let mut writer = Taken::new(writer, limit);
        writer.write_all(&[7; 8]).await.unwrap();
        let begun = std::time::Instant::now();
        // nothing is sent: that is nobody's fault
        sleep(limit + limit / 2).await;
        let error = writer.write_all(&[7]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() >= limit * 2, "its time began when something was sent: {:?}", begun.elapsed());
    }
}
