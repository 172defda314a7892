//! Files as bodies of requests, read as they are sent: of any length, in the room of a few blocks.

use bytes::Bytes;
use reqwest::Body;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// How much of a file is read at a time.
const BLOCK: usize = 256 * 1024;

/// A file as a body.
pub fn streamed(file: impl AsyncRead + Send + Unpin + 'static) -> Body {
    Body::wrap_stream(futures::stream::try_unfold(file, |mut file| async move {
        let mut block = vec![0; BLOCK];
        let read = file.read(&mut block).await?;
        block.truncate(read);
        Ok::<_, io::Error>((read > 0).then(|| (Bytes::from(block), file)))
    }))
}
