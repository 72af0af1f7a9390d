//! `doorward-load receive`: takes webhooks, and writes down which.

use crate::cli::Receive;
use anyhow::Context;
use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

/// Longer than any request that a worker sends.
const LONGEST: usize = 256 * 1024;
/// A connection that is silent for longer is closed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Takes webhooks until the process is ended.
///
/// # Errors
/// When it cannot listen, or the file cannot be made.
pub(crate) async fn receive(arguments: Receive) -> anyhow::Result<()> {
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("{} cannot be listened on", arguments.listen))?;
    let file = File::create(&arguments.ids).context("the file for the ids cannot be made")?;
    let file = Arc::new(Mutex::new(file));
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(stream, Arc::clone(&file), arguments.delay));
    }
}

async fn serve(mut stream: TcpStream, file: Arc<Mutex<File>>, delay: Option<Duration>) {
    let mut received = Vec::new();
    while let Ok(Some((id, length))) = timeout(PATIENCE, request(&mut stream, &mut received))
        .await
        .unwrap_or(Ok(None))
    {
        received.drain(..length);
        let written = {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            writeln!(file, "{id}")
        };
        if written.is_err() {
            return;
        }
        sleep(delay.unwrap_or_default()).await;
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}

/// The webhook id of the next request, and how many bytes it has. None at the end of the connection.
async fn request(
    stream: &mut TcpStream,
    received: &mut Vec<u8>,
) -> std::io::Result<Option<(String, usize)>> {
    loop {
        if let Some(found) = whole(received) {
            return Ok(Some(found));
        }
        if received.len() > LONGEST || stream.read_buf(received).await? == 0 {
            return Ok(None);
        }
    }
}

/// The webhook id of the request that is there, and its length, once it is there to its end.
fn whole(received: &[u8]) -> Option<(String, usize)> {
    const END: &[u8] = b"\r\n\r\n";
    let head = received.windows(END.len()).position(|part| part == END)?;
    let text = String::from_utf8_lossy(received.get(..head)?);
    let field = |name: &str| {
        text.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    };
    let body = field("content-length").map_or(Some(0), |length| length.parse::<usize>().ok())?;
    let length = head.checked_add(END.len())?.checked_add(body)?;
    let id = field("webhook-id").unwrap_or_else(|| "none".to_owned());
    (received.len() >= length).then_some((id, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_when_its_body_is_there() {
        let bytes = b"POST / HTTP/1.1\r\nWebhook-Id: msg_1\r\nContent-Length: 2\r\n\r\n{}POST";
        for end in 0..bytes.len() - 4 {
            assert_eq!(whole(&bytes[..end]), None, "{end}");
        }
        let expected = Some(("msg_1".to_owned(), bytes.len() - 4));
        assert_eq!(whole(bytes), expected);
        assert_eq!(
            whole(b"GET / HTTP/1.1\r\n\r\n"),
            Some(("none".to_owned(), 18))
        );
        assert_eq!(whole(b"GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n"), None);
    }
}
